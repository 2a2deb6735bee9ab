//! Fields that the default room is too small for.
use cohabit::plain;

#[plain(appendable)]
struct Bad {
    many: [u64; 200],
}

fn main() {}

//! Another argument on a field.
use cohabit::plain;

#[plain]
struct Bad {
    #[plain(appendable)]
    x: u32,
}

fn main() {}

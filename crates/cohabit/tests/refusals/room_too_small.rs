//! A room that the fields do not fit.
use cohabit::plain;

#[plain(appendable = 64)]
struct Bad {
    x: u32,
    many: [u64; 8],
}

fn main() {}

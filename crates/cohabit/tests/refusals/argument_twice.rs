//! An argument twice.
use cohabit::plain;

#[plain(appendable, appendable = 64)]
struct Bad {
    x: u32,
}

fn main() {}

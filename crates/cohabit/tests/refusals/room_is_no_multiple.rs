//! A room that is no multiple of 16.
use cohabit::plain;

#[plain(appendable = 100)]
struct Bad {
    x: u32,
}

fn main() {}

//! `was` on the struct.
use cohabit::plain;

#[plain(was = "old")]
struct Bad {
    x: u32,
}

fn main() {}

//! A room that is no number.
use cohabit::plain;

#[plain(appendable = "64")]
struct Bad {
    x: u32,
}

fn main() {}

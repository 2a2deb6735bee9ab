//! A field that is `std::ops::Range<u32>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::ops::Range<u32>,
}

fn main() {}

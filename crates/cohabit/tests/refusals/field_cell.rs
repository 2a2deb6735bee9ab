//! A field that is `std::cell::Cell<u32>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::cell::Cell<u32>,
}

fn main() {}

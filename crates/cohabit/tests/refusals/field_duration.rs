//! A field that is `std::time::Duration`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::time::Duration,
}

fn main() {}

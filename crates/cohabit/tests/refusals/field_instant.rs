//! A field that is `std::time::Instant`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::time::Instant,
}

fn main() {}

//! A field that is `std::fs::File`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::fs::File,
}

fn main() {}

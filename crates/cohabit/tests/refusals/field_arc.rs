//! A field that is `std::sync::Arc<u32>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::sync::Arc<u32>,
}

fn main() {}

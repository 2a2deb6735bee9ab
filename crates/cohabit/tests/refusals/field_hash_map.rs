//! A field that is `std::collections::HashMap<u32, u32>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::collections::HashMap<u32, u32>,
}

fn main() {}

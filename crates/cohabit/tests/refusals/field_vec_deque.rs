//! A field that is `std::collections::VecDeque<u8>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::collections::VecDeque<u8>,
}

fn main() {}

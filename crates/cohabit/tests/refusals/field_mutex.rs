//! A field that is `std::sync::Mutex<u32>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::sync::Mutex<u32>,
}

fn main() {}

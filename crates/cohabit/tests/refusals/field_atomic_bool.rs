//! A field that is `std::sync::atomic::AtomicBool`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::sync::atomic::AtomicBool,
}

fn main() {}

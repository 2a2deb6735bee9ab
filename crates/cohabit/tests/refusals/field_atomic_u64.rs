//! A field that is `std::sync::atomic::AtomicU64`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::sync::atomic::AtomicU64,
}

fn main() {}

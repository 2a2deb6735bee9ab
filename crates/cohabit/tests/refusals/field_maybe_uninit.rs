//! A field that is `std::mem::MaybeUninit<u32>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::mem::MaybeUninit<u32>,
}

fn main() {}

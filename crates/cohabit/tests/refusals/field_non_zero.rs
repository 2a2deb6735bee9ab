//! A field that is `std::num::NonZeroU32`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::num::NonZeroU32,
}

fn main() {}

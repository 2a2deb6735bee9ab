//! A field that is `fn(u32) -> u32`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: fn(u32) -> u32,
}

fn main() {}

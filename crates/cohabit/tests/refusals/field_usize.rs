//! A field that is `usize`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: usize,
}

fn main() {}

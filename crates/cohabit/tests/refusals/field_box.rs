//! A field that is `Box<u32>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: Box<u32>,
}

fn main() {}

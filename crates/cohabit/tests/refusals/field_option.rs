//! A field that is `Option<u32>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: Option<u32>,
}

fn main() {}

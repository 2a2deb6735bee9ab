//! A field that is `cohabit::Value<u32>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: cohabit::Value<u32>,
}

fn main() {}

//! A field that is `cohabit::Text<0>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: cohabit::Text<0>,
}

fn main() {}

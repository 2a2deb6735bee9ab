//! A field that is `()`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: (),
}

fn main() {}

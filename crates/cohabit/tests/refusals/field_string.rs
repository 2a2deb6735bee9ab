//! A field that is `String`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: String,
}

fn main() {}

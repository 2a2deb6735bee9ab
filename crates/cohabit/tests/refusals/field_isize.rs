//! A field that is `isize`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: isize,
}

fn main() {}

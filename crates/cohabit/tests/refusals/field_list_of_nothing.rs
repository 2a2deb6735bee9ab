//! A field that is `cohabit::List<u32, 0>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: cohabit::List<u32, 0>,
}

fn main() {}

//! A list of a struct that lacks `#[plain]`.
use cohabit::plain;

struct Inner {
    x: u32,
}

#[plain]
struct Bad {
    ok: u32,
    bad: cohabit::List<Inner, 4>,
}

fn main() {}

//! A field whose struct lacks `#[plain]`.
use cohabit::plain;

struct Inner {
    x: u32,
}

#[plain]
struct Bad {
    ok: u32,
    bad: Inner,
}

fn main() {}

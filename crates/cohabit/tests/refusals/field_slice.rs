//! A field that is `[u32]`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: [u32],
}

fn main() {}

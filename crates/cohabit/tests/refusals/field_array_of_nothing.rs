//! A field that is `[u32; 0]`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: [u32; 0],
}

fn main() {}

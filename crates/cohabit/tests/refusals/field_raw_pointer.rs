//! A field that is `*const u32`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: *const u32,
}

fn main() {}

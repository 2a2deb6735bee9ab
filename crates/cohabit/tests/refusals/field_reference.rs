//! A field that is `&'static u32`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: &'static u32,
}

fn main() {}

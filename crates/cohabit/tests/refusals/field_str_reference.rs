//! A field that is `&'static str`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: &'static str,
}

fn main() {}

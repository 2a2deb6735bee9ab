//! A field that is `Box<dyn Fn()>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: Box<dyn Fn()>,
}

fn main() {}

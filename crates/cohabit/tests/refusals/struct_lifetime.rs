//! A struct with a lifetime.
use cohabit::plain;

#[plain]
struct Bad<'a> {
    x: &'a u32,
}

fn main() {}

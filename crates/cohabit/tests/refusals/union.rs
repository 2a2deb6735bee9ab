//! A union.
use cohabit::plain;

#[plain]
union Bad {
    x: u32,
    y: f32,
}

fn main() {}

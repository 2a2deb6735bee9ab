//! Two fields would be one part.
use cohabit::plain;

#[plain]
struct Bad {
    x: u32,
    X: u32,
}

fn main() {}

//! A struct with a constant parameter.
use cohabit::plain;

#[plain]
struct Bad<const N: usize> {
    x: [u8; N],
}

fn main() {}

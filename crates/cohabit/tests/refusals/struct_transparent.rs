//! A transparent struct.
use cohabit::plain;

#[plain]
#[repr(transparent)]
struct Bad {
    x: u8,
}

fn main() {}

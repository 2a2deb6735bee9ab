//! A packed struct.
use cohabit::plain;

#[plain]
#[repr(C, packed)]
struct Bad {
    x: u8,
    y: u32,
}

fn main() {}

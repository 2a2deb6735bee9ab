//! A struct with an alignment of its own.
use cohabit::plain;

#[plain]
#[repr(C, align(64))]
struct Bad {
    x: u8,
}

fn main() {}

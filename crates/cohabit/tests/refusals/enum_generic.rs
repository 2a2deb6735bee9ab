//! A generic enum.
use cohabit::plain;

#[plain]
#[repr(u8)]
enum Bad<'a> {
    Off(&'a u8),
}

fn main() {}

//! An enum without variants.
use cohabit::plain;

#[plain]
#[repr(u8)]
enum Bad {}

fn main() {}

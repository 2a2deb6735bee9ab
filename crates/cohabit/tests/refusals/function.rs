//! Not a type at all.
use cohabit::plain;

#[plain]
fn bad() {}

fn main() {}

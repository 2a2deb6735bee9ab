//! A struct without fields, in braces.
use cohabit::plain;

#[plain]
struct Bad {}

fn main() {}

//! A struct without fields.
use cohabit::plain;

#[plain]
struct Bad;

fn main() {}

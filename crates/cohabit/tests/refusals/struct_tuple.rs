//! A struct whose fields have no names.
use cohabit::plain;

#[plain]
struct Bad(u32, u32);

fn main() {}

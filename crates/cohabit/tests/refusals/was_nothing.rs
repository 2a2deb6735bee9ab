//! No argument on a field.
use cohabit::plain;

#[plain]
struct Bad {
    #[plain]
    x: u32,
}

fn main() {}

//! An old name that is the name of another field.
use cohabit::plain;

#[plain]
struct Bad {
    #[plain(was = "y")]
    x: u32,
    y: u32,
}

fn main() {}

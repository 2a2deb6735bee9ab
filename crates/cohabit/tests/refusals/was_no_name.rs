//! An old name that no field can have had.
use cohabit::plain;

#[plain]
struct Bad {
    #[plain(was = "the speed")]
    x: u32,
}

fn main() {}

//! An old name without characters.
use cohabit::plain;

#[plain]
struct Bad {
    #[plain(was = "")]
    x: u32,
}

fn main() {}

//! An old name that is no text.
use cohabit::plain;

#[plain]
struct Bad {
    #[plain(was = 7)]
    x: u32,
}

fn main() {}

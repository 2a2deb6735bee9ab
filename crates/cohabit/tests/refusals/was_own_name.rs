//! An old name that is the new one.
use cohabit::plain;

#[plain]
struct Bad {
    #[plain(was = "x")]
    x: u32,
}

fn main() {}

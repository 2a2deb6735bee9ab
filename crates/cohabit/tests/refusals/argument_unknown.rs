//! An argument that there is not.
use cohabit::plain;

#[plain(packed)]
struct Bad {
    x: u32,
}

fn main() {}

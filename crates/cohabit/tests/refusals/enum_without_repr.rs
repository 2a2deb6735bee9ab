//! An enum whose size the compiler chooses.
use cohabit::plain;

#[plain]
enum Bad {
    Off,
    On,
}

fn main() {}

//! An enum whose size differs between targets.
use cohabit::plain;

#[plain]
#[repr(usize)]
enum Bad {
    Off,
    On,
}

fn main() {}

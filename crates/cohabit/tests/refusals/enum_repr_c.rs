//! An enum whose size C chooses.
use cohabit::plain;

#[plain]
#[repr(C)]
enum Bad {
    Off,
    On,
}

fn main() {}

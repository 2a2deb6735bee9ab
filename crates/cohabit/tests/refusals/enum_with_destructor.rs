//! An enum that needs Drop.
use cohabit::plain;

#[plain]
#[repr(u8)]
enum Bad {
    Off,
}

impl Drop for Bad {
    fn drop(&mut self) {}
}

fn main() {}

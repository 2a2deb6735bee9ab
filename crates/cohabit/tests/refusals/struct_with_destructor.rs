//! A struct that needs Drop.
use cohabit::plain;

#[plain]
struct Bad {
    x: u8,
}

impl Drop for Bad {
    fn drop(&mut self) {}
}

fn main() {}

//! An appendable enum.
use cohabit::plain;

#[plain(appendable)]
#[repr(u8)]
enum Bad {
    Off,
}

fn main() {}

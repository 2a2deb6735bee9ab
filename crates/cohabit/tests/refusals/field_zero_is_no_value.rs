//! A field of an appendable struct whose zero is no value.
use cohabit::plain;

#[plain]
#[repr(u8)]
enum Mode {
    On = 1,
}

#[plain(appendable)]
struct Bad {
    ok: u32,
    bad: Mode,
}

fn main() {}

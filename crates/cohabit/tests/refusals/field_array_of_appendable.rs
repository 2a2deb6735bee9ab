//! An array of an appendable struct.
use cohabit::plain;

#[plain(appendable)]
struct Inner {
    x: u32,
}

#[plain]
struct Bad {
    ok: u32,
    bad: [Inner; 2],
}

fn main() {}

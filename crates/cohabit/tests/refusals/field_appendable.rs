//! A field whose struct is appendable.
use cohabit::plain;

#[plain(appendable)]
struct Inner {
    x: u32,
}

#[plain]
struct Bad {
    ok: u32,
    bad: Inner,
}

fn main() {}

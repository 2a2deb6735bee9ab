//! A generic struct.
use cohabit::plain;

#[plain]
struct Bad<T> {
    x: T,
}

fn main() {}

//! A struct that ends in a slice, and is not the last field.
use std::sync::atomic::AtomicU64;

use cohabit::{Flag, shareable};

#[shareable]
struct Ok {
    words: [AtomicU64],
}

#[shareable]
struct Bad {
    inner: Ok,
    flag: Flag,
}

fn main() {}

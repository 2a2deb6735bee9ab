//! A slice of cells that is not the last field.
use std::sync::atomic::AtomicU64;

use cohabit::{Flag, shareable};

#[shareable]
struct Bad {
    words: [AtomicU64],
    ok: Flag,
}

fn main() {}

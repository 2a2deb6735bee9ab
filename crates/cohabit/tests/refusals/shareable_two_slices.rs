//! Two fields of run-time length: an object has one length.
use std::sync::atomic::AtomicU64;

use cohabit::{Value, shareable};

#[shareable]
struct Bad {
    scan: Value<[f32]>,
    words: [AtomicU64],
}

fn main() {}

//! A constructor that returns something, of a struct without a size: it is built in place.
use std::sync::atomic::AtomicU64;

use cohabit::{Flag, Shared, shareable};

#[shareable]
struct Log {
    stop: Flag,
    words: [AtomicU64],
}

fn main() {
    let build = || vec![AtomicU64::new(0), AtomicU64::new(0)];
    let _ = Shared::<Log>::options().len(2).open_or_create("log", build);
}

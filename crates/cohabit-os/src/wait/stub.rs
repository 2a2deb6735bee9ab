//! No mechanism: waiting is a short sleep, which the contract allows, and waking is nothing.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use crate::process::Identity;

pub(super) fn monotonic_ns() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    let since = ORIGIN.get_or_init(Instant::now).elapsed().as_nanos();
    u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1)
}

pub(super) fn wait(_word: &AtomicU64, _expected_low: u32, deadline_ns: u64) {
    let left = deadline_ns.saturating_sub(monotonic_ns());
    std::thread::sleep(Duration::from_nanos(left).min(Duration::from_millis(1)));
}

pub(super) fn hears_deaths() -> bool {
    false
}

pub(super) fn wait_or_death(
    word: &AtomicU64,
    expected_low: u32,
    _whose: &[Identity],
    deadline_ns: u64,
) {
    wait(word, expected_low, deadline_ns);
}

pub(super) fn any_max() -> usize {
    1
}

pub(super) fn wait_any(words: &[(&AtomicU64, u32)], deadline_ns: u64) {
    if let [(word, expected_low), ..] = words {
        wait(word, *expected_low, deadline_ns);
    }
}

pub(super) fn wake(_word: &AtomicU64, _count: i32) -> bool {
    true
}

//! Plain POSIX: a wait looks at the word again and again, at growing intervals.
//!
//! Nobody is woken, so a wake-up does nothing, and cannot say that nobody waited. What a look cannot see is
//! a word that changed and changed back: so a wait returns after some time for no reason, as the contract
//! allows, and the caller looks at what it knows.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::process::Identity;

const NS_PER_S: u64 = 1_000_000_000;

/// The first and the longest pause between two looks: a waiter for long costs some hundred looks a second.
const PAUSE: (Duration, Duration) = (Duration::from_micros(20), Duration::from_millis(4));
/// After so much time a wait returns for no reason.
const LONGEST: Duration = Duration::from_millis(100);
/// How many words one look at several takes.
const ANY_MAX: usize = 128;

pub(super) fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * NS_PER_S + u64::try_from(now.tv_nsec).unwrap_or(0)
}

pub(super) fn wait(word: &AtomicU64, expected_low: u32, deadline_ns: u64) {
    wait_any(&[(word, expected_low)], deadline_ns);
}

/// Who waits looks again soon.
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
    ANY_MAX
}

pub(super) fn wait_any(words: &[(&AtomicU64, u32)], deadline_ns: u64) {
    let longest = u64::try_from(LONGEST.as_nanos()).unwrap_or(u64::MAX);
    let until = deadline_ns.min(monotonic_ns().saturating_add(longest));
    let mut pause = PAUSE.0;
    // Relaxed: as a futex compares, which orders nothing; who returns looks again.
    while words.iter().all(|(word, expected_low)| word.load(Relaxed) as u32 == *expected_low) {
        let left = Duration::from_nanos(until.saturating_sub(monotonic_ns()));
        if left.is_zero() {
            return;
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(PAUSE.1);
    }
}

pub(super) fn wake(_word: &AtomicU64, _count: i32) -> bool {
    true
}

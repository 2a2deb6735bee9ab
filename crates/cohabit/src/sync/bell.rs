//! The bell: a word that counts how often it was rung, for those who wait until it is rung once more.
//!
//! ```text
//! bit 0 WAITERS · bits 1-63 how often it was rung
//! ```
//!
//! 1. Who waits takes the count first, then looks whether what it waits for is there, and only then
//!    sleeps while the count stays. So no ring between the two is lost, and a wake-up that dies with the
//!    one that it woke is lost to nobody: the count has changed for all.
//! 2. WAITERS is set before each sleep and cleared by a ring for all, or by a ring for one that woke
//!    nobody, in an exchange of exactly the word that was rung. That changes the word under who has set it and
//!    is about to sleep; and who fell asleep since nobody was woken is woken behind it, and sets it again. So
//!    nobody sleeps while it is clear.
//! 3. No sleep is longer than the caller of [`wait`] says.

use crate::primitive::{AtomicU64, Ordering, wait};

/// Somebody waits, or did since the last ring for all.
pub(crate) const WAITERS: u64 = 1;
const ONCE: u64 = 2;
/// How often a ring tries against a word that changes under each try.
const TRIES: u32 = 10_000;

/// A count that a waiter took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen(u64);

/// How often the bell was rung until now; says in the word that somebody will wait.
pub(crate) fn listen(bell: &AtomicU64) -> Seen {
    // Acquire: pairs with the Release in `ring`.
    Seen(bell.fetch_or(WAITERS, Ordering::Acquire) | WAITERS)
}

/// Whether it was rung since.
pub(crate) fn was_rung(bell: &AtomicU64, seen: Seen) -> bool {
    // Acquire: pairs with the Release in `ring`.
    (bell.load(Ordering::Acquire) | WAITERS) != seen.0
}

/// The word to sleep on, with the flag set, unless it was rung since.
pub(crate) fn to_sleep_on(bell: &AtomicU64, seen: Seen) -> Option<u64> {
    (listen(bell) == seen).then_some(seen.0)
}

/// Rings for everyone who waits.
pub(crate) fn ring_all(bell: &AtomicU64) {
    if ring(bell, !WAITERS) & WAITERS != 0 {
        wait::wake_all(bell);
    }
}

/// Rings for one of those who wait, which may wake more.
pub(crate) fn ring_one(bell: &AtomicU64) {
    let before = ring(bell, u64::MAX);
    if before & WAITERS == 0 || wait::wake_one(bell) {
        return;
    }
    let now = before.wrapping_add(ONCE);
    let free = now & !WAITERS;
    if bell.compare_exchange(now, free, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        // Invariant 2.
        wait::wake_all(bell);
    }
}

/// Counts one ring and keeps the flag if `keep` has it; the word before.
fn ring(bell: &AtomicU64, keep: u64) -> u64 {
    for _ in 0..TRIES {
        let seen = bell.load(Ordering::Relaxed);
        let next = seen.wrapping_add(ONCE) & keep;
        // Release: pairs with the Acquire of who finds that it was rung.
        if bell.compare_exchange(seen, next, Ordering::Release, Ordering::Relaxed).is_ok() {
            return seen;
        }
    }
    // Only a peer that breaks the rules changes the word so often. Release: pairs as above.
    bell.fetch_add(ONCE, Ordering::Release) | WAITERS // pairs with the Acquire in `was_rung`
}

//! The word of what is done once: by whoever comes first, or by the next if that one dies or gives up.
//!
//! ```text
//! word               meaning                           who changes it
//! 0                  not done, and nobody is at it     anyone: 0 -> me
//! WAITERS            the same, and somebody waits      anyone: WAITERS -> me|WAITERS
//! me                 being done                        the runner -> DONE, or -> 0 if it gives up
//! me|WAITERS         the same, and somebody waits      the runner -> DONE or WAITERS, and wakes all
//! (dead) token       being done by nobody              anyone: exactly this word -> me|WAITERS
//! DONE               done, for ever                    nobody
//! ```
//!
//! 1. Taking over is one compare-exchange from the exact dead word; tokens are never used twice, so a
//!    word that is still there is still the dead one's.
//! 2. It is done by the exchange to DONE and not before: who dies in front of it has done nothing that
//!    counts, and the next one runs its own.
//! 3. No wake-up is needed for progress: who would run looks again within 10 ms, who only waits for
//!    DONE within 100 ms.
//! 4. WAITERS stays until it is done: those who only wait do not come back to set it.

use super::held;
use super::waiting::{LOOK_AGAIN, Waiting};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Patience, Peers};
use crate::primitive::{AtomicU64, Ordering, wait};
use crate::token::{MARK, Token, WAITERS, same_holder};

/// The word of what is done.
pub(crate) const DONE: u64 = MARK;
/// How often giving up tries against a word that changes under each try.
const TRIES: u32 = 10_000;

/// What a caller finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It is done.
    Done,
    /// It is this caller's to do.
    Mine,
}

/// Whether it is done; then all that its runner did before is seen.
#[inline(always)]
pub(crate) fn is_done(word: &AtomicU64) -> bool {
    // Acquire: pairs with the Release in `finish`.
    word.load(Ordering::Acquire) == DONE
}

/// Waits until it is done, or until it is this caller's to do.
///
/// # Errors
/// `Busy` when the patience ends, `Deadlock` when this thread is at it, `LivenessLost`.
pub(crate) fn enter(
    word: &AtomicU64,
    me: u64,
    peers: &impl Peers,
    patience: Patience,
) -> Result<Entry> {
    let mut waiting = Waiting::new(patience, LOOK_AGAIN);
    // Who was at it when this call last slept: who is still there afterwards may be dead.
    let mut stood = 0;
    loop {
        // Acquire: pairs with the Release in `finish`.
        let seen = word.load(Ordering::Acquire);
        if seen == DONE {
            return Ok(Entry::Done);
        }
        if waiting.is_outrun() {
            return Err(busy(seen, peers));
        }
        let runner = Token::named_by(seen);
        let is_free = match runner {
            None => true,
            Some(runner) => {
                may_be_dead(word, seen, me, stood, &waiting)? && peers.is_dead(runner)?
            }
        };
        if is_free {
            if take(word, seen, me, runner.is_some()) {
                return Ok(Entry::Mine);
            }
            continue;
        }
        if seen & WAITERS == 0 && waiting.spins() {
            continue;
        }
        if waiting.is_over() {
            return Err(busy(seen, peers));
        }
        if announced(word, seen) {
            stood = seen;
            waiting.sleep(peers, word, seen | WAITERS, runner.into_iter());
        }
    }
}

/// Whether it is worth asking the kernel for the runner: before giving up, and when it still is who it
/// was before the last sleep.
///
/// # Errors
/// `Deadlock` when it is this thread.
fn may_be_dead(
    word: &AtomicU64,
    seen: u64,
    me: u64,
    stood: u64,
    waiting: &Waiting,
) -> Result<bool> {
    if !same_holder(seen, me) {
        return Ok(waiting.is_over() || same_holder(seen, stood));
    }
    if held::holds(std::ptr::from_ref(word).addr()) {
        let detail = "this thread is inside of what is done once, and calls it again";
        return Err(Error::new(ErrorKind::Deadlock, "", detail));
    }
    Ok(false)
}

/// Takes what nobody is at, or what a dead runner was at.
fn take(word: &AtomicU64, seen: u64, me: u64, was_dead: bool) -> bool {
    let waiters = if was_dead { WAITERS } else { seen & WAITERS };
    // Acquire: pairs with the Release in `give_up`, and of whatever a dead runner published.
    word.compare_exchange(seen, me | waiters, Ordering::Acquire, Ordering::Relaxed).is_ok()
}

/// Says in the word that somebody waits; whether it still is the same.
fn announced(word: &AtomicU64, seen: u64) -> bool {
    let mark = seen | WAITERS;
    mark == seen || word.compare_exchange(seen, mark, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

/// Says that somebody waits until it is done; the word to sleep on, unless it is.
pub(crate) fn to_sleep_on(word: &AtomicU64) -> Option<u64> {
    loop {
        // Acquire: pairs with the Release in `finish`.
        let seen = word.load(Ordering::Acquire);
        if seen == DONE {
            return None;
        }
        if announced(word, seen) {
            return Some(seen | WAITERS);
        }
    }
}

/// Says that it is done. Killed in front of it, the runner has done nothing; killed behind it, whoever
/// sleeps looks again.
pub(crate) fn finish(word: &AtomicU64) {
    // Release: pairs with the Acquire in `is_done`.
    if word.swap(DONE, Ordering::Release) & WAITERS != 0 {
        wait::wake_all(word);
    }
}

/// Gives back what `me` is at and has not done.
pub(crate) fn give_up(word: &AtomicU64, me: u64) {
    for _ in 0..TRIES {
        let seen = word.load(Ordering::Relaxed);
        if !same_holder(seen, me) {
            return; // Taken away by a peer that breaks the rules.
        }
        let free = seen & WAITERS;
        // Release: pairs with the Acquire in `take`, so that the next one finds what this one left.
        if word.compare_exchange(seen, free, Ordering::Release, Ordering::Relaxed).is_ok() {
            if free != 0 {
                wait::wake_all(word);
            }
            return;
        }
    }
    // Only a peer that breaks the rules changes the word so often. Release: pairs as above.
    word.store(WAITERS, Ordering::Release); // pairs with the Acquire in `take`
    wait::wake_all(word);
}

#[cold]
fn busy(seen: u64, peers: &impl Peers) -> Error {
    let who = Token::named_by(seen).map_or_else(|| "nobody".to_owned(), |t| peers.describe(t));
    Error::new(ErrorKind::Busy, "", format!("it is being done, once for all, by {who}"))
}

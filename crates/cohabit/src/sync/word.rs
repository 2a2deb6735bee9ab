//! The word of a lock that nobody is kept from for long: a `Mutex`, and the writers of a `RwLock`.
//!
//! ```text
//! word                        meaning                       who changes it
//! 0                           free                          anyone: 0 -> me
//! told                        free, with news (see below)   anyone: told -> me|told
//! me                          held, nobody waits            the holder -> 0
//! me|WAITERS…                 held, somebody waits          the holder -> told, then wakes one
//! me|WAITERS|age…             the same, for 10 ms by now    the holder -> kept, then wakes one
//! lapse<<32|WAITERS|age…      free, kept for who waits      who has waited as long, or after the lapse
//!                                                           anyone: this word -> me|WAITERS|told
//! (dead) token…               held by nobody                any waiter: exactly this word ->
//!                                                           me|WAITERS|OWNER_DIED
//! (dead) token|ENTERS…        held by nobody                any waiter: exactly this word -> me|WAITERS
//! told = OWNER_DIED, POISONED: what whoever takes the lock is told; they stay until they are cleared.
//! ```
//!
//! 1. Taking over is one compare-exchange from the exact dead word; tokens are never used twice, so a
//!    word that is still there is still the dead one's. `OWNER_DIED` is set by nothing else.
//! 2. No wake-up is needed for progress: every wait looks again within 10 ms.
//! 3. Whoever slept keeps WAITERS set when it takes the lock, since it cannot know that it was alone.
//! 4. A lock that is kept is no one's: nobody is owed it. Who should have it may have died, may be
//!    stopped, or may have given up; so who has the age may take it at once, and anyone after its lapse,
//!    at most [`KEPT_MS`] after it was let go. The lapse is a moment of the monotonic clock. It decides
//!    who comes first and nothing else: a moment that is not in the next `KEPT_MS`, because a peer lies
//!    or lives in another time namespace, is past.
//! 5. Who holds it with `ENTERS` changes nothing of what is guarded: its death is told to nobody.
//! 6. Only the holder sets `POISONED`; anyone may clear it, and the holder clears `OWNER_DIED`.
//!
//! An age is 1 after 10 ms, and one more each time that doubles: so among those who wait, who has waited
//! for twice as long goes first.
//!
//! **Rejected:** a queue of waiters in the segment (each of its links can be left by a dead one); a
//! reservation that names its waiter (a stopped one would keep everybody out of a free lock); no order
//! at all (who holds the lock again and again keeps the others out, as long as it likes).

use super::held;
use super::waiting::{LOOK_AGAIN, OLDEST, Waiting};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Patience, Peers};
use crate::primitive::{AtomicU64, Ordering, wait};
use crate::token::{MARK, Token, WAITERS, same_holder};

/// A holder died inside; told until a holder says that all is well.
pub(crate) const OWNER_DIED: u64 = MARK;
/// A holder panicked inside; told until somebody clears it.
pub(crate) const POISONED: u64 = 1 << 18;
/// The holder is not inside: it makes sure that it may go in, or is only counted.
pub(crate) const ENTERS: u64 = 1 << 22;
/// Somebody has waited for so long: when the lock is let go, it is kept for such.
const AGE: u64 = OLDEST as u64 * AGE_1;
const AGE_1: u64 = 1 << 19;
/// What a taker is told.
pub(crate) const TOLD: u64 = OWNER_DIED | POISONED;

/// For how long a lock is kept at most, in milliseconds.
const KEPT_MS: u32 = 10;
/// How often letting go tries against a word that changes under each try.
const RELEASE_TRIES: u32 = 10_000;

/// Takes the lock as `me`; says what the taker is told.
///
/// # Errors
/// `Busy` when the patience ends, `Deadlock` when this thread holds it, `LivenessLost`.
#[inline(always)]
pub(crate) fn acquire(
    word: &AtomicU64,
    me: u64,
    peers: &impl Peers,
    patience: Patience,
) -> Result<u64> {
    // Acquire: pairs with the Release in `release`, of the holder before.
    match word.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed) {
        Ok(_) => Ok(0),
        Err(_) => acquire_contended(word, me, peers, patience),
    }
}

#[cold]
#[inline(never)]
fn acquire_contended(
    word: &AtomicU64,
    me: u64,
    peers: &impl Peers,
    patience: Patience,
) -> Result<u64> {
    let mut waiting = Waiting::new(patience, LOOK_AGAIN);
    // Who held the lock when this call last slept: who is still there afterwards may be dead.
    let mut stood = 0;
    let mut passed_on = 0;
    loop {
        let seen = word.load(Ordering::Relaxed);
        if waiting.is_outrun() {
            return Err(busy(seen, peers));
        }
        let kept = is_kept(seen);
        let age = u64::from(waiting.age()) * AGE_1;
        if !is_held(seen) && (!kept || age >= seen & AGE) {
            if take(word, seen, me, waiting.has_slept()) {
                return Ok(seen & TOLD);
            }
            continue;
        }
        if seen & WAITERS == 0 && waiting.spins() {
            continue;
        }
        if !kept && may_be_dead(word, seen, me, stood, &waiting)? && is_dead(seen, peers)? {
            if take_over(word, seen, me) {
                return Ok(left_by_the_dead(seen));
            }
            continue;
        }
        if waiting.is_over() {
            give_up(word, age);
            return Err(busy(seen, peers));
        }
        let Some(seen) = announced(word, seen, age) else { continue };
        if kept && waiting.has_slept() && passed_on != seen {
            // The wake-up was meant for who has waited for longer.
            passed_on = seen;
            wait::wake_one(word);
        }
        stood = seen;
        waiting.sleep(peers, word, seen, Token::named_by(seen).into_iter());
    }
}

/// Whether it is worth asking the kernel for the holder: before giving up, and when it still is who it
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
        return Err(Error::new(ErrorKind::Deadlock, "", "this thread holds the same lock"));
    }
    Ok(false)
}

/// Whether it names a holder.
fn is_held(seen: u64) -> bool {
    Token::named_by(seen).is_some()
}

/// Whether it is free, and kept for who has waited.
fn is_kept(seen: u64) -> bool {
    if is_held(seen) || seen & AGE == 0 {
        return false;
    }
    let left = ((seen >> 32) as u32).wrapping_sub(wait::monotonic_ms());
    (1..=KEPT_MS).contains(&left)
}

/// Takes a lock that nobody holds.
fn take(word: &AtomicU64, seen: u64, me: u64, has_slept: bool) -> bool {
    let was_kept = seen & AGE != 0;
    let waiters = if has_slept || was_kept { WAITERS } else { 0 };
    let mine = me | waiters | seen & TOLD;
    // Acquire: pairs with the Release in `release`.
    let taken = word.compare_exchange(seen, mine, Ordering::Acquire, Ordering::Relaxed).is_ok();
    if taken && was_kept {
        // The next of those who wait wakes up and says how long by now, or the lock would go to
        // whoever comes by.
        wait::wake_one(word);
    }
    taken
}

/// Takes a dead holder's lock.
fn take_over(word: &AtomicU64, seen: u64, me: u64) -> bool {
    let mine = me | WAITERS | left_by_the_dead(seen);
    // Acquire: pairs with the Release of whatever the dead holder published before it died.
    word.compare_exchange(seen, mine, Ordering::Acquire, Ordering::Relaxed).is_ok()
}

/// What the next one is told after a death.
fn left_by_the_dead(seen: u64) -> u64 {
    if seen & ENTERS != 0 { seen & TOLD } else { OWNER_DIED | seen & POISONED }
}

/// Says in the word that somebody waits, and for how long; the word to sleep on, or none if it changed.
fn announced(word: &AtomicU64, seen: u64, age: u64) -> Option<u64> {
    if !is_held(seen) {
        return Some(seen);
    }
    let mark = seen & !AGE | WAITERS | age.max(seen & AGE);
    if mark == seen {
        return Some(seen);
    }
    let set = word.compare_exchange(seen, mark, Ordering::Relaxed, Ordering::Relaxed);
    set.is_ok().then_some(mark)
}

/// What a waiter does not leave: the wish to be next. Others who have waited as long say so again.
fn give_up(word: &AtomicU64, age: u64) {
    let seen = word.load(Ordering::Relaxed);
    if age != 0 && seen & AGE == age && is_held(seen) {
        let _changed =
            word.compare_exchange(seen, seen & !AGE, Ordering::Relaxed, Ordering::Relaxed);
    }
}

fn is_dead(seen: u64, peers: &impl Peers) -> Result<bool> {
    Token::named_by(seen).map_or(Ok(true), |holder| peers.is_dead(holder))
}

#[cold]
fn busy(seen: u64, peers: &impl Peers) -> Error {
    let detail = match Token::named_by(seen) {
        Some(holder) => format!("the lock is held by {}", peers.describe(holder)),
        None => "the lock was let go, for somebody who has waited for 10 ms or more".to_owned(),
    };
    Error::new(ErrorKind::Busy, "", detail)
}

/// Lets go of what `me` holds, and adds `news` to what takers are told.
///
/// Killed before the exchange, the holder died inside; killed after it, whoever sleeps looks again.
#[inline(always)]
pub(crate) fn release(word: &AtomicU64, me: u64, news: u64) {
    // Release: pairs with the Acquire of whoever takes the lock next.
    let freed =
        news == 0 && word.compare_exchange(me, 0, Ordering::Release, Ordering::Relaxed).is_ok();
    if !freed {
        release_awaited(word, me, news);
    }
}

#[cold]
#[inline(never)]
fn release_awaited(word: &AtomicU64, me: u64, news: u64) {
    for _ in 0..RELEASE_TRIES {
        let seen = word.load(Ordering::Relaxed);
        if !same_holder(seen, me) {
            return; // Taken away by a peer that breaks the rules.
        }
        let told = seen & TOLD | news;
        let next = if seen & AGE != 0 { kept(seen & AGE) | told } else { told };
        // Release: pairs with the Acquire of whoever takes the lock next.
        if word.compare_exchange(seen, next, Ordering::Release, Ordering::Relaxed).is_ok() {
            if seen & WAITERS != 0 {
                wait::wake_one(word);
            }
            return;
        }
    }
    // Only a peer that breaks the rules changes the word so often. Release: pairs with the Acquire of
    // whoever takes the lock next.
    word.store(news, Ordering::Release);
    wait::wake_one(word);
}

/// The word of a lock that is let go for who has this age.
fn kept(age: u64) -> u64 {
    let lapse = wait::monotonic_ms().wrapping_add(KEPT_MS);
    u64::from(lapse) << 32 | WAITERS | age
}

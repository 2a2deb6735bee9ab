//! The words of a `Semaphore`: one for each permit that there can be.
//!
//! ```text
//! 0, or what names nobody   there is no such permit    who adds one -> FREE
//! FREE                      a permit that can be had   anyone -> me
//! token                     held by a guard            the holder -> FREE, or -> 0 when it forgets
//! (dead) token              held by nobody             anyone: exactly this word -> me
//! ```
//!
//! 1. A permit is taken, given back, added and forgotten by one exchange each. So a process that is killed
//!    has done it or has not, and no permit is lost or doubled.
//! 2. A dead holder's permit is found when no other is free, and taken from exactly the dead word: tokens are
//!    never used twice.
//!
//! **Rejected:** a number of permits, with a list of those who have one: a permit would have to move from one to
//! the other by two exchanges, and whoever dies between them loses or doubles it.

use crate::error::Result;
use crate::lock::Peers;
use crate::primitive::{AtomicU64, Ordering};
use crate::token::{MARK, Token, same_holder};

/// A permit that can be had.
pub(crate) const FREE: u64 = MARK;

/// Whether it is a permit that can be had.
pub(crate) fn is_free(permit: &AtomicU64) -> bool {
    permit.load(Ordering::Relaxed) == FREE
}

/// Takes a permit that is free; says which.
pub(crate) fn take(permits: &[AtomicU64], me: u64) -> Option<usize> {
    permits.iter().position(|permit| is_free(permit) && exchange(permit, FREE, me))
}

/// Takes a permit of somebody dead.
///
/// # Errors
/// `LivenessLost`.
#[cold]
pub(crate) fn take_of_the_dead(
    permits: &[AtomicU64],
    me: u64,
    peers: &impl Peers,
) -> Result<Option<usize>> {
    // Who has several permits is asked for once.
    let mut alive = me;
    for (index, permit) in permits.iter().enumerate() {
        let seen = permit.load(Ordering::Relaxed);
        let Some(holder) = Token::named_by(seen) else { continue };
        if same_holder(seen, me) || same_holder(seen, alive) {
            continue;
        }
        if !peers.is_dead(holder)? {
            alive = seen;
        } else if exchange(permit, seen, me) {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// Gives back what `me` holds; whether it still held it.
pub(crate) fn give_back(permit: &AtomicU64, me: u64) -> bool {
    exchange(permit, me, FREE)
}

/// Ends the permit that `me` holds.
pub(crate) fn forget(permit: &AtomicU64, me: u64) {
    let _taken_by_a_peer_that_breaks_the_rules = exchange(permit, me, 0);
}

/// Adds a permit, if there is room for one.
pub(crate) fn add(permits: &[AtomicU64]) -> bool {
    permits.iter().any(|permit| {
        let seen = permit.load(Ordering::Relaxed);
        is_room(seen) && exchange(permit, seen, FREE)
    })
}

/// For how many more permits there is room.
pub(crate) fn room(permits: &[AtomicU64]) -> usize {
    permits.iter().filter(|permit| is_room(permit.load(Ordering::Relaxed))).count()
}

fn is_room(word: u64) -> bool {
    word != FREE && Token::named_by(word).is_none()
}

/// Makes `to` of exactly `from`.
fn exchange(permit: &AtomicU64, from: u64, to: u64) -> bool {
    // AcqRel: pairs with itself: who takes a permit sees what was done before it was given back or added.
    permit.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

//! The robust lock word: free is 0, held is its holder's token, and the kernel says who is dead.
//!
//! ```text
//! word               meaning               who changes it
//! 0                  free                  anyone: 0 -> me
//! token              held, nobody waits    the holder -> 0; a waiter -> token|WAITERS
//! token|WAITERS      held, somebody waits  the holder -> 0, then wakes one
//! (dead) token       held by nobody        any waiter: exactly this word -> me|WAITERS
//! ```
//!
//! 1. Taking over is one compare-exchange from the exact dead word; tokens are never used twice, so a
//!    word that is still there is still the dead one's.
//! 2. A wake-up can die with the one that it woke. Every wait therefore looks again within 10 ms, and
//!    no wake-up is needed for progress, only for speed.
//! 3. Whoever waited keeps WAITERS set when it takes the lock, since it cannot know that it was alone.
//!
//! The shape is that of U. Drepper, "Futexes Are Tricky" (2011), mutex 2, with an owner in the word.

use std::cell::Cell;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::primitive::{AtomicU64, Deadline, Ordering, SPINS, spin_loop, wait};
use crate::token::{Token, WAITERS, same_holder};

/// What a protocol asks about the other processes.
pub(crate) trait Peers {
    /// Whether the kernel says that nobody holds `token` any more.
    fn is_dead(&self, token: Token) -> Result<bool>;
    /// Who that is, for an error's text.
    fn describe(&self, token: Token) -> String;
    /// Sleeps while the low half of `word` is `expected`, until `until`, or until one of those dies for whom it
    /// waits, where the system tells that.
    fn wait(
        &self,
        word: &AtomicU64,
        expected: u32,
        _whom: impl Iterator<Item = Token>,
        until: Deadline,
    ) {
        wait::wait(word, expected, until);
    }
    /// Whether two addresses are the same word of one instance, through two mappings of this process.
    fn are_one(&self, word: usize, other: usize) -> bool;
}

/// How long a call may wait for others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// Not at all.
    None,
    /// Until then.
    Until(Deadline),
    /// As long as it takes.
    Forever,
}

impl Patience {
    pub(crate) fn timeout(timeout: Duration) -> Self {
        Patience::Until(Deadline::after(timeout))
    }

    pub(crate) fn is_over(self) -> bool {
        match self {
            Patience::None => true,
            Patience::Until(deadline) => deadline.has_passed(),
            Patience::Forever => false,
        }
    }

    /// The end of a wait of at most `step`.
    pub(crate) fn step(self, step: Duration) -> Deadline {
        let end = Deadline::after(step);
        match self {
            Patience::Until(deadline) => end.earlier(deadline),
            _ => end,
        }
    }
}

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    word: &'a AtomicU64,
}

/// Takes the lock as `me`.
///
/// # Errors
/// `Busy` when the patience ends, `Deadlock` when this thread holds it, `LivenessLost`.
#[inline(always)]
pub(crate) fn acquire<'a>(
    word: &'a AtomicU64,
    me: u64,
    peers: &impl Peers,
    patience: Patience,
) -> Result<Held<'a>> {
    // Acquire: pairs with the Release of the store in `Held::drop` by the holder before.
    match word.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed) {
        Ok(_) => Ok(Held { word }),
        Err(_) => acquire_contended(word, me, peers, patience),
    }
}

#[cold]
#[inline(never)]
fn acquire_contended<'a>(
    word: &'a AtomicU64,
    me: u64,
    peers: &impl Peers,
    patience: Patience,
) -> Result<Held<'a>> {
    let mut mine = me;
    let mut round = 0_u32;
    let mut pause = Duration::from_millis(1);
    loop {
        let seen = word.load(Ordering::Relaxed);
        round = round.saturating_add(1);
        // A word that changes under every try is busy too, whoever it names.
        if round > 2 * SPINS && patience.is_over() {
            return Err(busy(seen, peers));
        }
        if seen == 0 {
            // Acquire: pairs with the Release of the store in `Held::drop`.
            if word.compare_exchange(0, mine, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return Ok(Held { word });
            }
            continue;
        }
        if round <= SPINS {
            spin_loop();
            continue;
        }
        if is_dead(seen, me, word, peers)? {
            // Acquire: pairs with the Release of whatever the dead holder committed before it died.
            if word
                .compare_exchange(seen, me | WAITERS, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
            {
                return Ok(Held { word });
            }
            continue;
        }
        if patience.is_over() {
            return Err(busy(seen, peers));
        }
        mine = me | WAITERS;
        if seen & WAITERS == 0
            && word
                .compare_exchange(seen, seen | WAITERS, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            continue;
        }
        let holder = Token::named_by(seen).into_iter();
        peers.wait(word, (seen | WAITERS) as u32, holder, patience.step(pause));
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

/// Whether a held word's holder is dead. A word that names nobody was written by nobody.
fn is_dead(seen: u64, me: u64, word: &AtomicU64, peers: &impl Peers) -> Result<bool> {
    if is_updating(word, peers) {
        let detail = "this thread is inside an update of the same cell";
        return Err(Error::new(ErrorKind::Deadlock, "", detail));
    }
    if same_holder(seen, me) {
        return Ok(false);
    }
    match Token::named_by(seen) {
        Some(holder) => peers.is_dead(holder),
        None => Ok(true),
    }
}

fn busy(seen: u64, peers: &impl Peers) -> Error {
    let who = Token::named_by(seen).map_or_else(|| "nobody".into(), |t| peers.describe(t));
    Error::new(ErrorKind::Busy, "", format!("the value is being written by {who}"))
}

impl Drop for Held<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // Not one exchange, which costs as much as the rest: a waiter that sets WAITERS between the
        // two is not woken, and finds 0 when it asks the kernel to sleep, or looks again (rule 2).
        let old = self.word.load(Ordering::Relaxed);
        // Release: pairs with the Acquire of whoever takes the lock next.
        self.word.store(0, Ordering::Release);
        if old & WAITERS != 0 {
            wake(self.word);
        }
    }
}

#[cold]
#[inline(never)]
fn wake(word: &AtomicU64) {
    wait::wake_one(word);
}

/// How deep updates of different cells may be nested on one thread.
const NESTED: usize = 16;

thread_local! {
    /// The lock words of the cells that this thread is updating, for telling a deadlock from a wait
    /// for another thread of this process. No allocation: the first update of a thread is no slower.
    static UPDATING: [Cell<usize>; NESTED] = const { [const { Cell::new(0) }; NESTED] };
}

/// Says that this thread runs a caller's closure while it holds `word`; undone on drop.
#[derive(Debug)]
pub(crate) struct Updating {
    depth: usize,
}

impl Updating {
    pub(crate) fn mark(word: &AtomicU64) -> Result<Updating> {
        let address = std::ptr::from_ref(word).addr();
        let free = UPDATING.with(|cells| {
            let depth = cells.iter().position(|cell| cell.get() == 0)?;
            cells[depth].set(address);
            Some(depth)
        });
        free.map(|depth| Updating { depth }).ok_or_else(|| {
            let detail = format!("updates are nested more than {NESTED} deep on one thread");
            Error::new(ErrorKind::Deadlock, "", detail)
        })
    }
}

impl Drop for Updating {
    fn drop(&mut self) {
        UPDATING.with(|cells| cells[self.depth].set(0));
    }
}

/// Whether this thread is updating the cell with this lock word, as this attachment or as another one
/// of this process: who is a guest beside being a user has two mappings of the object.
fn is_updating(word: &AtomicU64, peers: &impl Peers) -> bool {
    let address = std::ptr::from_ref(word).addr();
    UPDATING.with(|cells| {
        let mut updating = cells.iter().map(Cell::get).filter(|updating| *updating != 0);
        updating.any(|updating| updating == address || peers.are_one(updating, address))
    })
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    /// Whoever holds is dead, and another one holds before that is told.
    struct EverNew<'a>(&'a AtomicU64, Cell<u64>);

    impl Peers for EverNew<'_> {
        fn is_dead(&self, _: Token) -> Result<bool> {
            self.1.set(self.1.get() + 1);
            assert!(self.1.get() < 10_000, "it would never return");
            self.0.store(self.1.get() << 32 | 40, Ordering::Relaxed);
            Ok(true)
        }

        fn describe(&self, _: Token) -> String {
            String::new()
        }

        fn are_one(&self, _: usize, _: usize) -> bool {
            false
        }
    }

    #[test]
    fn ever_new_dead_holders_are_busy_to_whoever_would_not_wait() {
        let word = AtomicU64::new(9 << 32 | 40);
        let peers = EverNew(&word, Cell::new(9));
        for patience in [Patience::None, Patience::timeout(Duration::ZERO)] {
            let busy = acquire(&word, 7 << 32 | 3, &peers, patience).unwrap_err();
            assert_eq!(busy.kind(), ErrorKind::Busy);
        }
    }
}

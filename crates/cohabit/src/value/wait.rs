//! Waiting for the next commit.
//!
//! A user sets the waiter bit of the commit word, and the next writer wakes it. An observer can set
//! nothing: it looks again after 1 to 20 ms. A user, too, looks again after 100 ms, since a writer may
//! be killed between its commit and its wake-up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cohabit_os::wait;

use super::Version;
use super::cell::{CellWords, Commit, WAITER};
use super::read::Reader;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Patience;
use crate::member::Member;
use crate::site::Site;

pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(100);
pub(crate) const OBSERVER_FIRST: Duration = Duration::from_millis(1);
pub(crate) const OBSERVER_LAST: Duration = Duration::from_millis(20);

/// Who waits: how one wait is done.
pub(crate) trait Waiter: Reader {
    /// Sleeps until the word may have changed; `round` counts from 0.
    fn sleep<C: CellWords + ?Sized>(&self, cell: &C, seen: u64, round: u32, patience: Patience);
}

/// Asks to be woken by the commit that replaces `seen`; whether the word still says `seen`.
pub(crate) fn ask(word: &AtomicU64, seen: u64) -> bool {
    let waited = seen | WAITER;
    // Relaxed: the bit only asks for a wake-up; what the commit brings is read by `read`.
    let set = word.compare_exchange(seen, waited, Ordering::Relaxed, Ordering::Relaxed);
    set.is_ok() || set == Err(waited)
}

impl Waiter for Site {
    fn sleep<C: CellWords + ?Sized>(&self, cell: &C, seen: u64, _round: u32, patience: Patience) {
        if ask(cell.commit(), seen) {
            wait::wait(cell.commit(), (seen | WAITER) as u32, patience.step(LOOK_AGAIN));
        }
    }
}

impl Waiter for Member {
    fn sleep<C: CellWords + ?Sized>(&self, _cell: &C, _seen: u64, round: u32, patience: Patience) {
        let pause = (OBSERVER_FIRST * 2_u32.saturating_pow(round)).min(OBSERVER_LAST);
        wait::pause(patience.step(pause).remaining());
    }
}

/// Waits until the committed version is not `seen`.
pub(crate) fn for_change<C: CellWords + ?Sized>(
    cell: &C,
    who: &impl Waiter,
    seen: Version,
    timeout: Duration,
) -> Result<Version> {
    let patience = Patience::timeout(timeout);
    for round in (0..).chain(std::iter::repeat(u32::MAX)) {
        // Relaxed: only the version is judged; the value is read with its own fences.
        let word = cell.commit().load(Ordering::Relaxed);
        let version = Version(Commit(word).version());
        if version != seen {
            return Ok(version);
        }
        who.check_alive()?;
        if patience.is_over() {
            let detail = format!("version {seen} did not change in {timeout:?}");
            return Err(who.name(Error::new(ErrorKind::TimedOut, "", detail)));
        }
        who.sleep(cell, word, round, patience);
    }
    unreachable!("the loop has no end of its own")
}

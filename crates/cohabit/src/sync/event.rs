//! `Event`: something has happened; who waits for it goes on.
//!
//! ```text
//! bit 0 WAITERS · bit 1 SET · bit 2 MANUAL · bits 3-63 how often it became set
//! ```
//!
//! 1. An automatic event that is set is taken by one exchange of SET to unset, by one waiter.
//! 2. A manual event lets everyone pass who finds it set, or who finds that it became set since it began
//!    to wait: a reset that follows at once takes nothing from those who waited.
//! 3. WAITERS is set before each sleep, in the word that is slept on. A set for all clears it; a set for one
//!    keeps it, and clears it only where nobody was woken, in an exchange of exactly the word that it
//!    made: as in `super::bell`.

use std::fmt;
use std::time::Duration;

use super::waiting::LOOK_AGAIN_LATER;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Patience;
use crate::primitive::{AtomicU64, Ordering, wait};
use crate::site::Site;

const WAITERS: u64 = 1;
const SET: u64 = 1 << 1;
const MANUAL: u64 = 1 << 2;
const ONCE: u64 = 1 << 3;
/// How often a change tries against a word that changes under each try.
const TRIES: u32 = 10_000;

/// Something that has happened, for the threads of several processes to wait for: the event of Win32.
///
/// - [`Event::auto`]: it stays set until **one** waiter has taken it, and is unset then. What is set
///   while it is set counts once.
/// - [`Event::manual`]: it stays set, and lets **everyone** pass, until [`Event::reset`]. All who waited
///   when it became set pass, also if it is reset at once.
///
/// What was done before a set is seen by who passes because of it. By itself, outside of an object, every call is
/// [`NotShared`](crate::ErrorKind::NotShared).
///
/// # If a peer dies
/// A waiter that is killed before it took a set takes nothing with it: another one passes, within about
/// 100 ms. One that is killed after it took it has taken it. What was set stays set after its setter's
/// death.
///
/// # Examples
/// ```no_run
/// use std::time::Duration;
///
/// use cohabit::{Event, Shared};
///
/// let ready = Shared::<Event>::open_or_create("ready", Event::manual)?;
/// ready.wait_timeout(Duration::from_secs(10))?;
/// # Ok::<(), cohabit::Error>(())
/// ```
/// Another process:
/// ```no_run
/// # use cohabit::{Event, Shared};
/// let ready = Shared::<Event>::open_or_create("ready", Event::manual)?;
/// ready.set()?;
/// # Ok::<(), cohabit::Error>(())
/// ```
#[repr(transparent)]
pub struct Event {
    pub(super) word: AtomicU64,
}

impl Event {
    /// An event that one waiter takes each time it is set; not set.
    pub const fn auto() -> Self {
        Self { word: AtomicU64::new(0) }
    }

    /// An event that lets everyone pass until it is reset; not set.
    pub const fn manual() -> Self {
        Self { word: AtomicU64::new(MANUAL) }
    }

    fn site(&self) -> Result<Site> {
        Site::of(std::ptr::from_ref(self).addr())
    }

    /// Sets it: one waiter, or all of a manual event, go on. It costs no system call while nobody waits.
    ///
    /// # Errors
    /// `Forked`, `NotShared`.
    pub fn set(&self) -> Result<()> {
        self.site()?;
        set(&self.word);
        Ok(())
    }

    /// Unsets it, if it is set.
    ///
    /// # Errors
    /// `Forked`, `NotShared`.
    pub fn reset(&self) -> Result<()> {
        self.site()?;
        // Relaxed: it takes something away, and brings nothing to anybody.
        self.word.fetch_and(!SET, Ordering::Relaxed);
        Ok(())
    }

    /// Whether it is set now. It may be old when it is told; it takes nothing.
    ///
    /// # Errors
    /// `Forked`, `NotShared`.
    pub fn is_set(&self) -> Result<bool> {
        self.site()?;
        Ok(is_set(&self.word))
    }

    /// Waits until it is set; an automatic event is taken.
    ///
    /// # Errors
    /// `Ended` or `NameLost` when the instance is over; `LivenessLost`, `Forked`, `NotShared`.
    pub fn wait(&self) -> Result<()> {
        self.wait_with(Patience::Forever).map(drop)
    }

    /// Whether it is set, without waiting; an automatic event is taken then.
    ///
    /// # Errors
    /// `Forked`, `NotShared`.
    pub fn try_wait(&self) -> Result<bool> {
        self.wait_with(Patience::None)
    }

    /// Waits until it is set, at most so long; an automatic event is taken.
    ///
    /// # Errors
    /// `TimedOut`; else as [`Event::wait`].
    pub fn wait_timeout(&self, timeout: Duration) -> Result<()> {
        if self.wait_with(Patience::timeout(timeout))? {
            return Ok(());
        }
        let detail = format!("the event was not set in {timeout:?}");
        Err(self.site()?.name(Error::new(ErrorKind::TimedOut, "", detail)))
    }

    fn wait_with(&self, patience: Patience) -> Result<bool> {
        let site = self.site()?;
        let began = count(self.word.load(Ordering::Relaxed));
        loop {
            if pass(&self.word, began) {
                return Ok(true);
            }
            if patience.is_over() {
                return Ok(false);
            }
            let Some(word) = to_sleep_on(&self.word, began) else { continue };
            wait::wait(&self.word, word as u32, patience.step(LOOK_AGAIN_LATER));
            if self.word.load(Ordering::Relaxed) == word {
                site.member()?.segment.check_alive()?;
            }
        }
    }
}

/// Whether the event is set, for who may only read too.
pub(super) fn is_set(word: &AtomicU64) -> bool {
    word.load(Ordering::Relaxed) & SET != 0
}

/// How often the event had become set, in place.
pub(crate) fn count(word: u64) -> u64 {
    word & !(ONCE - 1)
}

/// Whether a word lets a waiter pass that began at this count.
fn lets_pass(word: u64, began: u64) -> bool {
    word & SET != 0 || (word & MANUAL != 0 && count(word) != began)
}

/// Lets a waiter pass if it may; an automatic event is taken.
pub(crate) fn pass(event: &AtomicU64, began: u64) -> bool {
    for _ in 0..TRIES {
        // Acquire: pairs with the Release in `set`.
        let seen = event.load(Ordering::Acquire);
        if !lets_pass(seen, began) || seen & MANUAL != 0 {
            return lets_pass(seen, began);
        }
        // Acquire: pairs with the Release in `set`.
        let taken = event.compare_exchange(seen, seen & !SET, Ordering::Acquire, Ordering::Relaxed);
        if taken.is_ok() {
            return true;
        }
    }
    // Only a peer that breaks the rules changes the word so often.
    false
}

/// Says in the word that somebody waits; the word to sleep on, unless it lets pass or changed.
pub(crate) fn to_sleep_on(event: &AtomicU64, began: u64) -> Option<u64> {
    let seen = event.load(Ordering::Relaxed);
    if lets_pass(seen, began) {
        return None;
    }
    let awaited = seen | WAITERS;
    let said = event.compare_exchange(seen, awaited, Ordering::Relaxed, Ordering::Relaxed);
    said.is_ok().then_some(awaited)
}

/// Sets the event, and wakes who goes on.
pub(crate) fn set(word: &AtomicU64) {
    for _ in 0..TRIES {
        let seen = word.load(Ordering::Relaxed);
        let is_manual = seen & MANUAL != 0;
        let mut next = seen | SET;
        if seen & SET == 0 {
            next = next.wrapping_add(ONCE);
        }
        if is_manual {
            next &= !WAITERS;
        }
        // Release: pairs with the Acquire of who goes on, also where it is set already.
        if word.compare_exchange(seen, next, Ordering::Release, Ordering::Relaxed).is_ok() {
            wake(word, seen, next);
            return;
        }
    }
    // Only a peer that breaks the rules changes the word so often. Release: pairs with the Acquire of
    // who goes on.
    word.fetch_or(SET, Ordering::Release);
    wait::wake_all(word);
}

fn wake(word: &AtomicU64, before: u64, now: u64) {
    if before & WAITERS == 0 {
        return;
    }
    if now & MANUAL != 0 {
        wait::wake_all(word);
    } else if !wait::wake_one(word) {
        let free = now & !WAITERS;
        let _changed = word.compare_exchange(now, free, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.word.load(Ordering::Relaxed) & MANUAL != 0 { "manual" } else { "auto" };
        f.debug_struct("Event").field("reset", &kind).finish_non_exhaustive()
    }
}

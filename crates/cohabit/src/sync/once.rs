//! `Once`: something that is done once, in whichever process comes first.
//!
//! The protocol is in [`super::run`], over the one word.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::held;
use super::run::{self, Entry};
use super::waiting::{LOOK_AGAIN_LATER, Waiting};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Patience;
use crate::primitive::Ordering;
use crate::site::Site;
use crate::table;

/// Something that is done once, by one thread of whichever process comes first, before anyone goes on:
/// std's `Once`, for the threads of several processes.
///
/// It is for what the object's constructor cannot do yet: to fill other parts of the object, to make a
/// file, to start a program. For a value that is computed once, see [`OnceCell`](crate::OnceCell).
///
/// What was done is seen by all who go on because of it. By itself, outside of an object, every call is
/// [`NotShared`](crate::ErrorKind::NotShared).
///
/// # If a peer dies
/// Who dies while it is at it has not done it: the next one, waiting or coming later, runs its own closure,
/// within about 10 ms. So does the next one after a panic; nothing is poisoned. A closure must therefore
/// be able to start over what another one left half done. A *stopped* process keeps it: nothing is taken
/// from it, and a call with a deadline says `Busy` and who it is.
///
/// # Examples
/// ```no_run
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
///
/// use cohabit::{Once, Shared, shareable};
///
/// #[shareable]
/// #[derive(Default)]
/// struct Primes { once: Once, first: [AtomicU64; 4] }
///
/// let primes = Shared::<Primes>::open_or_create("primes", Primes::default)?;
/// primes.once.call_once(|| {
///     for (place, prime) in primes.first.iter().zip([2, 3, 5, 7]) {
///         place.store(prime, Relaxed);
///     }
/// })?;
/// assert_eq!(primes.first[3].load(Relaxed), 7);
/// # Ok::<(), cohabit::Error>(())
/// ```
#[repr(transparent)]
#[derive(Default)]
pub struct Once {
    pub(super) word: AtomicU64,
}

impl Once {
    /// Something that is not done yet, to build an object of.
    pub const fn new() -> Self {
        Self { word: AtomicU64::new(0) }
    }

    fn site(&self) -> Result<Site> {
        Site::of(std::ptr::from_ref(self).addr())
    }

    fn call_with(&self, f: impl FnOnce(), patience: Patience) -> Result<()> {
        let site = self.site()?;
        match Turn::enter(&self.word, site, patience)? {
            None => Ok(()),
            Some(turn) => {
                f();
                turn.check_here()?;
                turn.finish();
                Ok(())
            }
        }
    }

    /// Runs `f` if nobody has done it yet; waits if somebody is at it. Once it is done, a call costs one
    /// atomic load.
    ///
    /// # Errors
    /// `Deadlock` inside of itself; `LivenessLost`, `Forked`, `NotShared`. Then it was not done by this
    /// call.
    pub fn call_once(&self, f: impl FnOnce()) -> Result<()> {
        self.call_with(f, Patience::Forever)
    }

    /// The same, without waiting for another one that is at it.
    ///
    /// # Errors
    /// `Busy`, naming who is at it; else as [`Once::call_once`].
    pub fn try_call_once(&self, f: impl FnOnce()) -> Result<()> {
        self.call_with(f, Patience::None)
    }

    /// The same, waiting at most so long for another one that is at it. There is no limit for `f`.
    ///
    /// # Errors
    /// `Busy` when the time is over, naming who is at it; else as [`Once::call_once`].
    pub fn call_once_timeout(&self, f: impl FnOnce(), timeout: Duration) -> Result<()> {
        self.call_with(f, Patience::timeout(timeout))
    }

    /// Whether it is done.
    ///
    /// # Errors
    /// `Forked`, `NotShared`.
    pub fn is_completed(&self) -> Result<bool> {
        self.site()?;
        Ok(run::is_done(&self.word))
    }

    /// Waits until somebody has done it, and does nothing for it.
    ///
    /// # Errors
    /// `Ended` or `NameLost` when the instance is over; `Forked`, `NotShared`.
    pub fn wait(&self) -> Result<()> {
        until_done(&self.word, self.site()?, None)
    }

    /// Waits at most so long until somebody has done it.
    ///
    /// # Errors
    /// `TimedOut`; else as [`Once::wait`].
    pub fn wait_timeout(&self, timeout: Duration) -> Result<()> {
        until_done(&self.word, self.site()?, Some(timeout))
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_completed = self.word.load(Ordering::Relaxed) == run::DONE;
        f.debug_struct("Once").field("is_completed", &is_completed).finish()
    }
}

/// Waits, at most so long if there is a limit, until what stands at `word` is done.
pub(super) fn until_done(word: &AtomicU64, site: Site, timeout: Option<Duration>) -> Result<()> {
    let patience = timeout.map_or(Patience::Forever, Patience::timeout);
    let mut waiting = Waiting::new(patience, LOOK_AGAIN_LATER);
    while let Some(seen) = run::to_sleep_on(word) {
        if waiting.is_over() {
            let detail = format!("nobody has done it in {:?}", timeout.unwrap_or_default());
            return Err(site.name(Error::new(ErrorKind::TimedOut, "", detail)));
        }
        // A death is nothing to whoever only waits: another one does it.
        waiting.sleep(&site, word, seen, std::iter::empty());
        if word.load(Ordering::Relaxed) == seen {
            site.member()?.segment.check_alive()?;
        }
    }
    Ok(())
}

/// A thread's turn at what is done once. Dropped before it is finished, by a panic or an error, it is
/// handed over to the next.
pub(super) struct Turn<'a> {
    word: &'a AtomicU64,
    site: Site,
    is_done: bool,
}

impl<'a> Turn<'a> {
    /// Waits for one's turn; none, if it is done.
    #[inline]
    pub(super) fn enter(
        word: &'a AtomicU64,
        site: Site,
        patience: Patience,
    ) -> Result<Option<Self>> {
        if run::is_done(word) {
            return Ok(None);
        }
        match run::enter(word, site.me(), &site, patience).map_err(|error| site.name(error))? {
            Entry::Done => Ok(None),
            Entry::Mine => {
                held::note(word.as_ptr().addr());
                Ok(Some(Self { word, site, is_done: false }))
            }
        }
    }

    /// Refuses a child that was forked inside the closure: the turn is its parent's.
    pub(super) fn check_here(&self) -> Result<()> {
        if self.site.is_here() {
            return Ok(());
        }
        let detail = "what is done once forked, and this is the child: the parent finishes it";
        Err(self.site.name(Error::new(ErrorKind::Forked, "", detail)))
    }

    /// Says that it is done.
    pub(super) fn finish(mut self) {
        run::finish(self.word);
        self.is_done = true;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let address = self.word.as_ptr().addr();
        held::forget(address);
        // In a forked child the turn is the parent's.
        if !self.is_done && table::token_at(address) == self.site.me() {
            run::give_up(self.word, self.site.me());
        }
    }
}

//! `OnceCell<T>`: plain data that is written once, by whoever comes first.
//!
//! The protocol is in [`super::run`], over the word; the data are written by words before it is DONE, and
//! by nobody after it.
//!
//! Invariant: a `OnceCell<T>` is laid out as FORMAT.md says: the word, then the canonical bytes of the `T`
//! in whole words. The bytes are only ever accessed as atomic words.

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::once::{Turn, until_done};
use super::run;
use crate::cells::bytes::{self, Bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Patience;
use crate::plain::{Kind, Part, Plain};
use crate::site::Site;
use crate::value::{assert_small, fill};
use crate::words;

/// Plain data that is written once, by one thread of whichever process comes first, and then read by all:
/// std's `OnceLock`, for the threads of several processes.
///
/// It is for what is known only after the object was made: an address that a service has bound, a table
/// that is costly to compute. What changes is a [`Value`](crate::Value); what the constructor knows is
/// [`Frozen`](crate::Frozen). Reading it costs one atomic load more than a `Frozen`. By itself, outside of
/// an object, every call is [`NotShared`](crate::ErrorKind::NotShared).
///
/// # If a peer dies
/// Who dies while it computes has computed nothing: the next one, waiting or coming later, computes its
/// own, within about 10 ms; so after a panic or an error. A value that is there stays whole. A *stopped*
/// process keeps its turn: a call with a deadline says `Busy` and who it is.
///
/// # Examples
/// ```no_run
/// use cohabit::{OnceCell, Shared, shareable};
///
/// #[shareable]
/// #[derive(Default)]
/// struct Service { port: OnceCell<u16> }
///
/// let service = Shared::<Service>::open_or_create("service", Service::default)?;
/// let port = service.port.get_or_init(|| 4711)?;
/// assert_eq!(service.port.get()?, Some(port));
/// # Ok::<(), cohabit::Error>(())
/// ```
#[repr(C)]
pub struct OnceCell<T: Plain> {
    word: AtomicU64,
    bytes: Bytes<T>,
}

impl<T: Plain> OnceCell<T> {
    /// A cell that is not set, to build an object of.
    pub const fn new() -> Self {
        const { assert!(size_of::<Self>() == Kind::OnceCell { of: &T::KIND }.size()) };
        Self { word: AtomicU64::new(0), bytes: Bytes::zeroed() }
    }

    #[inline(always)]
    fn site(&self) -> Result<Site> {
        Site::of(std::ptr::from_ref(self).addr())
    }

    /// The words of the value, once it is set: for views too.
    #[inline(always)]
    pub(crate) fn words_if_set(&self) -> Option<&[AtomicU64]> {
        run::is_done(&self.word).then(|| self.bytes.words())
    }

    /// Checks the bits that a constructor set in place.
    pub(crate) fn settled(&self) -> Result<()> {
        self.words_if_set().map_or(Ok(()), fill::check_words::<T>)
    }

    /// Nothing is set in private memory.
    ///
    /// # Safety
    /// - As for [`Shareable::plant`](crate::Shareable::plant).
    pub(crate) unsafe fn plant_from(&self, _built: &Self) {}

    /// The value, if it is set.
    ///
    /// # Errors
    /// `BadBits` when a peer broke the rules; `Forked`, `NotShared`.
    #[inline]
    pub fn get(&self) -> Result<Option<T>> {
        let site = self.site()?;
        let got = self.words_if_set().map(|words| bytes::get(words, words::load));
        got.transpose().map_err(|error| site.name(error))
    }

    /// Copies the value into `into` if it is set, and says whether it is: for a large T.
    ///
    /// # Errors
    /// As [`OnceCell::get`]; `into` then holds some value of its type, which nobody may have written.
    pub fn get_into(&self, into: &mut T) -> Result<bool> {
        let site = self.site()?;
        let Some(words) = self.words_if_set() else { return Ok(false) };
        let got = bytes::get_into(words, words::load, into);
        got.map(|()| true).map_err(|error| site.name(error))
    }

    /// The value on the heap, if it is set.
    ///
    /// # Errors
    /// As [`OnceCell::get`].
    pub fn get_boxed(&self) -> Result<Option<Box<T>>> {
        let site = self.site()?;
        let got = self.words_if_set().map(|words| bytes::get_boxed(words, words::load));
        got.transpose().map_err(|error| site.name(error))
    }

    /// One part of the value, if it is set.
    ///
    /// # Errors
    /// As [`OnceCell::get`].
    pub fn get_part<F: Plain>(&self, part: Part<T, F>) -> Result<Option<F>> {
        let site = self.site()?;
        let got = self.words_if_set().map(|words| bytes::get_part(words, part));
        got.transpose().map_err(|error| site.name(error))
    }

    /// Sets the value, if nobody has; waits if somebody is at it.
    ///
    /// # Errors
    /// `Frozen` when it is set already; `Deadlock` inside of its own closure; `LivenessLost`, `Forked`,
    /// `NotShared`.
    pub fn set(&self, value: T) -> Result<()> {
        assert_small::<T>();
        self.set_from(&value)
    }

    /// The same for a large T, from where it is.
    ///
    /// # Errors
    /// As [`OnceCell::set`].
    pub fn set_from(&self, value: &T) -> Result<()> {
        self.set_with(value, Patience::Forever)
    }

    /// The same, waiting at most so long for another one that is at it.
    ///
    /// # Errors
    /// `Busy` when the time is over, naming who is at it; else as [`OnceCell::set`].
    pub fn set_timeout(&self, value: T, timeout: Duration) -> Result<()> {
        assert_small::<T>();
        self.set_with(&value, Patience::timeout(timeout))
    }

    fn set_with(&self, value: &T, patience: Patience) -> Result<()> {
        let site = self.site()?;
        match Turn::enter(&self.word, site, patience)? {
            Some(turn) => {
                self.put(value, turn);
                Ok(())
            }
            None => {
                let detail = "the cell is set already, and is set only once";
                Err(site.name(Error::new(ErrorKind::Frozen, "", detail)))
            }
        }
    }

    /// Killed before it is finished, nobody reads what was written.
    fn put(&self, value: &T, turn: Turn<'_>) {
        words::store_by_word(value, self.bytes.words());
        turn.finish();
    }

    /// The value; if nobody has set it, that of `f`. Waits if somebody else is at it.
    ///
    /// # Errors
    /// `Deadlock` inside of `f`; `BadBits` when a peer broke the rules; `LivenessLost`, `Forked`,
    /// `NotShared`.
    pub fn get_or_init(&self, f: impl FnOnce() -> T) -> Result<T> {
        let never_fails = || Ok::<T, Infallible>(f());
        self.init_with(never_fails, Patience::Forever).map(|Ok(value)| value)
    }

    /// The same, waiting at most so long for another one that is at it. There is no limit for `f`.
    ///
    /// # Errors
    /// `Busy` when the time is over, naming who is at it; else as [`OnceCell::get_or_init`].
    pub fn get_or_init_timeout(&self, f: impl FnOnce() -> T, timeout: Duration) -> Result<T> {
        let never_fails = || Ok::<T, Infallible>(f());
        self.init_with(never_fails, Patience::timeout(timeout)).map(|Ok(value)| value)
    }

    /// The value; if nobody has set it, that of `f`. If `f` fails, nothing is set, its error is given
    /// inside of `Ok`, and the next one runs its own.
    ///
    /// # Errors
    /// As [`OnceCell::get_or_init`].
    pub fn get_or_try_init<E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<Result<T, E>> {
        self.init_with(f, Patience::Forever)
    }

    /// The same, waiting at most so long for another one that is at it. There is no limit for `f`.
    ///
    /// # Errors
    /// `Busy` when the time is over, naming who is at it; else as [`OnceCell::get_or_init`].
    pub fn get_or_try_init_timeout<E>(
        &self,
        f: impl FnOnce() -> Result<T, E>,
        timeout: Duration,
    ) -> Result<Result<T, E>> {
        self.init_with(f, Patience::timeout(timeout))
    }

    fn init_with<E>(
        &self,
        f: impl FnOnce() -> Result<T, E>,
        patience: Patience,
    ) -> Result<Result<T, E>> {
        assert_small::<T>();
        let site = self.site()?;
        let Some(turn) = Turn::enter(&self.word, site, patience)? else {
            let value = bytes::get(self.bytes.words(), words::load);
            return value.map(Ok).map_err(|error| site.name(error));
        };
        let value = f();
        turn.check_here()?;
        if let Ok(value) = &value {
            self.put(value, turn);
        }
        Ok(value)
    }

    /// Waits until somebody has set it; then the value.
    ///
    /// # Errors
    /// `Ended` or `NameLost` when the instance is over; else as [`OnceCell::get`].
    pub fn wait(&self) -> Result<T> {
        self.wait_with(None)
    }

    /// Waits at most so long until somebody has set it; then the value.
    ///
    /// # Errors
    /// `TimedOut`; else as [`OnceCell::wait`].
    pub fn wait_timeout(&self, timeout: Duration) -> Result<T> {
        self.wait_with(Some(timeout))
    }

    fn wait_with(&self, timeout: Option<Duration>) -> Result<T> {
        let site = self.site()?;
        until_done(&self.word, site, timeout)?;
        bytes::get(self.bytes.words(), words::load).map_err(|error| site.name(error))
    }
}

impl<T: Plain> Default for OnceCell<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Plain> fmt::Debug for OnceCell<T> {
    /// The type only: the value may not be read without saying what happens if it cannot be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell").finish_non_exhaustive()
    }
}

//! `Mutex<T>`: plain data that one thread at a time uses in place, in whichever process.
//!
//! The protocol is in [`super::word`], over the one word; this file turns it into guards.
//!
//! Invariants:
//! 1. a `Mutex<T>` is laid out as FORMAT.md says: the word, then the `T`;
//! 2. a `MutexGuard` exists only while the word names this attachment and this thread has noted it, or
//!    in a forked child, where it does nothing when it goes.

use std::fmt;
use std::marker::PhantomData;
use std::mem::offset_of;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::in_place::InPlace;
use super::outcome::{Guard, LockError, LockResult};
use super::word::{OWNER_DIED, POISONED, TOLD};
use super::{held, word};
use crate::error::{Error, Result};
use crate::lock::Patience;
use crate::plain::{Kind, Plain};
use crate::site::Site;
use crate::value::assert_small;

/// Plain data that one thread at a time uses in place, in whichever process it runs.
///
/// As `std::sync::Mutex`, with one more thing that can have happened to the holder before: it can have
/// died inside. See [`LockError`]. To take a free lock and to let it go is one atomic operation each;
/// who has waited for 10 ms gets the lock next.
///
/// `T` is used where it stands, by `&mut T`, and so may be large; who only wants whole values, torn for
/// nobody and never waited for, takes a [`Value`](crate::Value). Peers are trusted to follow the lock:
/// one that writes into the `T` without it can do anything that a data race can. The bits of a `T` that
/// not all bits are, such as a `bool`, are checked before each guard is given.
///
/// By itself, outside of an object, every call is [`NotShared`](crate::ErrorKind::NotShared).
///
/// # If a peer dies
/// Its lock can be had: who waits takes it over within about 10 ms, who comes later within about 1 ms,
/// and is told [`OwnerDied`](LockError::OwnerDied). A *stopped* holder is not dead: nothing is taken
/// from it, and a call with a deadline says `Busy` and who holds the lock.
///
/// # After fork
/// The child holds nothing: a guard of its parent's must not be used there, and does nothing when it
/// is dropped. Calls are [`Forked`](crate::ErrorKind::Forked) until the child opens the object anew.
///
/// # Examples
/// ```no_run
/// use cohabit::{Mutex, Shared, plain};
///
/// #[plain]
/// #[derive(Default)]
/// struct Account { balance: i64, bookings: u64 }
///
/// let account = Shared::<Mutex<Account>>::open_or_create("account", Account::default)?;
/// let mut account = account.lock()?;
/// account.balance += 100;
/// account.bookings += 1;
/// # Ok::<(), cohabit::Error>(())
/// ```
#[repr(C)]
pub struct Mutex<T: Plain> {
    word: AtomicU64,
    data: InPlace<T>,
}

impl<T: Plain> Mutex<T> {
    /// A mutex to build an object of.
    pub fn new(value: T) -> Self {
        assert_small::<T>();
        Self::from_ref(&value)
    }

    /// A mutex around a copy of data that is too large to be passed by value.
    pub fn from_ref(value: &T) -> Self {
        const {
            assert!(offset_of!(Self, data) == Kind::behind_word(T::KIND.align()));
            assert!(size_of::<Self>() == Kind::Mutex { of: &T::KIND }.size());
        }
        Self { word: AtomicU64::new(0), data: InPlace::new(value) }
    }

    pub(crate) fn data(&self) -> &InPlace<T> {
        &self.data
    }

    /// Writes the contents, in the constructor.
    pub(crate) fn put(&self, value: &T) {
        self.data.store(value);
    }

    /// Checks the bits that a constructor left in place.
    pub(crate) fn settled(&self) -> Result<()> {
        self.data.settled()
    }

    /// Makes a new, zeroed cell of one that was built in private memory.
    ///
    /// # Safety
    /// - As for [`Shareable::plant`](crate::Shareable::plant).
    pub(crate) unsafe fn plant_from(&self, built: &Self) {
        // SAFETY: the caller's contract.
        unsafe { self.data.plant_from(&built.data) };
    }

    #[inline(always)]
    fn site(&self) -> Result<Site> {
        Site::of(std::ptr::from_ref(self).addr())
    }

    #[inline(always)]
    fn lock_with(&self, patience: Patience) -> LockResult<MutexGuard<'_, T>> {
        let site = self.site()?;
        let told = word::acquire(&self.word, site.me(), &site, patience);
        let told = told.map_err(|error| site.name(error))?;
        let guard = MutexGuard::new(self, site);
        if !T::ANY_BITS {
            self.data.check().map_err(|error| site.name(error))?;
        }
        LockError::unless_told(told, guard)
    }

    /// Takes the lock, and waits for it if need be.
    ///
    /// # Errors
    /// [`LockError::OwnerDied`] and [`LockError::Poisoned`], with the guard. [`LockError::Failed`] with
    /// `Deadlock` when this thread holds it, `BadBits` when the bits are no `T`: then see
    /// [`Mutex::replace`]; `LivenessLost`, `Forked`, `NotShared`.
    #[inline(always)]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        self.lock_with(Patience::Forever)
    }

    /// Takes the lock if nobody has it and nobody has waited for it for 10 ms.
    ///
    /// # Errors
    /// `Failed` with `Busy`, naming the holder; else as [`Mutex::lock`].
    #[inline]
    pub fn try_lock(&self) -> LockResult<MutexGuard<'_, T>> {
        self.lock_with(Patience::None)
    }

    /// Takes the lock, and waits for it at most so long.
    ///
    /// # Errors
    /// `Failed` with `Busy` when the time is over, naming the holder; else as [`Mutex::lock`].
    #[inline]
    pub fn lock_timeout(&self, timeout: Duration) -> LockResult<MutexGuard<'_, T>> {
        self.lock_with(Patience::timeout(timeout))
    }

    /// Takes the lock, writes `value` over whatever is there, clears what is told, and lets go: for
    /// bits that a peer broke, and for a new start after a death.
    ///
    /// # Errors
    /// `Deadlock`, `LivenessLost`, `Forked`, `NotShared`.
    pub fn replace(&self, value: T) -> Result<()> {
        self.replace_with(value, Patience::Forever)
    }

    /// [`Mutex::replace`], waiting for the lock at most so long.
    ///
    /// # Errors
    /// `Busy` when the time is over; else as [`Mutex::replace`].
    pub fn replace_timeout(&self, value: T, timeout: Duration) -> Result<()> {
        self.replace_with(value, Patience::timeout(timeout))
    }

    /// Killed in the middle, the holder died inside, and the next one is told.
    fn replace_with(&self, value: T, patience: Patience) -> Result<()> {
        let site = self.site()?;
        let taken = word::acquire(&self.word, site.me(), &site, patience);
        taken.map_err(|error| site.name(error))?;
        self.data.store(&value);
        // Relaxed: whoever takes the lock next sees it with the Release of letting go.
        self.word.fetch_and(!TOLD, Ordering::Relaxed);
        word::release(&self.word, site.me(), 0);
        Ok(())
    }

    /// Whether a holder panicked inside, and nobody has cleared that yet. It may be old when it is told.
    ///
    /// # Errors
    /// `Forked`, `NotShared`.
    pub fn is_poisoned(&self) -> Result<bool> {
        self.site()?;
        Ok(self.word.load(Ordering::Relaxed) & POISONED != 0)
    }

    /// Says that all is well after a panic. May be called while the lock is held, by whoever mended
    /// the value.
    ///
    /// # Errors
    /// `Forked`, `NotShared`.
    pub fn clear_poison(&self) -> Result<()> {
        self.site()?;
        // Relaxed: what was mended is seen by the Release of letting go.
        self.word.fetch_and(!POISONED, Ordering::Relaxed);
        Ok(())
    }
}

impl<T: Plain + Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Plain> fmt::Debug for Mutex<T> {
    /// The type only: the value may not be read without the lock.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").finish_non_exhaustive()
    }
}

/// A held [`Mutex`]: the `T`, until it is dropped.
///
/// It belongs to its thread. When it is dropped in a panic that began under it, the mutex is poisoned.
/// When it is forgotten (`mem::forget`), the lock stays held until the process leaves the object or
/// ends, and then its holder has died inside.
#[must_use = "the lock is let go when the guard is dropped"]
pub struct MutexGuard<'a, T: Plain> {
    mutex: &'a Mutex<T>,
    me: u64,
    /// Whether the thread was unwinding already: then the panic is not of this lock's making.
    panicking: bool,
    /// The note of who holds it is the thread's own.
    not_send: PhantomData<*const ()>,
}

// SAFETY: a guard by reference gives `&T` only, and plain data may be read by any thread.
unsafe impl<T: Plain> Sync for MutexGuard<'_, T> {}

impl<'a, T: Plain> MutexGuard<'a, T> {
    #[inline(always)]
    fn new(mutex: &'a Mutex<T>, site: Site) -> Self {
        held::note(mutex.word.as_ptr().addr());
        Self { mutex, me: site.me(), panicking: thread::panicking(), not_send: PhantomData }
    }

    /// Says that what the mutex guards is whole again after a holder's death: those who come are no
    /// more told.
    pub fn mark_consistent(&mut self) {
        // Relaxed: whoever takes the lock next sees it with the Release of letting go.
        self.mutex.word.fetch_and(!OWNER_DIED, Ordering::Relaxed);
    }
}

impl<'a, T: Plain> MutexGuard<'a, T> {
    /// What it is the guard of, for a condition variable.
    pub(super) fn mutex(&self) -> &'a Mutex<T> {
        self.mutex
    }
}

impl<T: Plain> Guard for MutexGuard<'_, T> {
    fn named(&self, error: Error) -> Error {
        match self.mutex.site() {
            Ok(site) => site.name(error),
            Err(_) => error,
        }
    }
}

impl<T: Plain> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: invariant 2: this thread holds the lock, so by invariant 3 of `in_place` nobody writes;
        // the bits were checked before the guard was given.
        unsafe { &*self.mutex.data.as_ptr() }
    }
}

impl<T: Plain> DerefMut for MutexGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as for `deref`; and the guard is borrowed mutably, so nobody else has a reference.
        unsafe { &mut *self.mutex.data.as_ptr() }
    }
}

impl<T: Plain> Drop for MutexGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        let address = self.mutex.word.as_ptr().addr();
        held::forget(address);
        // In a forked child the lock is the parent's.
        if crate::table::token_at(address) != self.me {
            return;
        }
        let panicked = !self.panicking && thread::panicking();
        word::release(&self.mutex.word, self.me, if panicked { POISONED } else { 0 });
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Plain + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

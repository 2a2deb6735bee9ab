//! `RwLock<T>`: plain data that many threads read in place at once, or one changes, in whichever process.
//!
//! The protocol is in [`super::readers`], over the words; this file turns it into guards.
//!
//! Invariants:
//! 1. a `RwLock<T>` is laid out as FORMAT.md says: the word, the words of the readers, then the `T`;
//! 2. a `RwLockWriteGuard` exists only while the word names this attachment without ENTERS, a
//!    `RwLockReadGuard` only while its reader's word does; its thread has noted it. Or it is in a forked child,
//!    where it does nothing when it goes;
//! 3. while a `RwLockReadGuard` exists, no `RwLockWriteGuard` does, of whichever process (rules 1 and 2 there).

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
use super::{held, readers, word};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Patience;
use crate::plain::{Kind, Plain};
use crate::site::Site;
use crate::value::assert_small;

const READERS: usize = Kind::RW_LOCK_READERS;

/// Plain data that many threads read in place at once, or one changes, in whichever processes they run.
///
/// As `std::sync::RwLock`, with one more thing that can have happened to a writer before: it can have died
/// inside. See [`LockError`]. `T` is used where it stands, by `&T` and `&mut T`; who wants whole copies, and
/// never to wait for a writer, takes a [`Value`](crate::Value). Peers are trusted to follow the lock, as with
/// a [`Mutex`](crate::Mutex), and bits are checked before each guard is given.
///
/// At most 31 threads read at once; one more waits until one of them goes. Readers and writers have their
/// turn as they come: whoever waits for 10 ms goes before those who come later, and while a writer waits
/// for readers to go, none comes in. To read costs three atomic operations on the way in, one on the way
/// out; by a writer that nobody is in the way of, the words of all readers are looked at.
///
/// A thread that has a guard gets no second one of the same lock: that is `Deadlock`, for reading too.
///
/// By itself, outside of an object, every call is [`NotShared`](crate::ErrorKind::NotShared).
///
/// # If a peer dies
/// A dead writer's lock can be had within about 10 ms, by readers and writers, who are told
/// [`OwnerDied`](LockError::OwnerDied) until a writer says `mark_consistent`. A dead reader is told to nobody:
/// it is found by the next writer, or by a reader for whom there is no place. A *stopped* reader or writer is
/// not dead: nothing is taken from it, and a call with a deadline says `Busy` and who is inside.
///
/// # After fork
/// As with a [`Mutex`](crate::Mutex): the child holds nothing.
///
/// # Examples
/// ```no_run
/// use cohabit::{RwLock, Shared, plain};
///
/// #[plain]
/// #[derive(Default)]
/// struct Table { rows: [u32; 32], used: u32 }
///
/// let table = Shared::<RwLock<Table>>::open_or_create("table", Table::default)?;
/// {
///     let mut table = table.write()?;
///     let used = table.used as usize;
///     table.rows[used % 32] = 7;
///     table.used += 1;
/// }
/// let table = table.read()?;
/// assert!(table.rows.contains(&7));
/// # Ok::<(), cohabit::Error>(())
/// ```
#[repr(C)]
pub struct RwLock<T: Plain> {
    word: AtomicU64,
    readers: [AtomicU64; READERS],
    data: InPlace<T>,
}

impl<T: Plain> RwLock<T> {
    /// A lock to build an object of.
    pub fn new(value: T) -> Self {
        assert_small::<T>();
        Self::from_ref(&value)
    }

    /// A lock around a copy of data that is too large to be passed by value.
    pub fn from_ref(value: &T) -> Self {
        const {
            assert!(offset_of!(Self, data) == Kind::RW_LOCK_HEAD);
            assert!(size_of::<Self>() == Kind::RwLock { of: &T::KIND }.size());
        }
        let readers = [const { AtomicU64::new(0) }; READERS];
        Self { word: AtomicU64::new(0), readers, data: InPlace::new(value) }
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

    fn address(&self) -> usize {
        self.word.as_ptr().addr()
    }

    /// As whom a thread goes in, which is not inside.
    #[inline]
    fn site_outside(&self) -> Result<Site> {
        let site = self.site()?;
        if held::holds(self.address()) {
            let detail = "this thread holds the same lock, for reading or writing";
            return Err(site.name(Error::new(ErrorKind::Deadlock, "", detail)));
        }
        Ok(site)
    }

    #[inline(always)]
    fn site(&self) -> Result<Site> {
        Site::of(self.address())
    }

    fn read_with(&self, patience: Patience) -> LockResult<RwLockReadGuard<'_, T>> {
        let site = self.site_outside()?;
        let entered = readers::enter_to_read(&self.word, &self.readers, site.me(), &site, patience);
        let reading = entered.map_err(|error| site.name(error))?;
        let reader = &self.readers[reading.index];
        held::note(self.address());
        let guard = RwLockReadGuard { lock: self, reader, me: site.me(), not_send: PhantomData };
        self.data.check().map_err(|error| site.name(error))?;
        LockError::unless_told(reading.told, guard)
    }

    fn write_with(&self, patience: Patience) -> LockResult<RwLockWriteGuard<'_, T>> {
        let site = self.site_outside()?;
        let told = self.enter_to_write(site, patience)?;
        held::note(self.address());
        let panicking = thread::panicking();
        let guard =
            RwLockWriteGuard { lock: self, me: site.me(), panicking, not_send: PhantomData };
        self.data.check().map_err(|error| site.name(error))?;
        LockError::unless_told(told, guard)
    }

    fn enter_to_write(&self, site: Site, patience: Patience) -> Result<u64> {
        let told = readers::enter_to_write(&self.word, &self.readers, site.me(), &site, patience);
        told.map_err(|error| site.name(error))
    }

    /// Goes in to read, beside others, and waits for a writer if need be.
    ///
    /// # Errors
    /// [`LockError::OwnerDied`] and [`LockError::Poisoned`], with the guard. [`LockError::Failed`] with
    /// `Deadlock` when this thread is inside, `BadBits` when the bits are no `T`: then see
    /// [`RwLock::replace`]; `LivenessLost`, `Forked`, `NotShared`.
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        self.read_with(Patience::Forever)
    }

    /// Goes in to read if no writer is inside or next, and there is a place.
    ///
    /// # Errors
    /// `Failed` with `Busy`, naming who is in the way; else as [`RwLock::read`].
    pub fn try_read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        self.read_with(Patience::None)
    }

    /// Goes in to read, and waits at most so long.
    ///
    /// # Errors
    /// `Failed` with `Busy` when the time is over, naming who is in the way; else as [`RwLock::read`].
    pub fn read_timeout(&self, timeout: Duration) -> LockResult<RwLockReadGuard<'_, T>> {
        self.read_with(Patience::timeout(timeout))
    }

    /// Goes in to write, alone, and waits for those inside if need be.
    ///
    /// # Errors
    /// As [`RwLock::read`].
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        self.write_with(Patience::Forever)
    }

    /// Goes in to write if nobody is inside or next.
    ///
    /// # Errors
    /// `Failed` with `Busy`, naming who is in the way; else as [`RwLock::read`].
    pub fn try_write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        self.write_with(Patience::None)
    }

    /// Goes in to write, and waits at most so long.
    ///
    /// # Errors
    /// `Failed` with `Busy` when the time is over, naming who is in the way; else as [`RwLock::read`].
    pub fn write_timeout(&self, timeout: Duration) -> LockResult<RwLockWriteGuard<'_, T>> {
        self.write_with(Patience::timeout(timeout))
    }

    /// Goes in to write, writes `value` over whatever is there, clears what is told, and goes: for bits
    /// that a peer broke, and for a new start after a death.
    ///
    /// # Errors
    /// `Deadlock`, `LivenessLost`, `Forked`, `NotShared`.
    pub fn replace(&self, value: T) -> Result<()> {
        self.replace_with(value, Patience::Forever)
    }

    /// [`RwLock::replace`], waiting for the lock at most so long.
    ///
    /// # Errors
    /// `Busy` when the time is over; else as [`RwLock::replace`].
    pub fn replace_timeout(&self, value: T, timeout: Duration) -> Result<()> {
        self.replace_with(value, Patience::timeout(timeout))
    }

    /// Killed in the middle, the writer died inside, and the next one is told.
    fn replace_with(&self, value: T, patience: Patience) -> Result<()> {
        let site = self.site_outside()?;
        self.enter_to_write(site, patience)?;
        self.data.store(&value);
        // Relaxed: whoever takes the lock next sees it with the Release of letting go.
        self.word.fetch_and(!TOLD, Ordering::Relaxed);
        word::release(&self.word, site.me(), 0);
        Ok(())
    }

    /// Whether a writer panicked inside, and nobody has cleared that yet. It may be old when it is told.
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

    fn name(&self, error: Error) -> Error {
        match self.site() {
            Ok(site) => site.name(error),
            Err(_) => error,
        }
    }
}

impl<T: Plain + Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Plain> fmt::Debug for RwLock<T> {
    /// The type only: the value may not be read without the lock.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock").finish_non_exhaustive()
    }
}

/// A [`RwLock`] that is held for reading: the `T`, until it is dropped.
///
/// It belongs to its thread. When it is forgotten (`mem::forget`), writers are kept out until the process
/// leaves the object or ends.
#[must_use = "the lock is let go when the guard is dropped"]
pub struct RwLockReadGuard<'a, T: Plain> {
    lock: &'a RwLock<T>,
    /// The word of this reader.
    reader: &'a AtomicU64,
    me: u64,
    /// The note of who holds it is the thread's own.
    not_send: PhantomData<*const ()>,
}

// SAFETY: a guard by reference gives `&T` only, and plain data may be read by any thread.
unsafe impl<T: Plain> Sync for RwLockReadGuard<'_, T> {}

impl<T: Plain> Guard for RwLockReadGuard<'_, T> {
    fn named(&self, error: Error) -> Error {
        self.lock.name(error)
    }
}

impl<T: Plain> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: invariants 2 and 3: nobody who follows the lock writes while this guard exists, and by
        // invariant 3 of `in_place` peers do; the bits were checked before the guard was given.
        unsafe { &*self.lock.data.as_ptr() }
    }
}

impl<T: Plain> Drop for RwLockReadGuard<'_, T> {
    fn drop(&mut self) {
        let address = self.lock.address();
        held::forget(address);
        // In a forked child the reader's word is the parent's.
        if crate::table::token_at(address) == self.me {
            readers::leave(self.reader, self.me);
        }
    }
}

/// A [`RwLock`] that is held for writing: the `T`, until it is dropped.
///
/// It belongs to its thread. When it is dropped in a panic that began under it, the lock is poisoned.
/// When it is forgotten (`mem::forget`), the lock stays held until the process leaves the object or
/// ends, and then its holder has died inside.
#[must_use = "the lock is let go when the guard is dropped"]
pub struct RwLockWriteGuard<'a, T: Plain> {
    lock: &'a RwLock<T>,
    me: u64,
    /// Whether the thread was unwinding already: then the panic is not of this lock's making.
    panicking: bool,
    /// The note of who holds it is the thread's own.
    not_send: PhantomData<*const ()>,
}

// SAFETY: a guard by reference gives `&T` only, and plain data may be read by any thread.
unsafe impl<T: Plain> Sync for RwLockWriteGuard<'_, T> {}

impl<T: Plain> RwLockWriteGuard<'_, T> {
    /// Says that what the lock guards is whole again after a writer's death: those who come are no more
    /// told.
    pub fn mark_consistent(&mut self) {
        // Relaxed: whoever takes the lock next sees it with the Release of letting go.
        self.lock.word.fetch_and(!OWNER_DIED, Ordering::Relaxed);
    }
}

impl<T: Plain> Guard for RwLockWriteGuard<'_, T> {
    fn named(&self, error: Error) -> Error {
        self.lock.name(error)
    }
}

impl<T: Plain> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: invariants 2 and 3: this thread is inside alone, so by invariant 3 of `in_place` nobody
        // writes; the bits were checked before the guard was given.
        unsafe { &*self.lock.data.as_ptr() }
    }
}

impl<T: Plain> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as for `deref`; and the guard is borrowed mutably, so nobody else has a reference.
        unsafe { &mut *self.lock.data.as_ptr() }
    }
}

impl<T: Plain> Drop for RwLockWriteGuard<'_, T> {
    fn drop(&mut self) {
        let address = self.lock.address();
        held::forget(address);
        // In a forked child the lock is the parent's.
        if crate::table::token_at(address) != self.me {
            return;
        }
        let panicked = !self.panicking && thread::panicking();
        word::release(&self.lock.word, self.me, if panicked { POISONED } else { 0 });
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

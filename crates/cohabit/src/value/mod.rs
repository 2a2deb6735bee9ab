//! `Value<T>`: one value, any number of readers and writers, never torn, whole after any death.
//!
//! The protocol is in [`cell`], over borrowed words; this file and its siblings turn a `T` into words
//! and an address into a [`Site`].
//!
//! Invariants:
//! 1. a `Value<T>` is laid out as FORMAT.md says: 64 bytes of head, then its copies: those of a `T`
//!    are a field, those of a slice lie behind it (`slice`);
//! 2. its bytes are only ever accessed as atomic words, by everyone, at any time.

pub(crate) mod cell;
pub(crate) mod fill;
pub(crate) mod pin;
pub(crate) mod pins;
pub(crate) mod read;
pub(crate) mod slice;
pub(crate) mod wait;
pub(crate) mod write;

use std::fmt;
use std::mem::{MaybeUninit, offset_of};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::lock::Patience;
use crate::plain::{BadBits, Copies, Part, Plain};
use crate::site::Site;
use crate::value::cell::{CellWords, Commit, PINS};
use crate::value::pin::Pinned;
use crate::value::pins::PinnedCopy;
use crate::words;

/// The largest T that calls pass by value, in bytes: a stack must hold several of them. A larger one
/// is refused when the program is built (`cargo check` does not get so far).
pub const BY_VALUE_MAX: usize = 64 * 1024;

/// The number of a commit: the first value is version 1, and every commit adds 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub(crate) u64);

impl Version {
    /// The version before the first: waiting for a change from here returns at once.
    pub const NONE: Version = Version(0);

    /// The plain number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A value that is read and written whole, by any number of processes and threads.
///
/// Reading writes nothing and waits for nobody; writing takes a lock that a dead writer cannot keep.
///
/// # If a peer dies
/// A writer killed before its commit has changed nothing that anyone sees; killed after it, its value
/// is the value. The next writer takes the lock over within about 10 ms.
///
/// # Examples
/// One process:
/// ```no_run
/// let rpm = cohabit::SharedValue::<u32>::open_or_create("rpm", || 0)?;
/// rpm.set(900)?;
/// # Ok::<(), cohabit::Error>(())
/// ```
/// Another one, at the same time:
/// ```no_run
/// let rpm = cohabit::SharedValue::<u32>::open("rpm")?;
/// println!("{}", rpm.get()?);
/// # Ok::<(), cohabit::Error>(())
/// ```
#[repr(C, align(64))]
pub struct Value<T: Contents + ?Sized> {
    lock: AtomicU64,
    commit: AtomicU64,
    pins: [AtomicU64; PINS],
    copies: <T as Contents>::Copies,
}

/// The head of a value, for the layout of what ends in one.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct ValueHead([u64; 8]);

/// What a [`Value`] may hold: plain data, or a slice of it whose length is given at creation.
pub trait Contents {
    /// What stands behind the head of the cell.
    #[doc(hidden)]
    type Copies: ?Sized;

    /// The words of copy 0, which a constructor fills, and how many canonical bytes are in them.
    #[doc(hidden)]
    fn first_copy(cell: &Value<Self>) -> (&[AtomicU64], usize);
}

impl<T: Plain> Contents for T {
    type Copies = <T as Plain>::Copies;

    fn first_copy(cell: &Value<T>) -> (&[AtomicU64], usize) {
        (cell.data(0), size_of::<T::Stored>())
    }
}

impl<T: Plain> Contents for [T] {
    type Copies = [slice::Beyond];

    fn first_copy(cell: &Value<[T]>) -> (&[AtomicU64], usize) {
        (cell.data(0), cell.bytes())
    }
}

impl<T: Plain> CellWords for Value<T> {
    #[inline(always)]
    fn lock(&self) -> &AtomicU64 {
        &self.lock
    }
    #[inline(always)]
    fn commit(&self) -> &AtomicU64 {
        &self.commit
    }
    #[inline(always)]
    fn pins(&self) -> &[AtomicU64; PINS] {
        &self.pins
    }
    #[inline(always)]
    fn count(&self) -> usize {
        T::Copies::COUNT
    }
    #[inline(always)]
    fn stamp(&self, index: usize) -> &AtomicU64 {
        self.copies.as_slice()[index].stamp()
    }
    #[inline(always)]
    fn data(&self, index: usize) -> &[AtomicU64] {
        self.copies.as_slice()[index].words()
    }
}

/// Stops the compilation where a large `T` would be passed by value.
pub(crate) const fn assert_small<T>() {
    const {
        assert!(
            size_of::<T>() <= BY_VALUE_MAX,
            "T is over 64 KiB: use get_into, get_boxed, set_from or set_part, and open_or_create_with"
        );
    }
}

/// The value in a private copy, once its bits are known to be one.
#[inline(always)]
pub(crate) fn checked<T: Plain>(copy: MaybeUninit<T>) -> Result<T> {
    if !T::ANY_BITS {
        // SAFETY: the copy is private, aligned and loaded: every byte of every field is written.
        unsafe { T::check(copy.as_ptr()) }.map_err(bad_bits)?;
    }
    // SAFETY: every field was loaded, and any bits are a value or were checked just now.
    Ok(unsafe { copy.assume_init() })
}

/// The same for a copy on the heap.
pub(crate) fn checked_box<T: Plain>(copy: Box<MaybeUninit<T>>) -> Result<Box<T>> {
    if !T::ANY_BITS {
        // SAFETY: the copy is private, aligned and loaded: every byte of every field is written.
        unsafe { T::check(copy.as_ptr()) }.map_err(bad_bits)?;
    }
    // SAFETY: every field was loaded, and any bits are a value or were checked just now.
    Ok(unsafe { copy.assume_init() })
}

#[cold]
pub(crate) fn bad_bits(bad: BadBits) -> Error {
    Error::new(ErrorKind::BadBits, "", bad.to_string()).with_source(bad)
}

impl<T: Plain> Value<T> {
    /// A value to build an object of. By itself, outside of an object, every call on it is
    /// [`NotShared`](ErrorKind::NotShared).
    pub fn new(value: T) -> Self {
        assert_small::<T>();
        let cell = Self {
            lock: AtomicU64::new(0),
            commit: AtomicU64::new(Commit::FIRST.0),
            pins: [const { AtomicU64::new(0) }; PINS],
            copies: T::Copies::zeroed(),
        };
        words::store(&value, cell.data(0));
        cell.stamp(0).store(Commit::FIRST.version(), Ordering::Relaxed);
        cell
    }

    #[inline(always)]
    fn site(&self) -> Result<Site> {
        const { assert!(offset_of!(Value<T>, copies) == 64) };
        Site::of(std::ptr::from_ref(self).addr())
    }

    /// The value.
    ///
    /// # Errors
    /// `BadBits` or `Corrupt` when a peer broke the rules; `Forked`, `NotShared`; `Busy` when writers
    /// outran this reader for 100 ms and all pins are taken.
    #[inline(always)]
    pub fn get(&self) -> Result<T> {
        read::by_value(self, &self.site()?, &mut Version::default())
    }

    /// The value and its version, taken together.
    ///
    /// # Errors
    /// As [`Value::get`].
    #[inline(always)]
    pub fn read(&self) -> Result<(T, Version)> {
        let mut version = Version::NONE;
        read::by_value(self, &self.site()?, &mut version).map(|value| (value, version))
    }

    /// Copies the value into `into` and says its version.
    ///
    /// # Errors
    /// As [`Value::get`]; `into` then holds some value of its type, which nobody may have written.
    pub fn get_into(&self, into: &mut T) -> Result<Version> {
        read::into(self, &self.site()?, into)
    }

    /// The value on the heap, without a copy of it on the stack.
    ///
    /// # Errors
    /// As [`Value::get`].
    pub fn get_boxed(&self) -> Result<Box<T>> {
        read::boxed(self, &self.site()?)
    }

    /// One part of the value: only its bytes are copied.
    ///
    /// # Errors
    /// As [`Value::get`].
    pub fn get_part<F: Plain>(&self, part: Part<T, F>) -> Result<F> {
        read::part(self, &self.site()?, part.offset())
    }

    /// The version of the value now.
    ///
    /// # Errors
    /// `Forked`, `NotShared`.
    pub fn version(&self) -> Result<Version> {
        self.site()?;
        Ok(self.version_now())
    }

    /// Holds on to the committed copy and reads it in place.
    ///
    /// # Errors
    /// `Busy` when as many pins as the value has (its copies less 2, at most 6) are held by the
    /// living; `Forked`, `NotShared`, `Corrupt`.
    pub fn pin(&self) -> Result<Pinned<'_, T>> {
        let site = self.site()?;
        let copy = PinnedCopy::take(self, site).map_err(|error| site.name(error))?;
        Ok(Pinned::new(self, copy))
    }

    /// Waits until the version is not `seen` any more; then the value and its version.
    ///
    /// # Errors
    /// `TimedOut`; `Ended` or `NameLost` when the instance is over; else as [`Value::get`].
    pub fn wait_changed(&self, seen: Version, timeout: Duration) -> Result<(T, Version)> {
        wait::for_change(self, &self.site()?, seen, timeout)?;
        self.read()
    }

    /// Waits until the version is not `seen` any more; then the version.
    ///
    /// # Errors
    /// As [`Value::wait_changed`].
    pub fn wait_version(&self, seen: Version, timeout: Duration) -> Result<Version> {
        wait::for_change(self, &self.site()?, seen, timeout)
    }
}

/// Declares a writing call in its three forms: waiting, not waiting, waiting so long.
macro_rules! three_forms {
    ($(#[$doc:meta])* $name:ident, $try_name:ident, $timeout_name:ident,
     <$($generic:ident $(: $bound:path)?),*>($($arg:ident: $ty:ty),*) -> $out:ty,
     |$cell:ident, $site:ident, $patience:ident| $body:expr) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// `Deadlock` inside an update of the same cell; `LivenessLost`, `Corrupt`, `BadBits`,
        /// `Forked`, `NotShared`.
        #[inline(always)]
        pub fn $name<$($generic $(: $bound)?),*>(&self, $($arg: $ty),*) -> Result<$out> {
            let ($cell, $site, $patience) = (self, self.site()?, Patience::Forever);
            $body
        }

        #[doc = concat!("[`Value::", stringify!($name), "`] without waiting for another writer.")]
        ///
        /// # Errors
        /// `Busy` when another writer is at it; else the same.
        #[inline]
        pub fn $try_name<$($generic $(: $bound)?),*>(&self, $($arg: $ty),*) -> Result<$out> {
            let ($cell, $site, $patience) = (self, self.site()?, Patience::None);
            $body
        }

        #[doc = concat!("[`Value::", stringify!($name), "`], waiting for other writers at most so long.")]
        ///
        /// # Errors
        /// `Busy` when the time is over; else the same.
        #[inline]
        pub fn $timeout_name<$($generic $(: $bound)?),*>(
            &self, $($arg: $ty,)* timeout: Duration,
        ) -> Result<$out> {
            let ($cell, $site, $patience) = (self, self.site()?, Patience::timeout(timeout));
            $body
        }
    };
}

impl<T: Plain> Value<T> {
    three_forms! {
        /// Makes `value` the value, and says its version.
        ///
        /// When the name was taken away, users go on among themselves and are not told here: ask
        /// [`Shared::status`](crate::Shared::status), or wait for a change.
        set, try_set, set_timeout, <>(value: T) -> Version,
        |cell, site, patience| {
            assert_small::<T>();
            write::whole(cell, site, patience, &value)
        }
    }

    three_forms! {
        /// Makes a copy of `value` the value, and says its version: for a large T.
        set_from, try_set_from, set_from_timeout, <>(value: &T) -> Version,
        |cell, site, patience| write::whole(cell, site, patience, value)
    }

    three_forms! {
        /// Changes one part; the rest of the value stays as it is. One commit.
        set_part, try_set_part, set_part_timeout, <F: Plain>(part: Part<T, F>, value: F) -> Version,
        |cell, site, patience| {
            assert_small::<F>();
            write::part(cell, site, patience, part.offset(), &value)
        }
    }

    three_forms! {
        /// Changes a private copy and commits it: whole or not at all, also if this process is killed
        /// inside, or `change` panics. The lock is held while `change` runs. A private copy of more
        /// than 16 KiB is on the heap.
        update, try_update, update_timeout, <R>(change: impl FnOnce(&mut T) -> R) -> R,
        |cell, site, patience| write::update(cell, site, patience, change)
    }
}

impl<T: Contents + ?Sized> Value<T> {
    pub(crate) fn commit_word(&self) -> &AtomicU64 {
        &self.commit
    }

    pub(crate) fn version_now(&self) -> Version {
        Version(Commit(self.commit.load(Ordering::Relaxed)).version())
    }
}

/// A value of run-time length: the last thing of its object, by itself or in a `#[shareable]` struct.
///
/// It is read and written whole, as a single value is, or by parts: an element, [`Part::element`], or a
/// part of one. There are 4 copies of it (3 where three pass 4 MiB), each write fills one of them, and so
/// each write costs as much as copying all elements. Where that is too much, a tail of cells,
/// `[Value<T>]`, has a version for each element instead of one for all.
///
/// # Examples
/// One process:
/// ```no_run
/// use cohabit::{Part, SharedValue};
///
/// let scan = SharedValue::<[f32]>::options().len(1080).open_or_create("scan", || vec![0.0; 1080])?;
/// scan.set_from(&[0.5; 1080])?;
/// scan.set_part(Part::element(7), 2.5)?;
/// # Ok::<(), cohabit::Error>(())
/// ```
/// Another one, at the same time, which takes the length from the object:
/// ```no_run
/// use cohabit::SharedValue;
///
/// let scan = SharedValue::<[f32]>::open("scan")?;
/// let mut now = vec![0.0; scan.len()];
/// let version = scan.get_into(&mut now)?; // never torn, all of one version
/// # let _ = version;
/// # Ok::<(), cohabit::Error>(())
/// ```
impl<T: Plain> Value<[T]> {
    #[inline(always)]
    fn site(&self) -> Result<Site> {
        Site::of(std::ptr::from_ref(self).addr())
    }

    /// How many elements there are: as many as were asked for when the object was created.
    pub fn len(&self) -> usize {
        self.copies.len()
    }

    /// Whether there are none; never so.
    pub fn is_empty(&self) -> bool {
        self.copies.is_empty()
    }

    /// Copies all elements into `into` and says their version.
    ///
    /// # Errors
    /// `LengthMismatch` when `into` is not as long as the value; else as `get_into` of a single value,
    /// or, of elements that must be checked, as [`Value::get_boxed`].
    pub fn get_into(&self, into: &mut [T]) -> Result<Version> {
        slice::into(self, &self.site()?, into)
    }

    /// All elements, on the heap.
    ///
    /// # Errors
    /// `BadBits`, `Corrupt`, `Forked`, `NotShared`, `Busy`; `NoAddressSpace` when there is no memory
    /// for so many.
    pub fn get_boxed(&self) -> Result<Box<[T]>> {
        slice::boxed(self, &self.site()?)
    }

    /// One element, [`Part::element`], or a part of one: only its bytes are copied.
    ///
    /// # Errors
    /// `OutOfRange`; else as [`Value::get_boxed`].
    pub fn get_part<F: Plain>(&self, part: Part<[T], F>) -> Result<F> {
        let site = self.site()?;
        slice::check_part(self, part).map_err(|error| site.name(error))?;
        read::part(self, &site, part.offset())
    }

    /// The version of the value now.
    ///
    /// # Errors
    /// `Forked`, `NotShared`.
    pub fn version(&self) -> Result<Version> {
        self.site()?;
        Ok(self.version_now())
    }

    /// Holds on to the committed copy and reads it in place.
    ///
    /// # Errors
    /// `Busy` when all pins (2; 1 where three copies pass 4 MiB) are held by the living; `Forked`,
    /// `NotShared`, `Corrupt`.
    pub fn pin(&self) -> Result<Pinned<'_, [T]>> {
        let site = self.site()?;
        let copy = PinnedCopy::take(self, site).map_err(|error| site.name(error))?;
        Ok(Pinned::new(self, copy))
    }

    /// Waits until the version is not `seen` any more; then the version.
    ///
    /// # Errors
    /// `TimedOut`; `Ended` or `NameLost` when the instance is over; `Forked`, `NotShared`.
    pub fn wait_version(&self, seen: Version, timeout: Duration) -> Result<Version> {
        wait::for_change(self, &self.site()?, seen, timeout)
    }

    three_forms! {
        /// Makes copies of all elements the value, and says its version. `LengthMismatch` when there
        /// are not as many as the value has.
        set_from, try_set_from, set_from_timeout, <>(values: &[T]) -> Version,
        |cell, site, patience| slice::whole(cell, site, patience, values)
    }

    three_forms! {
        /// Changes one element, [`Part::element`], or a part of one; the rest of the value stays as it
        /// is. One commit, for which the whole value is copied inside the object. `OutOfRange` where
        /// there is no such element.
        set_part, try_set_part, set_part_timeout, <F: Plain>(part: Part<[T], F>, value: F) -> Version,
        |cell, site, patience| {
            assert_small::<F>();
            slice::check_part(cell, part).map_err(|error| site.name(error))?;
            write::part(cell, site, patience, part.offset(), &value)
        }
    }

    three_forms! {
        /// Changes a private copy on the heap and commits it: whole or not at all, also if this process
        /// is killed inside, or `change` panics. The lock is held while `change` runs.
        /// `NoAddressSpace` when there is no memory for the copy.
        update, try_update, update_timeout, <R>(change: impl FnOnce(&mut [T]) -> R) -> R,
        |cell, site, patience| slice::update(cell, site, patience, change)
    }
}

impl<T: Plain + Default> Default for Value<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Contents + ?Sized> fmt::Debug for Value<T> {
    /// The version only: the value may not be read without saying what happens if it cannot be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value").field("version", &self.version_now()).finish_non_exhaustive()
    }
}

//! `View<C>`: a cell, atomic or array of an object that is open for reading only.
//!
//! Invariants:
//! 1. `place` stands in the object that `member` observes, which stays mapped as long as `member` does;
//! 2. its pages are read-only, so only relaxed loads of at most 64 bits are done to it: even a
//!    compare-exchange that fails would end the process.

use std::fmt;
use std::sync::atomic::{self, Ordering};
use std::time::Duration;

use crate::cells::{Flag, Frozen, Loose, bytes};
use crate::error::Result;
use crate::member::Member;
use crate::plain::{Part, Plain};
use crate::shareable::Shareable;
use crate::sync::{Mutex, OnceCell, RwLock};
use crate::value::{Value, Version, read, slice, wait};
use crate::words;

/// A cell `C` for reading only: what a [`SharedView`](crate::SharedView) hands out for each part of an
/// object. It has the reading calls of `C`, and no other.
///
/// It never derefs to `C`, writes nothing, and goes on reading in a forked child.
///
/// # If a peer dies
/// Nothing changes: what was committed or stored last stays readable.
pub struct View<'a, C: ?Sized> {
    place: &'a C,
    member: &'a Member,
}

impl<C: ?Sized> Clone for View<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: ?Sized> Copy for View<'_, C> {}

impl<'a, C: ?Sized> View<'a, C> {
    pub(crate) fn new(place: &'a C, member: &'a Member) -> Self {
        Self { place, member }
    }

    /// Only for relaxed loads (invariant 2).
    pub(crate) fn place(self) -> &'a C {
        self.place
    }

    pub(crate) fn member(self) -> &'a Member {
        self.member
    }

    /// The view of a part, for the code that `#[shareable]` writes.
    ///
    /// # Safety
    /// - `pick` returns a part of what it is given, and does nothing else with it.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn part<F: ?Sized>(self, pick: impl FnOnce(&'a C) -> &'a F) -> View<'a, F> {
        View { place: pick(self.place), member: self.member }
    }
}

impl<'a, T: Plain> View<'a, Value<T>> {
    /// The value. See [`Value::get`].
    ///
    /// # Errors
    /// `BadBits`, `Corrupt`; `Busy` when writers outran this reader for 100 ms.
    #[inline(always)]
    pub fn get(self) -> Result<T> {
        read::by_value(self.place, self.member, &mut Version::default())
    }

    /// The value and its version, taken together.
    ///
    /// # Errors
    /// As for a value's `get`.
    #[inline(always)]
    pub fn read(self) -> Result<(T, Version)> {
        let mut version = Version::NONE;
        read::by_value(self.place, self.member, &mut version).map(|value| (value, version))
    }

    /// Copies the value into `into` and says its version.
    ///
    /// # Errors
    /// As for a value's `get`; `into` then holds some value of its type, which nobody may have written.
    pub fn get_into(self, into: &mut T) -> Result<Version> {
        read::into(self.place, self.member, into)
    }

    /// The value on the heap, without a copy of it on the stack.
    ///
    /// # Errors
    /// As for a value's `get`.
    pub fn get_boxed(self) -> Result<Box<T>> {
        read::boxed(self.place, self.member)
    }

    /// One part of the value.
    ///
    /// # Errors
    /// As for a value's `get`.
    pub fn get_part<F: Plain>(self, part: Part<T, F>) -> Result<F> {
        read::part(self.place, self.member, part.offset())
    }

    /// The version of the value now.
    pub fn version(self) -> Version {
        self.place.version_now()
    }

    /// Waits until the version is not `seen` any more; then the value and its version. A view looks
    /// again every 1 to 20 ms, since it may not ask to be woken.
    ///
    /// # Errors
    /// `TimedOut`; `Ended` or `NameLost` when the instance is over; else as for a value's `get`.
    pub fn wait_changed(self, seen: Version, timeout: Duration) -> Result<(T, Version)> {
        wait::for_change(self.place, self.member, seen, timeout)?;
        self.read()
    }

    /// Waits until the version is not `seen` any more; then the version.
    ///
    /// # Errors
    /// As for a value's `wait_changed`.
    pub fn wait_version(self, seen: Version, timeout: Duration) -> Result<Version> {
        wait::for_change(self.place, self.member, seen, timeout)
    }
}

impl<'a, T: Plain> View<'a, Value<[T]>> {
    /// Copies all elements into `into` and says their version.
    ///
    /// # Errors
    /// `LengthMismatch` when `into` is not as long as the value; else as for a value's `get`.
    pub fn get_into(self, into: &mut [T]) -> Result<Version> {
        slice::into(self.place, self.member, into)
    }

    /// All elements, on the heap.
    ///
    /// # Errors
    /// As for a value's `get`.
    pub fn get_boxed(self) -> Result<Box<[T]>> {
        slice::boxed(self.place, self.member)
    }

    /// One element, [`Part::element`], or a part of one.
    ///
    /// # Errors
    /// `OutOfRange`; else as for a value's `get`.
    pub fn get_part<F: Plain>(self, part: Part<[T], F>) -> Result<F> {
        slice::check_part(self.place, part).map_err(|error| self.name(error))?;
        read::part(self.place, self.member, part.offset())
    }

    /// How many elements there are.
    pub fn len(self) -> usize {
        self.place.len()
    }

    /// Whether there are none; never so.
    pub fn is_empty(self) -> bool {
        self.place.is_empty()
    }

    /// The version of the value now.
    pub fn version(self) -> Version {
        self.place.version_now()
    }

    /// Waits until the version is not `seen` any more; then the version.
    ///
    /// # Errors
    /// As for a value's `wait_changed`.
    pub fn wait_version(self, seen: Version, timeout: Duration) -> Result<Version> {
        wait::for_change(self.place, self.member, seen, timeout)
    }
}

impl<T: Plain> View<'_, Frozen<T>> {
    /// The value. See [`Frozen::get`].
    ///
    /// # Errors
    /// `BadBits` when a peer broke the rules.
    #[inline]
    pub fn get(self) -> Result<T> {
        bytes::get(self.place.words(), words::load).map_err(|error| self.name(error))
    }

    /// Copies the value into `into`: for a large T.
    ///
    /// # Errors
    /// As for its `get`; `into` then holds some value of its type, which nobody may have written.
    pub fn get_into(self, into: &mut T) -> Result<()> {
        let got = bytes::get_into(self.place.words(), words::load, into);
        got.map_err(|error| self.name(error))
    }

    /// The value on the heap, without a copy of it on the stack.
    ///
    /// # Errors
    /// As for its `get`.
    pub fn get_boxed(self) -> Result<Box<T>> {
        bytes::get_boxed(self.place.words(), words::load).map_err(|error| self.name(error))
    }

    /// One part of the value.
    ///
    /// # Errors
    /// As for its `get`.
    pub fn get_part<F: Plain>(self, part: Part<T, F>) -> Result<F> {
        bytes::get_part(self.place.words(), part).map_err(|error| self.name(error))
    }
}

impl<T: Plain> View<'_, Mutex<T>> {
    /// What the mutex guards, without its lock: whoever holds it may be in the middle of a change, and
    /// then the copy is of no moment. For looking at, not for deciding.
    ///
    /// # Errors
    /// `BadBits`, also when a change was seen half done.
    pub fn peek(self) -> Result<T> {
        let words = self.place.data().words();
        bytes::get(words, words::load_by_word).map_err(|error| self.name(error))
    }
}

impl<T: Plain> View<'_, RwLock<T>> {
    /// What the lock guards, without the lock: a writer may be in the middle of a change, and then the
    /// copy is of no moment. For looking at, not for deciding.
    ///
    /// # Errors
    /// `BadBits`, also when a change was seen half done.
    pub fn peek(self) -> Result<T> {
        let words = self.place.data().words();
        bytes::get(words, words::load_by_word).map_err(|error| self.name(error))
    }
}

impl<T: Plain> View<'_, OnceCell<T>> {
    /// The value, if it is set. See [`OnceCell::get`].
    ///
    /// # Errors
    /// `BadBits` when a peer broke the rules.
    #[inline]
    pub fn get(self) -> Result<Option<T>> {
        let got = self.place.words_if_set().map(|words| bytes::get(words, words::load));
        got.transpose().map_err(|error| self.name(error))
    }

    /// The value on the heap, if it is set.
    ///
    /// # Errors
    /// As for its `get`.
    pub fn get_boxed(self) -> Result<Option<Box<T>>> {
        let got = self.place.words_if_set().map(|words| bytes::get_boxed(words, words::load));
        got.transpose().map_err(|error| self.name(error))
    }

    /// One part of the value, if it is set.
    ///
    /// # Errors
    /// As for its `get`.
    pub fn get_part<F: Plain>(self, part: Part<T, F>) -> Result<Option<F>> {
        let got = self.place.words_if_set().map(|words| bytes::get_part(words, part));
        got.transpose().map_err(|error| self.name(error))
    }
}

impl<T: Plain> View<'_, Loose<T>> {
    /// All fields, each of them whole. See [`Loose::load`].
    ///
    /// # Errors
    /// `BadBits` when a peer broke the rules.
    #[inline]
    pub fn load(self) -> Result<T> {
        bytes::get(self.place.words(), words::load_by_word).map_err(|error| self.name(error))
    }

    /// Copies all fields into `into`: for a large T.
    ///
    /// # Errors
    /// As for its `load`; `into` then holds some value of its type, which nobody may have written.
    pub fn load_into(self, into: &mut T) -> Result<()> {
        let got = bytes::get_into(self.place.words(), words::load_by_word, into);
        got.map_err(|error| self.name(error))
    }

    /// One part.
    ///
    /// # Errors
    /// As for its `load`.
    pub fn load_part<F: Plain>(self, part: Part<T, F>) -> Result<F> {
        bytes::get_part(self.place.words(), part).map_err(|error| self.name(error))
    }
}

impl<C: ?Sized> View<'_, C> {
    #[cold]
    fn name(self, error: crate::Error) -> crate::Error {
        error.about(&self.member.segment.name)
    }
}

impl View<'_, Flag> {
    /// Whether the flag is set now (relaxed).
    #[inline]
    pub fn load(self) -> bool {
        self.place.load(Ordering::Relaxed)
    }
}

/// Declares the reading of one kind of atomic.
macro_rules! atomic_views {
    ($($atomic:ident: $value:ty),*) => {$(
        impl View<'_, atomic::$atomic> {
            /// The number now (relaxed).
            #[inline]
            pub fn load(self) -> $value {
                self.place.load(Ordering::Relaxed)
            }
        }
    )*};
}
atomic_views!(
    AtomicU8: u8, AtomicU16: u16, AtomicU32: u32, AtomicU64: u64,
    AtomicI8: i8, AtomicI16: i16, AtomicI32: i32, AtomicI64: i64
);

impl<'a, C: Shareable> View<'a, [C]> {
    /// How many elements there are.
    pub fn len(self) -> usize {
        self.place.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.place.is_empty()
    }

    /// The view of one element, if there is one of this index.
    #[inline]
    pub fn get(self, index: usize) -> Option<C::View<'a>> {
        let place = self.place.get(index)?;
        Some(C::view(View { place, member: self.member }))
    }

    /// The views of all elements, in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = C::View<'a>> + DoubleEndedIterator {
        self.place.iter().map(move |place| C::view(View { place, member: self.member }))
    }
}

impl<C: ?Sized> fmt::Debug for View<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("name", &self.member.segment.name).finish_non_exhaustive()
    }
}

//! `List<T, N>`: up to `N` elements, in place: C's `struct { uint32_t len; T items[N]; }`.
//!
//! # Invariants
//!
//! 1. `len` is at most `N`, and the first `len` items are initialised and valid. It holds wherever safe
//!    code has a `List`: one that came out of shared memory was checked before.
//! 2. What is behind the first `len` items is never read as a `T`; in shared memory it is zero.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::mem::{MaybeUninit, offset_of, size_of};
use core::ops::{Deref, DerefMut};
use core::slice;

use super::{BadBits, CopyOf, Kind, Plain};
use crate::words::{WordSink, WordSource};

/// Up to `N` elements, with room for all of them in place; a `Vec` that needs no heap.
///
/// As a slice it has everything that slices have: `list.len()`, `list[0]`, `list.iter()`, `list.sort()`.
/// In a [`Value`](crate::Value) it is read and written as a whole; its elements are no parts, since its
/// length says which of them are there. Only elements that are there are copied out of it.
///
/// ```
/// use cohabit::{List, plain};
///
/// #[plain]
/// #[derive(Default)]
/// struct Track { points: List<[f32; 2], 100> }
///
/// let mut track = Track::default();
/// track.points.push([0.5, 1.0]).expect("room for 100");
/// assert_eq!(track.points.len(), 1);
/// assert_eq!(track.points[0], [0.5, 1.0]);
/// ```
#[repr(C)]
pub struct List<T, const N: usize> {
    len: u32,
    items: [MaybeUninit<T>; N],
}

/// Elements that a [`List`] has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListFull {
    /// How many elements it would have to hold.
    pub needed: usize,
    /// How many it has room for.
    pub available: usize,
}

impl fmt::Display for ListFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the list needs {} elements, and has room for {}", self.needed, self.available)
    }
}

impl core::error::Error for ListFull {}

impl<T: Plain, const N: usize> List<T, N> {
    /// How many elements there is room for.
    pub const CAPACITY: usize = {
        assert!(N > 0, "a list of nothing cannot be shared: give it room for at least one element");
        assert!(N as u64 <= u32::MAX as u64, "the length of a list has 32 bits");
        N
    };

    /// The empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self { len: 0, items: [const { MaybeUninit::uninit() }; N] }
    }

    /// Collects elements.
    ///
    /// # Errors
    ///
    /// If there are more than `N`. How many more is not counted.
    pub fn try_from_iter(elements: impl IntoIterator<Item = T>) -> Result<Self, ListFull> {
        let mut list = Self::new();
        for element in elements {
            list.push(element).map_err(|_| ListFull { needed: N + 1, available: N })?;
        }
        Ok(list)
    }

    /// The elements.
    pub const fn as_slice(&self) -> &[T] {
        // SAFETY: invariant 1: `len` items in a row are initialised, and borrowed with `self`.
        unsafe { slice::from_raw_parts(self.items.as_ptr().cast(), self.len as usize) }
    }

    /// The elements, to change them.
    pub const fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: invariant 1: `len` items in a row are initialised, and borrowed with `self`.
        unsafe { slice::from_raw_parts_mut(self.items.as_mut_ptr().cast(), self.len as usize) }
    }

    /// Whether there is no room for another element.
    pub const fn is_full(&self) -> bool {
        self.len as usize == N
    }

    /// Adds an element at the end.
    ///
    /// # Errors
    ///
    /// Gives the element back if the list is full.
    pub fn push(&mut self, element: T) -> Result<(), T> {
        let Some(item) = self.items.get_mut(self.len as usize) else { return Err(element) };
        item.write(element);
        self.len += 1;
        Ok(())
    }

    /// Takes the last element.
    pub fn pop(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        let item = &self.items[self.len as usize];
        // SAFETY: invariant 1 held with the item; it is behind the length now, and so given away once.
        Some(unsafe { item.assume_init_read() })
    }

    /// Puts an element in front of the one at `index`, or at the end.
    ///
    /// # Errors
    ///
    /// Gives the element back if the list is full.
    ///
    /// # Panics
    ///
    /// If `index` is behind the end, as `Vec::insert` does.
    #[track_caller]
    pub fn insert(&mut self, index: usize, element: T) -> Result<(), T> {
        assert!(index <= self.len(), "the index to insert at is behind the end of the list");
        self.push(element)?;
        self[index..].rotate_right(1);
        Ok(())
    }

    /// Takes the element at `index`; those behind it move up.
    ///
    /// # Panics
    ///
    /// If there is none, as `Vec::remove` does.
    #[track_caller]
    pub fn remove(&mut self, index: usize) -> T {
        self[index..].rotate_left(1);
        self.pop().expect("there is an element at the index")
    }

    /// Keeps the first `len` elements; a longer list is what it was.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            self.len = len as u32;
        }
    }

    /// Takes all elements away.
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds copies of all `elements` at the end.
    ///
    /// # Errors
    ///
    /// If there is no room for all of them; then none is added.
    pub fn extend_from_slice(&mut self, elements: &[T]) -> Result<(), ListFull>
    where
        T: Clone,
    {
        let needed = self.len() + elements.len();
        if needed > N {
            return Err(ListFull { needed, available: N });
        }
        for element in elements {
            let added = self.push(element.clone());
            debug_assert!(added.is_ok(), "the room was counted");
        }
        Ok(())
    }
}

impl<T: Plain, const N: usize> Deref for List<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T: Plain, const N: usize> DerefMut for List<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
}

impl<T: Plain, const N: usize> Default for List<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Plain + Clone, const N: usize> Clone for List<T, N> {
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        for element in self.as_slice() {
            let added = copy.push(element.clone());
            debug_assert!(added.is_ok(), "both have the same room");
        }
        copy
    }
}

impl<T: Plain + Copy, const N: usize> Copy for List<T, N> {}

impl<T: Plain + Clone, const N: usize> TryFrom<&[T]> for List<T, N> {
    type Error = ListFull;

    fn try_from(elements: &[T]) -> Result<Self, ListFull> {
        let mut list = Self::new();
        list.extend_from_slice(elements)?;
        Ok(list)
    }
}

impl<T: Plain, const N: usize, const M: usize> TryFrom<[T; M]> for List<T, N> {
    type Error = ListFull;

    fn try_from(elements: [T; M]) -> Result<Self, ListFull> {
        if M > N {
            return Err(ListFull { needed: M, available: N });
        }
        Self::try_from_iter(elements)
    }
}

impl<'a, T: Plain, const N: usize> IntoIterator for &'a List<T, N> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> slice::Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T: Plain, const N: usize> IntoIterator for &'a mut List<T, N> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    fn into_iter(self) -> slice::IterMut<'a, T> {
        self.iter_mut()
    }
}

impl<T: Plain + PartialEq, const N: usize, const M: usize> PartialEq<List<T, M>> for List<T, N> {
    fn eq(&self, other: &List<T, M>) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T: Plain + Eq, const N: usize> Eq for List<T, N> {}

impl<T: Plain + PartialEq, const N: usize> PartialEq<[T]> for List<T, N> {
    fn eq(&self, other: &[T]) -> bool {
        self.as_slice() == other
    }
}

impl<T: Plain + PartialEq, const N: usize, const M: usize> PartialEq<[T; M]> for List<T, N> {
    fn eq(&self, other: &[T; M]) -> bool {
        self.as_slice() == other
    }
}

impl<T: Plain + PartialOrd, const N: usize> PartialOrd for List<T, N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.as_slice().partial_cmp(other.as_slice())
    }
}

impl<T: Plain + Ord, const N: usize> Ord for List<T, N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl<T: Plain + Hash, const N: usize> Hash for List<T, N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl<T: Plain + fmt::Debug, const N: usize> fmt::Debug for List<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Where the items are.
fn items_of<T, const N: usize>(list: *const List<T, N>) -> *const T {
    list.wrapping_byte_add(offset_of!(List<T, N>, items)).cast()
}

/// The image of a list, by C's rules.
#[repr(C)]
#[derive(Debug)]
pub struct ListImage<S, const N: usize> {
    len: u32,
    items: [S; N],
}

// SAFETY: `repr(C)` on both types, whose fields lie where `Kind::items_at` says; `check` accepts only a
// length of at most `N` and valid items in front of it, which is invariant 1 of this module.
unsafe impl<T: Plain, const N: usize> Plain for List<T, N> {
    type Stored = ListImage<T::Stored, N>;
    // A generic count cannot depend on the size, so that every bare list has four copies.
    type Copies = [CopyOf<Self::Stored>; 4];
    const KIND: Kind = Kind::List { of: &T::KIND, len: N };
    const SAME_LAYOUT: bool = T::SAME_LAYOUT
        && size_of::<Self>() == size_of::<Self::Stored>()
        && offset_of!(Self, items) == Kind::items_at(&T::KIND);
    // What is behind the length has no value.
    const DENSE: bool = false;
    const ANY_BITS: bool = false;
    const ZERO_IS_VALUE: bool = true;

    fn store(&self, sink: &mut WordSink<'_>, at: usize) {
        self.len.store(sink, at);
        let items_at = at + const { Kind::items_at(&T::KIND) };
        if T::DENSE && !self.is_empty() {
            let (first, size) = (self.items.as_ptr().cast(), size_of_val(self.as_slice()));
            // SAFETY: invariant 1, and each byte of a dense `T` has a value.
            return sink.put(items_at, unsafe { slice::from_raw_parts(first, size) });
        }
        for (index, element) in self.iter().enumerate() {
            element.put(sink, items_at + index * size_of::<T::Stored>());
        }
    }

    unsafe fn load(source: &mut WordSource<'_>, at: usize, into: *mut Self) {
        // SAFETY: the caller's contract: `len` is the first field.
        unsafe { u32::load(source, at, into.cast()) };
        // SAFETY: it was written just now.
        let len = unsafe { into.cast::<u32>().read() } as usize;
        let first = items_of(into).cast_mut();
        let items_at = at + const { Kind::items_at(&T::KIND) };
        // A length that cannot be is for `check`.
        for index in 0..if len <= N { len } else { 0 } {
            let at = items_at + index * size_of::<T::Stored>();
            // SAFETY: the caller's contract: `index` is inside the array.
            unsafe { T::load(source, at, first.wrapping_add(index)) };
        }
    }

    unsafe fn check(value: *const Self) -> Result<(), BadBits> {
        // SAFETY: the caller's contract: `len` is the first field.
        let len = unsafe { value.cast::<u32>().read() };
        if len as usize > N {
            let expected = format!("a length of at most {N}");
            return Err(BadBits::new("the list", expected, i128::from(len)));
        }
        if T::ANY_BITS {
            return Ok(());
        }
        let first = items_of(value);
        for index in 0..len as usize {
            // SAFETY: the caller's contract: `index` is inside the array, and in front of the length,
            // so that `load` wrote the item.
            unsafe { T::check(first.wrapping_add(index)) }.map_err(|bad| bad.at_index(index))?;
        }
        Ok(())
    }

    fn only_derive_may_implement() {}
}

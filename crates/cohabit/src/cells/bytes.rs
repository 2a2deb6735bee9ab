//! The bytes of a cell that has no head: the canonical image of a `T`, in whole words.
//!
//! Invariants:
//! 1. a `Bytes<T>` is as long as `T::Stored` rounded up to whole words, and aligned to 8;
//! 2. its bytes are only ever accessed as atomic words, by everyone, at any time.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::AtomicU64;

use crate::error::Result;
use crate::plain::{Padded, Part, Plain};
use crate::value::{assert_small, checked, checked_box};
use crate::words;

/// Canonical bytes, rounded up to whole words.
#[repr(transparent)]
pub(crate) struct Bytes<T: Plain>(UnsafeCell<Padded<T::Stored>>);

// SAFETY: invariant 2: only atomic operations access it.
unsafe impl<T: Plain> Sync for Bytes<T> {}
// SAFETY: the bytes belong to no thread.
unsafe impl<T: Plain> Send for Bytes<T> {}

impl<T: Plain> Bytes<T> {
    pub(crate) fn new(value: &T) -> Self {
        let bytes = Self::zeroed();
        words::store(value, bytes.words());
        bytes
    }

    pub(crate) const fn zeroed() -> Self {
        Self(UnsafeCell::new(Padded::zeroed()))
    }

    /// The bytes, as words.
    #[inline(always)]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        const { assert!(align_of::<Self>() == 8 && size_of::<Self>().is_multiple_of(8)) };
        let first = self.0.get().cast::<AtomicU64>().cast_const();
        // SAFETY: invariants 1 and 2: so many aligned words inside an UnsafeCell.
        unsafe { std::slice::from_raw_parts(first, size_of::<Self>() / 8) }
    }
}

/// How words are copied into a private `T` or a part of one: as a block, or each once and whole.
///
/// Its safety condition is that of [`words::load`]: the pointer is valid for writes of a `T`, aligned,
/// and private to the caller.
pub(crate) type Load<T> = unsafe fn(&[AtomicU64], *mut T);

/// The value by value, once its bits are known to be one.
#[inline(always)]
pub(crate) fn get<T: Plain>(words: &[AtomicU64], load: Load<T>) -> Result<T> {
    assert_small::<T>();
    let mut copy = MaybeUninit::<T>::uninit();
    // SAFETY: `copy` is ours, aligned and as large as a T.
    unsafe { load(words, copy.as_mut_ptr()) };
    checked(copy)
}

/// The value on the heap.
pub(crate) fn get_boxed<T: Plain>(words: &[AtomicU64], load: Load<T>) -> Result<Box<T>> {
    let mut copy = Box::<T>::new_uninit();
    // SAFETY: `copy` is ours, aligned and as large as a T.
    unsafe { load(words, copy.as_mut_ptr()) };
    checked_box(copy)
}

/// The value into a T that the caller has, which never holds bits that are no T.
pub(crate) fn get_into<T: Plain>(words: &[AtomicU64], load: Load<T>, into: &mut T) -> Result<()> {
    if T::ANY_BITS {
        // SAFETY: it is the caller's T, borrowed mutably; any bits are a T, also half way.
        unsafe { load(words, into) };
        return Ok(());
    }
    let copy = get_boxed(words, load)?;
    // SAFETY: both are valid for one T and apart; a T needs no drop, so the old one may be
    // overwritten, and the box gives back its memory only.
    unsafe { std::ptr::copy_nonoverlapping(&raw const *copy, into, 1) };
    Ok(())
}

/// One part, of which each word is loaded once and whole.
#[inline(always)]
pub(crate) fn get_part<T: Plain, F: Plain>(words: &[AtomicU64], part: Part<T, F>) -> Result<F> {
    assert_small::<F>();
    let mut copy = MaybeUninit::<F>::uninit();
    // SAFETY: `copy` is ours, aligned and large enough; a Part lies inside its T by construction.
    unsafe { words::load_part(words, part.offset(), copy.as_mut_ptr()) };
    checked(copy)
}

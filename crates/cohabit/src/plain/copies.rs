//! The copies of which a `Value` is built.
//!
//! # Invariants
//!
//! 1. The data of a copy starts 8 bytes behind its stamp, is aligned to 8, and is as long as the
//!    stored type rounded up to whole words.
//! 2. It is initialised when the copy is made, and is only ever accessed as atomic words.

use core::cell::UnsafeCell;
use core::fmt;
use core::mem::{MaybeUninit, offset_of, size_of};
use core::slice;
use core::sync::atomic::AtomicU64;

/// A stored type rounded up to whole words.
///
/// It is aligned to words also where the stored type is to 16: its bytes are only accessed as words,
/// and so that the data of every copy starts 8 bytes behind its stamp.
#[repr(C, align(8))]
pub(crate) struct Padded<S>(Unaligned<S>);

/// A stored type, aligned to at most a word.
#[repr(C, packed(8))]
struct Unaligned<S>(MaybeUninit<S>);

impl<S> Padded<S> {
    /// Zeros, also where a stored type has padding.
    pub(crate) const fn zeroed() -> Self {
        Self(Unaligned(MaybeUninit::zeroed()))
    }
}

/// One copy in a `Value`: a stamp and the canonical bytes.
///
/// The stamp is the version which the copy holds or is being filled with.
#[repr(C, align(64))]
pub struct CopyOf<S> {
    pub(crate) stamp: AtomicU64,
    pub(crate) data: UnsafeCell<Padded<S>>,
}

// SAFETY: Invariant 2: both fields are only accessed by atomic operations.
unsafe impl<S> Sync for CopyOf<S> {}

// SAFETY: The data are bytes; they belong to no thread.
unsafe impl<S> Send for CopyOf<S> {}

impl<S> CopyOf<S> {
    /// The distance of two copies, in bytes.
    pub const STRIDE: usize = {
        assert!(offset_of!(Self, data) == 8);
        assert!(size_of::<Self>() == stride(size_of::<S>()));
        size_of::<Self>()
    };

    /// A copy of zeros with stamp 0, which is no version.
    pub const fn zeroed() -> Self {
        Self { stamp: AtomicU64::new(0), data: UnsafeCell::new(Padded::zeroed()) }
    }

    /// The version which the copy holds or is being filled with.
    pub const fn stamp(&self) -> &AtomicU64 {
        &self.stamp
    }

    /// The canonical bytes, as words.
    pub const fn words(&self) -> &[AtomicU64] {
        let data = self.data.get().cast::<AtomicU64>().cast_const();
        let count = size_of::<Padded<S>>() / size_of::<u64>();
        // SAFETY: Invariants 1 and 2: `count` aligned words inside an `UnsafeCell`.
        unsafe { slice::from_raw_parts(data, count) }
    }
}

impl<S> fmt::Debug for CopyOf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyOf").field("stamp", &self.stamp).finish_non_exhaustive()
    }
}

/// An array of copies of a stored type.
///
/// # Safety
///
/// Implemented by this crate only: the type begins with an array of `COUNT` times `CopyOf<S>`, and has
/// nothing but atomics behind it.
pub unsafe trait Copies<S>: Sized + Send + Sync + 'static {
    /// How many copies there are.
    const COUNT: usize;

    /// The distance of two copies, in bytes.
    const STRIDE: usize;

    /// Copies of zeros.
    fn zeroed() -> Self;

    /// All copies, in order.
    fn as_slice(&self) -> &[CopyOf<S>];
}

// SAFETY: It is an array of `N` times `CopyOf<S>`.
unsafe impl<S: 'static, const N: usize> Copies<S> for [CopyOf<S>; N] {
    const COUNT: usize = {
        assert!(N >= 3, "a value needs three copies: committed, pinned, and being written");
        N
    };
    const STRIDE: usize = CopyOf::<S>::STRIDE;

    fn zeroed() -> Self {
        [const { CopyOf::zeroed() }; N]
    }

    fn as_slice(&self) -> &[CopyOf<S>] {
        self
    }
}

/// How many more fields programs can know of an appendable struct than the one that made the object.
pub const APPENDED_MAX: usize = 64;

/// The copies of an appendable struct, and behind them what has been appended to it: a word for each
/// field that the maker of the object did not know, 0 as long as no program that knows it has come.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Growing<C> {
    copies: C,
    appended: [AtomicU64; APPENDED_MAX],
}

// SAFETY: It begins with such an array.
unsafe impl<S, C: Copies<S>> Copies<S> for Growing<C> {
    const COUNT: usize = C::COUNT;
    const STRIDE: usize = C::STRIDE;

    fn zeroed() -> Self {
        Self { copies: C::zeroed(), appended: [const { AtomicU64::new(0) }; APPENDED_MAX] }
    }

    #[inline(always)]
    fn as_slice(&self) -> &[CopyOf<S>] {
        self.copies.as_slice()
    }
}

/// The distance of two copies of `size` canonical bytes: stamp and bytes, to whole cache lines.
pub const fn stride(size: usize) -> usize {
    (8 + size).next_multiple_of(64)
}

/// How many copies a value of `size` canonical bytes has.
///
/// About 16 KiB worth of them, but at least 4 and at most 16: the more there are, the longer a
/// reader may take. Where three pass 4 MiB there are only three, since memory is then dearer.
pub const fn copies(size: usize) -> usize {
    const BUDGET: usize = 16 * 1024;
    const VERY_LARGE: usize = 4 * 1024 * 1024;
    let stride = stride(size);
    if stride > VERY_LARGE / 3 {
        return 3;
    }
    match BUDGET / stride {
        0..=4 => 4,
        16.. => 16,
        fitting => fitting,
    }
}

/// How many copies a value has whose length is given when its object is made; `size` in bytes.
///
/// Its type cannot say it, so it is that of a bare array, and 3 where three pass 4 MiB.
pub(crate) const fn copies_of_slice(size: u64) -> u64 {
    const VERY_LARGE: u64 = 4 * 1024 * 1024;
    if stride_of_slice(size) > VERY_LARGE / 3 { 3 } else { 4 }
}

/// The distance of two copies of such a value: as [`stride`], in 64 bits on every target.
pub(crate) const fn stride_of_slice(size: u64) -> u64 {
    (8 + size).next_multiple_of(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_follow_the_format() {
        assert_eq!((stride(8), copies(8)), (64, 16));
        assert_eq!((stride(56), stride(57)), (64, 128));
        assert_eq!((stride(260), copies(260)), (320, 16));
        assert_eq!((stride(1536), copies(1536)), (1600, 10));
        assert_eq!((stride(4096), copies(4096)), (4160, 4));
        assert_eq!(copies(1 << 20), 4);
        assert_eq!(copies(64 << 20), 3);
        let limit = 4 * 1024 * 1024 / 3 / 64 * 64 - 8;
        assert_eq!((copies(limit), copies(limit + 1)), (4, 3));
    }

    #[test]
    fn a_copy_is_its_stride() {
        assert_eq!(CopyOf::<[u8; 260]>::STRIDE, 320);
        let copy = CopyOf::<[u8; 13]>::zeroed();
        assert_eq!(copy.words().len(), 2);
        let start = core::ptr::from_ref(&copy).addr();
        assert_eq!(copy.words().as_ptr().addr() - start, 8);
        assert_eq!(<[CopyOf<u32>; 4]>::zeroed().as_slice().len(), 4);
    }
}

//! A `T` that is used where it stands, by whoever holds the lock beside it.
//!
//! Invariants:
//! 1. it is as large as `T`, rounded up to whole words, and `T` stands at its start, aligned as in its
//!    canonical image: the same bytes on every target;
//! 2. `T`'s own layout is the canonical one: asserted when the program is built;
//! 3. references to the `T` are made by guards only, while they hold the lock. Peers are trusted to
//!    follow the lock: see SAFETY.md, "Inside a guard". All other access is to atomic words.
//!
//! Padding: `T` may have some. Nobody reads it as part of a value; through `&mut T` it takes whatever
//! the compiler leaves there, which may be bytes of the writer's own memory.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::AtomicU64;

use crate::error::Result;
use crate::plain::Plain;
use crate::value::{bad_bits, fill};
use crate::words;

#[repr(C, align(8))]
struct Whole<T: Plain> {
    align: [T::Stored; 0],
    value: MaybeUninit<T>,
}

/// A `T` in place.
#[repr(transparent)]
pub(crate) struct InPlace<T: Plain>(UnsafeCell<Whole<T>>);

// SAFETY: invariant 3: the words are accessed atomically, and references are made by guards only, of
// which each says itself where it may go.
unsafe impl<T: Plain> Sync for InPlace<T> {}
// SAFETY: plain data belongs to no thread.
unsafe impl<T: Plain> Send for InPlace<T> {}

impl<T: Plain> InPlace<T> {
    const IS_CANONICAL: () = {
        assert!(
            T::SAME_LAYOUT && size_of::<T>() == size_of::<T::Stored>(),
            "a lock gives `&mut T` to the bytes in the segment, so on this target T must be laid out as \
             on all others: put its fields of 8 bytes at multiples of 8, or use a Value"
        );
        assert!(size_of::<Self>() == size_of::<T>().next_multiple_of(align_of::<Self>()));
        assert!(!std::mem::needs_drop::<T>());
    };

    pub(crate) fn new(value: &T) -> Self {
        let place = Self::zeroed();
        place.store(value);
        place
    }

    pub(crate) const fn zeroed() -> Self {
        const { Self::IS_CANONICAL };
        // `Whole` is bytes that may be anything.
        Self(UnsafeCell::new(Whole { align: [], value: MaybeUninit::zeroed() }))
    }

    /// The bytes, as words.
    pub(crate) fn words(&self) -> &[AtomicU64] {
        const { Self::IS_CANONICAL };
        let first = self.0.get().cast::<AtomicU64>().cast_const();
        // SAFETY: invariant 1: so many aligned words inside an UnsafeCell, initialised where they count
        // and zeros or what a peer wrote elsewhere.
        unsafe { std::slice::from_raw_parts(first, size_of::<Self>() / 8) }
    }

    /// Where the `T` stands, for guards.
    #[inline(always)]
    pub(crate) fn as_ptr(&self) -> *mut T {
        const { Self::IS_CANONICAL };
        self.0.get().cast()
    }

    /// Whether the bits are a `T`. The caller holds the lock.
    #[inline]
    pub(crate) fn check(&self) -> Result<()> {
        if T::ANY_BITS {
            return Ok(());
        }
        // SAFETY: invariants 1 and 3: aligned, and nobody who follows the lock writes. Shared memory is
        // initialised, all of it.
        unsafe { T::check(self.as_ptr()) }.map_err(bad_bits)
    }

    /// Writes a whole `T` by words; padding becomes zero. The caller holds the lock, or is alone.
    pub(crate) fn store(&self, value: &T) {
        words::store(value, self.words());
    }

    /// Makes a new, zeroed place of one that was built in private memory.
    ///
    /// # Safety
    /// - As for [`Shareable::plant`](crate::Shareable::plant).
    pub(crate) unsafe fn plant_from(&self, built: &Self) {
        // SAFETY: the caller's contract: nobody else uses the words.
        unsafe { words::copy_in(built.words(), self.words(), size_of::<T>()) };
    }

    /// Checks the bits that a constructor left in place.
    pub(crate) fn settled(&self) -> Result<()> {
        fill::check_words::<T>(self.words())
    }
}

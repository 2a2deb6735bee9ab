//! Arrays of plain data.
//!
//! The invariants are those of the parent module.

use core::mem::size_of;

use super::{BadBits, CopyOf, Kind, Plain};
use crate::words::{WordSink, WordSource, put};

// SAFETY: C puts the elements of an array one behind the other without padding of its own, in `T`
// as in `T::Stored`, so each invariant of the element is that of the array; an array of
// nothing is refused where its kind is used.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {
    type Stored = [T::Stored; N];
    // A generic count cannot depend on the size, so that every bare array has four copies.
    type Copies = [CopyOf<[T::Stored; N]>; 4];
    const KIND: Kind = Kind::Array { of: &T::KIND, len: N };
    const SAME_LAYOUT: bool = T::SAME_LAYOUT;
    const DENSE: bool = T::DENSE;
    const ANY_BITS: bool = T::ANY_BITS;
    const ZERO_IS_VALUE: bool = T::ZERO_IS_VALUE;

    #[inline]
    fn store(&self, sink: &mut WordSink<'_>, at: usize) {
        if T::DENSE {
            return put(self, sink, at);
        }
        for (index, element) in self.iter().enumerate() {
            element.store(sink, at + index * size_of::<T::Stored>());
        }
    }

    #[inline]
    unsafe fn load(source: &mut WordSource<'_>, at: usize, into: *mut Self) {
        if T::SAME_LAYOUT {
            // SAFETY: The caller's contract.
            return source.take(at, unsafe { super::prims::bytes_of(into) });
        }
        let first = into.cast::<T>();
        for index in 0..N {
            let at = at + index * size_of::<T::Stored>();
            // SAFETY: The caller's contract: `index` is inside the array.
            unsafe { T::load(source, at, first.wrapping_add(index)) };
        }
    }

    #[inline]
    unsafe fn check(value: *const Self) -> Result<(), BadBits> {
        if T::ANY_BITS {
            return Ok(());
        }
        let first = value.cast::<T>();
        for index in 0..N {
            // SAFETY: The caller's contract: `index` is inside the array.
            unsafe { T::check(first.wrapping_add(index)) }.map_err(|bad| bad.at_index(index))?;
        }
        Ok(())
    }

    fn only_derive_may_implement() {}
}

//! Integers, floats, `bool` and `char`.
//!
//! The invariants are those of the parent module.

use core::mem::{MaybeUninit, size_of};
use core::slice;

use super::{BadBits, CopyOf, Kind, Plain, copies};
use crate::words::{WordSink, WordSource};

/// The image of an 8-byte scalar: little-endian, aligned to 8 also where the scalar is not.
#[repr(C, align(8))]
#[derive(Debug)]
pub struct Le64(#[allow(dead_code, reason = "bytes are reached through the cell's words")] [u8; 8]);

/// The image of a 16-byte integer: little-endian, aligned to 16 also where the integer is not.
#[repr(C, align(16))]
#[derive(Debug)]
pub struct Le128(
    #[allow(dead_code, reason = "bytes are reached through the cell's words")] [u8; 16],
);

/// The bytes of a private place that may be uninitialised.
///
/// # Safety
///
/// - `place` is valid for writes of a `T` during `'a`, and nothing else accesses it.
pub(super) unsafe fn bytes_of<'a, T>(place: *mut T) -> &'a mut [MaybeUninit<u8>] {
    // SAFETY: The caller's contract; uninitialised bytes are valid as `MaybeUninit<u8>`.
    unsafe { slice::from_raw_parts_mut(place.cast(), size_of::<T>()) }
}

macro_rules! scalars {
    ($($scalar:ty, $stored:ty, $kind:ident;)*) => {$(
        // SAFETY: One scalar whose image has the same size, no padding and any bits; `load`
        // writes all its bytes.
        unsafe impl Plain for $scalar {
            type Stored = $stored;
            type Copies = [CopyOf<$stored>; copies(size_of::<$stored>())];
            const KIND: Kind = Kind::$kind;
            const SAME_LAYOUT: bool = size_of::<$scalar>() == size_of::<$stored>();
            const DENSE: bool = Self::SAME_LAYOUT;
            const ANY_BITS: bool = true;
            const ZERO_IS_VALUE: bool = true;

            #[inline]
            fn store(&self, sink: &mut WordSink<'_>, at: usize) {
                sink.put(at, &self.to_le_bytes());
            }

            #[inline]
            unsafe fn load(source: &mut WordSource<'_>, at: usize, into: *mut Self) {
                // SAFETY: The caller's contract.
                source.take(at, unsafe { bytes_of(into) });
            }

            #[inline]
            unsafe fn check(_value: *const Self) -> Result<(), BadBits> {
                Ok(())
            }

            fn only_derive_may_implement() {}
        }
    )*};
}

scalars! {
    u8, u8, U8;
    u16, u16, U16;
    u32, u32, U32;
    u64, Le64, U64;
    i8, i8, I8;
    i16, i16, I16;
    i32, i32, I32;
    i64, Le64, I64;
    u128, Le128, U128;
    i128, Le128, I128;
    f32, u32, F32;
    f64, Le64, F64;
}

// SAFETY: One byte; `check` accepts exactly the two patterns that are a `bool`.
unsafe impl Plain for bool {
    type Stored = u8;
    type Copies = [CopyOf<u8>; copies(1)];
    const KIND: Kind = Kind::Bool;
    const SAME_LAYOUT: bool = true;
    const DENSE: bool = true;
    const ANY_BITS: bool = false;
    const ZERO_IS_VALUE: bool = true;

    #[inline]
    fn store(&self, sink: &mut WordSink<'_>, at: usize) {
        sink.put(at, &[u8::from(*self)]);
    }

    #[inline]
    unsafe fn load(source: &mut WordSource<'_>, at: usize, into: *mut Self) {
        // SAFETY: The caller's contract.
        source.take(at, unsafe { bytes_of(into) });
    }

    #[inline]
    unsafe fn check(value: *const Self) -> Result<(), BadBits> {
        // SAFETY: The caller's contract: one initialised byte, read as a byte and not as a bool.
        match unsafe { value.cast::<u8>().read() } {
            0 | 1 => Ok(()),
            found => Err(BadBits::new("bool", "0 or 1", i128::from(found))),
        }
    }

    fn only_derive_may_implement() {}
}

// SAFETY: Four bytes; `check` accepts exactly the patterns that are a `char`.
unsafe impl Plain for char {
    type Stored = u32;
    type Copies = [CopyOf<u32>; copies(4)];
    const KIND: Kind = Kind::Char;
    const SAME_LAYOUT: bool = true;
    const DENSE: bool = true;
    const ANY_BITS: bool = false;
    const ZERO_IS_VALUE: bool = true;

    #[inline]
    fn store(&self, sink: &mut WordSink<'_>, at: usize) {
        sink.put(at, &u32::from(*self).to_le_bytes());
    }

    #[inline]
    unsafe fn load(source: &mut WordSource<'_>, at: usize, into: *mut Self) {
        // SAFETY: The caller's contract.
        source.take(at, unsafe { bytes_of(into) });
    }

    #[inline]
    unsafe fn check(value: *const Self) -> Result<(), BadBits> {
        // SAFETY: The caller's contract: four initialised bytes, read as a number and not as a char.
        let found = unsafe { value.cast::<u32>().read() };
        match char::from_u32(found) {
            Some(_) => Ok(()),
            None => Err(BadBits::new("char", "a Unicode scalar value", i128::from(found))),
        }
    }

    fn only_derive_may_implement() {}
}

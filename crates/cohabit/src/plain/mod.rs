//! Plain data: what may be stored in a cell and copied out of it.
//!
//! A [`Plain`] type has a *canonical image*: C's layout with natural alignment (8-byte scalars at
//! multiples of 8 on every target, 16-byte ones at multiples of 16), little-endian, padding zero. Its
//! kind says where everything lies. Its twin [`Plain::Stored`] is a type of the image's size and
//! alignment everywhere, of which cells are built. On most targets `T` has the same layout and is
//! copied in one piece.
//!
//! An *appendable* struct has an image that is larger than what this program knows of it. Behind its
//! own fields is the *rest*: fields of newer programs, or zeros.
//!
//! # Invariants
//!
//! 1. `size_of::<T::Stored>()` is the canonical size of `T`, and it is not zero.
//! 2. `SAME_LAYOUT` is true only if every field has one offset in `T` and in the image, recursively,
//!    and `T` is as large as the image, or, with a rest, not larger.
//! 3. `DENSE` is true only if `SAME_LAYOUT` is and every byte of `T` belongs to a field.
//! 4. `ANY_BITS` is true only if every pattern of initialised bytes is a valid `T`.
//! 5. `load` writes every byte of every field, but for items behind the length of a list; `check`
//!    reads bytes that `load` wrote and returns `Ok` only if they are a valid `T`.
//! 6. `ZERO_IS_VALUE` is true only if an image of zeros is a valid `T`.
//! 7. `REST_FROM` is where the own fields of an appendable struct end, inside the image.

mod appended;
mod array;
mod bits;
mod copies;
mod kind;
mod layout;
mod list;
mod part;
mod prims;
mod signal;
mod text;
mod wide;

pub use appended::Appended;
pub use bits::BadBits;
pub(crate) use copies::Padded;
pub use copies::{APPENDED_MAX, Copies, CopyOf, Growing, copies, stride};
pub(crate) use copies::{copies_of_slice, stride_of_slice};
pub use kind::{EnumKind, Field, Kind, MAX_DEPTH, StructKind, Variant, has_zero};
pub use layout::{Align, Aligned, Image, Layout, ROOM_ALIGN, assert_described};
pub use list::{List, ListFull};
pub use part::Part;
pub use signal::Signal;
pub use text::{Text, TextError};
pub use wide::WideText;

use crate::words::{WordSink, WordSource, put};

/// Data that may be stored in shared memory and copied out of it.
///
/// Implemented for integers and floats of fixed width, `bool`, `char`, arrays, [`Text`], [`WideText`],
/// [`List`], and, by `#[plain]`, for enums without data and for structs of all these. It is not implemented for anything whose meaning depends on
/// the process (pointers, `usize`) or which owns something outside its own bytes.
///
/// # Safety
///
/// Only `#[plain]` and this crate implement it. The invariants 1 to 7 at the head of the module
/// hold, and the type needs no `Drop`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in shared memory as plain data",
    label = "not plain data",
    note = "for your own struct or enum: put `#[cohabit::plain]` on it",
    note = "instead of String or &str: `Text<N>`; instead of Vec<T>: `List<T, N>`",
    note = "instead of Duration or Instant: nanoseconds as u64; instead of a cell: the value itself",
    note = "instead of usize or isize: u64 or i64; instead of references and Box: the value itself",
    note = "an atomic is an object of its own: `Shared::<AtomicU64>`; here use the number and `update`"
)]
pub unsafe trait Plain: Sized + 'static {
    /// A type as large and as aligned as the canonical image, on every target.
    type Stored: 'static;

    /// The copies of which a `Value` of this type is built.
    type Copies: Copies<Self::Stored>;

    /// What this type is, for the schema.
    const KIND: Kind;

    /// The type's own layout is the canonical one, so that loads go word by word.
    const SAME_LAYOUT: bool;

    /// The layout is the canonical one and has no padding, so that stores go word by word.
    const DENSE: bool;

    /// Every bit pattern is a valid value, so that nothing needs to be checked.
    const ANY_BITS: bool;

    /// Zeros are a valid value, so that it can be read where nobody has written it yet.
    const ZERO_IS_VALUE: bool;

    /// Where the fields of newer programs begin in the image, if this is an appendable struct.
    const REST_FROM: Option<usize> = None;

    /// Writes the value field by field at `at`; padding is never read.
    fn store(&self, sink: &mut WordSink<'_>, at: usize);

    /// Writes the value at `at`: in one piece where it is dense, else field by field.
    #[doc(hidden)]
    #[inline]
    fn put(&self, sink: &mut WordSink<'_>, at: usize) {
        put(self, sink, at);
    }

    /// Writes every field of `into` from the bytes at `at`, and checks nothing.
    ///
    /// # Safety
    ///
    /// - `into` is valid for writes of a `Self`, and aligned.
    unsafe fn load(source: &mut WordSource<'_>, at: usize, into: *mut Self);

    /// Whether the bits of this private copy are a valid `Self`.
    ///
    /// # Errors
    ///
    /// The first field whose bits are not valid.
    ///
    /// # Safety
    ///
    /// - `value` is valid for reads of a `Self`, aligned, private, and every byte of every field
    ///   is initialised.
    unsafe fn check(value: *const Self) -> Result<(), BadBits>;

    /// Nobody else can name this, so nobody else can implement the trait by hand in good faith.
    #[doc(hidden)]
    fn only_derive_may_implement()
    where
        Self: Sized;
}

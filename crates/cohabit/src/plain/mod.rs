//! Plain data: what may be stored in a cell and copied out of it.
//!
//! A [`Plain`] type has a *canonical image*: C's layout with natural alignment (8-byte scalars at
//! multiples of 8 on every target), little-endian, padding zero. Its twin [`Plain::Stored`] is a
//! type whose own C layout is that image everywhere; offsets come from it and cells are built of
//! it. On most targets `T` has the same layout and is copied in one piece.
//!
//! # Invariants
//!
//! 1. `size_of::<T::Stored>()` is the canonical size of `T`, and it is not zero.
//! 2. `SAME_LAYOUT` is true only if `T` and `T::Stored` have one size and every field has one
//!    offset in both, recursively.
//! 3. `DENSE` is true only if `SAME_LAYOUT` is and every byte of `T` belongs to a field.
//! 4. `ANY_BITS` is true only if every pattern of initialised bytes is a valid `T`.
//! 5. `load` writes every byte of every field; `check` reads bytes that `load` wrote and returns
//!    `Ok` only if they are a valid `T`.

mod array;
mod bits;
mod copies;
mod kind;
mod part;
mod prims;
mod refusals;
mod text;

pub use bits::BadBits;
pub(crate) use copies::Padded;
pub use copies::{Copies, CopyOf, copies, stride};
pub(crate) use copies::{copies_of_slice, stride_of_slice};
pub use kind::{EnumKind, Field, Kind, MAX_DEPTH, StructKind, Variant};
pub use part::Part;
pub use prims::Le64;
pub use text::{Text, TextError};

use crate::words::{WordSink, WordSource};

/// Data that may be stored in shared memory and copied out of it.
///
/// Implemented for integers and floats of fixed width, `bool`, arrays, [`Text`], and, by
/// `#[plain]`, for structs of these. It is not implemented for anything whose meaning depends on
/// the process (pointers, `usize`) or which owns something outside its own bytes.
///
/// # Safety
///
/// Only `#[plain]` and this crate implement it. The invariants 1 to 5 at the head of the module
/// hold, and the type needs no `Drop`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in shared memory as plain data",
    label = "not plain data",
    note = "for your own struct: put `#[cohabit::plain]` on it",
    note = "instead of String or &str: `Text<N>`; instead of Vec<T>: `[T; N]`",
    note = "instead of usize or isize: u64 or i64; instead of references and Box: the value itself",
    note = "an atomic is an object of its own: `Shared::<AtomicU64>`; here use the number and `update`"
)]
pub unsafe trait Plain: Sized + 'static {
    /// The canonical image as a type: its C layout is the same on every target.
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

    /// Writes the value field by field at `at`; padding is never read.
    fn store(&self, sink: &mut WordSink<'_>, at: usize);

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

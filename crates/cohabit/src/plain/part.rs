//! Names for the parts of plain data.

use core::fmt;
use core::marker::PhantomData;
use core::mem::size_of;

use super::Plain;

/// A part of type `F` inside an `S`: a byte offset that knows its types.
///
/// `#[plain]` makes one for each field, under the field's name in upper case and with the field's
/// visibility: `MyData::X` is a `Part<MyData, i32>`.
pub struct Part<S: ?Sized, F> {
    offset: usize,
    types: PhantomData<fn(*const S) -> F>,
}

impl<S: ?Sized, F> Clone for Part<S, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: ?Sized, F> Copy for Part<S, F> {}

impl<S: ?Sized, F> PartialEq for Part<S, F> {
    fn eq(&self, other: &Self) -> bool {
        self.offset == other.offset
    }
}

impl<S: ?Sized, F> Eq for Part<S, F> {}

impl<S: ?Sized, F> fmt::Debug for Part<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("offset", &self.offset).finish()
    }
}

impl<S: ?Sized, F> Part<S, F> {
    /// The part at this byte offset of the canonical image.
    ///
    /// # Safety
    ///
    /// - The canonical image of `S` has an `F` at `offset`.
    #[doc(hidden)]
    pub const unsafe fn at_offset(offset: usize) -> Self {
        Self { offset, types: PhantomData }
    }

    /// The byte offset in the canonical image of `S`.
    pub const fn offset(self) -> usize {
        self.offset
    }

    /// The part `inner` of this part.
    #[must_use]
    pub const fn then<G>(self, inner: Part<F, G>) -> Part<S, G> {
        Part { offset: self.offset.saturating_add(inner.offset), types: PhantomData }
    }
}

impl<S: ?Sized, F: Plain> Part<S, F> {
    /// Whether it ends at or before byte `size` of the canonical image.
    pub(crate) const fn lies_within(self, size: usize) -> bool {
        match self.offset.checked_add(size_of::<F::Stored>()) {
            Some(end) => end <= size,
            None => false,
        }
    }
}

impl<E: Plain> Part<[E], E> {
    /// The element `index` of a slice. The slice's length is known only when the part is used: an
    /// index that is out of range is an error then.
    #[must_use]
    pub const fn element(index: usize) -> Part<[E], E> {
        // Where no address space has room for it, it lies behind the end of every slice.
        let offset = index.saturating_mul(size_of::<E::Stored>());
        Part { offset, types: PhantomData }
    }
}

impl<S: ?Sized, E: Plain, const N: usize> Part<S, [E; N]> {
    /// The element `index` of this part.
    ///
    /// # Panics
    ///
    /// If `index` is out of range, as indexing does.
    #[must_use]
    #[track_caller]
    pub const fn at(self, index: usize) -> Part<S, E> {
        assert!(index < N, "the index of a part is outside its array");
        let offset = self.offset.saturating_add(index * size_of::<E::Stored>());
        Part { offset, types: PhantomData }
    }
}

//! The canonical layout of structs, computed: C's rules with the alignments of [`Kind::align`].
//!
//! Offsets are not taken from a Rust type, since on some targets Rust aligns 8-byte scalars to 4.
//!
//! # Invariants
//!
//! 1. An [`Image`] has `SIZE` bytes, aligned to `ALIGN`, wherever `SIZE` is a multiple of `ALIGN`.

use super::prims::{Le64, Le128};
use super::{Kind, Plain};

/// The alignment of an appendable struct: the largest that a field can need, so that every field can
/// be appended without moving to another alignment.
pub const ROOM_ALIGN: usize = 16;

/// Where the fields of a struct lie in its canonical image.
#[derive(Debug, Clone, Copy)]
pub struct Layout<const N: usize> {
    /// The offset of each field.
    pub at: [usize; N],
    /// Where the last field ends.
    pub end: usize,
    /// The size, with the padding behind the last field.
    pub size: usize,
    /// The alignment.
    pub align: usize,
}

impl<const N: usize> Layout<N> {
    /// The layout of a struct of these fields.
    pub const fn of(fields: [Kind; N]) -> Self {
        let mut layout = Self { at: [0; N], end: 0, size: 0, align: 1 };
        let mut index = 0;
        while index < N {
            let align = fields[index].align();
            layout.at[index] = layout.end.next_multiple_of(align);
            layout.end = layout.at[index] + fields[index].size();
            if align > layout.align {
                layout.align = align;
            }
            index += 1;
        }
        layout.size = layout.end.next_multiple_of(layout.align);
        layout
    }
}

/// So many bytes with this alignment.
#[repr(C)]
#[derive(Debug)]
pub struct Image<const SIZE: usize, const ALIGN: usize>
where
    Align<ALIGN>: Aligned,
{
    align: [<Align<ALIGN> as Aligned>::Type; 0],
    bytes: [u8; SIZE],
}

/// An alignment, to name a type that has it.
#[derive(Debug)]
pub struct Align<const ALIGN: usize>;

/// Something that a type can be aligned to.
pub trait Aligned {
    /// A type with this alignment on every target.
    type Type: core::fmt::Debug + 'static;
}

macro_rules! aligned {
    ($($align:literal: $ty:ty),*) => {$(
        impl Aligned for Align<$align> {
            type Type = $ty;
        }
    )*};
}
aligned!(1: u8, 2: u16, 4: u32, 8: Le64, 16: Le128);

/// Stops the compilation if a type and its kind do not fit each other, or no peer could read its schema.
pub const fn assert_described<T: Plain>() {
    assert!(size_of::<T::Stored>() == T::KIND.size(), "the image is as large as the kind says");
    assert!(align_of::<T::Stored>() == T::KIND.align(), "the image is aligned as the kind says");
    T::KIND.assert_shareable();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_where_c_puts_them() {
        let layout = Layout::of([Kind::U8, Kind::U64, Kind::Bool, Kind::U128, Kind::U16]);
        assert_eq!(layout.at, [0, 8, 16, 32, 48]);
        assert_eq!((layout.end, layout.size, layout.align), (50, 64, 16));
        let layout = Layout::of([Kind::Text { len: 3 }, Kind::WideText { len: 2 }]);
        assert_eq!((layout.at, layout.end, layout.size), ([0, 4], 8, 8));
    }

    #[test]
    fn an_image_is_as_large_and_aligned_as_it_says() {
        assert_eq!((size_of::<Image<3, 1>>(), align_of::<Image<3, 1>>()), (3, 1));
        assert_eq!((size_of::<Image<24, 8>>(), align_of::<Image<24, 8>>()), (24, 8));
        assert_eq!((size_of::<Image<48, 16>>(), align_of::<Image<48, 16>>()), (48, 16));
    }
}

//! `Appended<T>`: a value that may be missing, as a field that older programs do not know is.
//!
//! # Invariants
//!
//! 1. `present` is 0 or 1, and where it is 1, `value` is initialised and valid. It holds wherever safe
//!    code has an `Appended`: one that came out of shared memory was checked before.

use core::fmt;
use core::mem::{MaybeUninit, offset_of, size_of};

use super::{BadBits, CopyOf, Field, Kind, Plain, StructKind};
use crate::words::{WordSink, WordSource};

/// A value, or none: a field of an appendable struct that tells "not written yet" from zero.
///
/// Where the object was made by an older program, and no newer one has written the field, it is `None`.
///
/// ```
/// use cohabit::{Appended, plain};
///
/// #[plain(appendable)]
/// #[derive(Default)]
/// struct Status { rpm: u32, limit: Appended<u32> }
///
/// let mut status = Status::default();
/// assert_eq!(status.limit.get(), None);
/// status.limit = 7.into();
/// assert_eq!(status.limit.get(), Some(7));
/// ```
#[repr(C)]
pub struct Appended<T> {
    present: u8,
    value: MaybeUninit<T>,
}

impl<T: Plain> Appended<T> {
    /// No value.
    pub const NONE: Self = Self { present: 0, value: MaybeUninit::uninit() };

    /// This value.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self { present: 1, value: MaybeUninit::new(value) }
    }

    /// A copy of the value, if there is one.
    pub fn get(&self) -> Option<T>
    where
        T: Clone,
    {
        self.as_ref().cloned()
    }

    /// The value, if there is one.
    pub const fn as_ref(&self) -> Option<&T> {
        if self.present == 0 {
            return None;
        }
        // SAFETY: invariant 1.
        Some(unsafe { self.value.assume_init_ref() })
    }

    /// The value, if there is one, to change it.
    pub const fn as_mut(&mut self) -> Option<&mut T> {
        if self.present == 0 {
            return None;
        }
        // SAFETY: invariant 1.
        Some(unsafe { self.value.assume_init_mut() })
    }

    /// The value itself, if there is one.
    pub fn into_option(self) -> Option<T> {
        // SAFETY: invariant 1.
        (self.present != 0).then(|| unsafe { self.value.assume_init() })
    }
}

impl<T: Plain> From<T> for Appended<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Plain> From<Option<T>> for Appended<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::NONE, Self::new)
    }
}

impl<T: Plain> From<Appended<T>> for Option<T> {
    fn from(value: Appended<T>) -> Self {
        value.into_option()
    }
}

impl<T: Plain> Default for Appended<T> {
    fn default() -> Self {
        Self::NONE
    }
}

impl<T: Plain + Clone> Clone for Appended<T> {
    fn clone(&self) -> Self {
        self.get().into()
    }
}

impl<T: Plain + Copy> Copy for Appended<T> {}

impl<T: Plain + PartialEq> PartialEq for Appended<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl<T: Plain + Eq> Eq for Appended<T> {}

impl<T: Plain + fmt::Debug> fmt::Debug for Appended<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// Where the value is.
fn value_of<T>(whole: *const Appended<T>) -> *const T {
    whole.wrapping_byte_add(offset_of!(Appended<T>, value)).cast()
}

/// The image of a value that may be missing, by C's rules.
#[repr(C)]
#[derive(Debug)]
pub struct AppendedImage<S> {
    present: u8,
    value: S,
}

// SAFETY: `repr(C)` on both types, whose fields lie where the kind says; `check` accepts only what is
// invariant 1 of this module.
unsafe impl<T: Plain> Plain for Appended<T> {
    type Stored = AppendedImage<T::Stored>;
    // A generic count cannot depend on the size, so that every bare one has four copies.
    type Copies = [CopyOf<Self::Stored>; 4];
    const KIND: Kind = Kind::Struct(&StructKind {
        name: "Appended",
        size: size_of::<Self::Stored>(),
        align: align_of::<Self::Stored>(),
        appendable: false,
        fields: &[
            Field { name: "present", was: None, at: 0, kind: Kind::Bool },
            Field {
                name: "value",
                was: None,
                at: offset_of!(AppendedImage<T::Stored>, value),
                kind: T::KIND,
            },
        ],
    });
    const SAME_LAYOUT: bool = T::SAME_LAYOUT
        && size_of::<Self>() == size_of::<Self::Stored>()
        && offset_of!(Self, value) == offset_of!(AppendedImage<T::Stored>, value);
    // A missing value has no bytes.
    const DENSE: bool = false;
    const ANY_BITS: bool = false;
    const ZERO_IS_VALUE: bool = true;

    fn store(&self, sink: &mut WordSink<'_>, at: usize) {
        self.present.store(sink, at);
        if let Some(value) = self.as_ref() {
            value.put(sink, at + const { offset_of!(AppendedImage<T::Stored>, value) });
        }
    }

    unsafe fn load(source: &mut WordSource<'_>, at: usize, into: *mut Self) {
        // SAFETY: the caller's contract: `present` is the first field.
        unsafe { u8::load(source, at, into.cast()) };
        let at = at + const { offset_of!(AppendedImage<T::Stored>, value) };
        // SAFETY: the caller's contract, for a field of the whole.
        unsafe { T::load(source, at, value_of(into).cast_mut()) };
    }

    unsafe fn check(value: *const Self) -> Result<(), BadBits> {
        // SAFETY: the caller's contract: `present` is the first field.
        let present = unsafe { value.cast::<u8>().read() };
        match present {
            0 => Ok(()),
            1 => {
                // SAFETY: the caller's contract, for a field of the whole.
                let checked = unsafe { T::check(value_of(value)) };
                checked.map_err(|bad| bad.in_field("value"))
            }
            found => {
                let bad = BadBits::new("bool", "0 or 1", i128::from(found));
                Err(bad.in_field("present"))
            }
        }
    }

    fn only_derive_may_implement() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_an_option() {
        let mut value = Appended::new(7_u32);
        assert_eq!((value.get(), value.into_option()), (Some(7), Some(7)));
        if let Some(inner) = value.as_mut() {
            *inner += 1;
        }
        assert_eq!(value, Some(8).into());
        assert_eq!(format!("{value:?} {:?}", Appended::<u8>::NONE), "Some(8) None");
        assert_eq!(Option::from(Appended::<u64>::default()), None::<u64>);
    }
}

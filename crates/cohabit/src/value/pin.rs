//! Pinning: holding on to one committed copy, so that it can be read in place and in peace.
//!
//! The protocol is in [`super::pins`]; this file turns a pinned copy into values.

use std::fmt;
use std::mem::MaybeUninit;
use std::sync::atomic::AtomicU64;

use super::cell::CellWords;
use super::pins::PinnedCopy;
use super::{Contents, Value, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::plain::{Part, Plain};
use crate::words;

/// One committed version of a value, held in place: no writer touches it, and none waits for it.
///
/// Made by [`Value::pin`]. Parts are read by checked copies; no reference to shared bytes is given.
///
/// # If a peer dies
/// Nothing changes. If this process dies, the pin is taken away when pins run out.
pub struct Pinned<'a, T: Contents + ?Sized> {
    value: &'a Value<T>,
    copy: PinnedCopy<'a>,
}

impl<'a, T: Contents + ?Sized> Pinned<'a, T> {
    pub(super) fn new(value: &'a Value<T>, copy: PinnedCopy<'a>) -> Self {
        Self { value, copy }
    }

    /// Which version this is.
    pub fn version(&self) -> Version {
        Version(self.copy.version())
    }

    fn part<F: Plain>(&self, words: &[AtomicU64], at: usize) -> Result<F> {
        super::assert_small::<F>();
        if !self.copy.site().is_here() {
            let detail = "this process was forked from the one that holds the pin";
            return Err(self.copy.site().name(Error::new(ErrorKind::Forked, "", detail)));
        }
        let mut into = MaybeUninit::<F>::uninit();
        // SAFETY: `into` is ours, aligned and large enough.
        unsafe { words::load_part(words, at, into.as_mut_ptr()) };
        super::checked(into).map_err(|error| self.copy.site().name(error))
    }
}

impl<T: Plain> Pinned<'_, T> {
    /// A copy of one part.
    ///
    /// # Errors
    /// `BadBits` when a peer wrote bits that are no value of the part's type; `Forked`.
    pub fn get_part<F: Plain>(&self, part: Part<T, F>) -> Result<F> {
        self.part(self.value.data(self.copy.index()), part.offset())
    }
}

impl<T: Plain> Pinned<'_, [T]> {
    /// A copy of one element, [`Part::element`], or of a part of one.
    ///
    /// # Errors
    /// `OutOfRange`; `BadBits` when a peer wrote bits that are no value of the part's type; `Forked`.
    pub fn get_part<F: Plain>(&self, part: Part<[T], F>) -> Result<F> {
        let site = self.copy.site();
        super::slice::check_part(self.value, part).map_err(|error| site.name(error))?;
        self.part(self.value.data(self.copy.index()), part.offset())
    }
}

impl<T: Contents + ?Sized> fmt::Debug for Pinned<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").field("version", &self.version()).finish_non_exhaustive()
    }
}

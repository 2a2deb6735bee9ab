//! `Frozen<T>`: what the constructor writes, and nobody after it.

use std::fmt;
use std::sync::atomic::AtomicU64;

use super::bytes::{self, Bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::plain::{Part, Plain};
use crate::site::Site;
use crate::value::{assert_small, fill};
use crate::words;

/// Plain data that the constructor of an object wrote, for everyone to read: limits, a name, a table.
///
/// No call writes it once the object is constructed, and so there is no version, no lock and one copy only: it takes the bytes of
/// `T`, rounded up to whole words. It is read by checked copy, since a hostile peer may write what it
/// likes: then reading gives a wrong value, or `BadBits`, and nothing worse.
///
/// By itself, outside of an object, every call is [`NotShared`](crate::ErrorKind::NotShared), as on a
/// [`Value`](crate::Value).
///
/// # If a peer dies
/// Nothing changes.
#[repr(transparent)]
pub struct Frozen<T: Plain> {
    bytes: Bytes<T>,
}

impl<T: Plain> Frozen<T> {
    /// Data to build an object of.
    pub fn new(value: T) -> Self {
        assert_small::<T>();
        Self::from_ref(&value)
    }

    /// A copy of data that is too large to be passed by value.
    pub fn from_ref(value: &T) -> Self {
        Self { bytes: Bytes::new(value) }
    }

    /// The words, for whoever is known to be in an object.
    #[inline(always)]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        self.bytes.words()
    }

    /// Writes the contents, in the constructor.
    pub(crate) fn put(&self, value: &T) {
        words::store_by_word(value, self.words());
    }

    /// Checks the bits that a constructor left in place.
    pub(crate) fn settled(&self) -> Result<()> {
        fill::check_words::<T>(self.words())
    }

    /// Makes a new, zeroed cell of one that was built in private memory.
    ///
    /// # Safety
    /// - As for [`Shareable::plant`](crate::Shareable::plant).
    pub(crate) unsafe fn plant_from(&self, built: &Self) {
        // SAFETY: the caller's contract: nobody else uses the words.
        unsafe { words::copy_in(built.words(), self.words(), size_of::<T::Stored>()) };
    }

    #[inline(always)]
    fn site(&self) -> Result<Site> {
        Site::of(std::ptr::from_ref(self).addr())
    }

    /// Writes the contents while the object is constructed in place: see
    /// [`Options::open_or_create_in_place`](crate::Options::open_or_create_in_place).
    ///
    /// # Errors
    /// `Frozen` when the object is constructed; `Forked`, `NotShared`.
    pub fn fill(&self, value: T) -> Result<()> {
        assert_small::<T>();
        self.fill_from(&value)
    }

    /// The same for a large T, from where it is.
    ///
    /// # Errors
    /// As [`Frozen::fill`].
    pub fn fill_from(&self, value: &T) -> Result<()> {
        self.check_building()?;
        self.put(value);
        Ok(())
    }

    /// Writes one part of the contents; what is not written is zero.
    ///
    /// # Errors
    /// As [`Frozen::fill`].
    pub fn fill_part<F: Plain>(&self, part: Part<T, F>, value: F) -> Result<()> {
        assert_small::<F>();
        self.check_building()?;
        words::store_part(&value, self.words(), part.offset());
        Ok(())
    }

    /// Refuses everyone but the constructor.
    fn check_building(&self) -> Result<()> {
        let member = self.site()?.member()?;
        if member.is_building() {
            return Ok(());
        }
        let detail = "the object is constructed, and this part of it is frozen since";
        Err(Error::new(ErrorKind::Frozen, &member.segment.name, detail))
    }

    /// The value.
    ///
    /// # Errors
    /// `BadBits` when a peer broke the rules; `Forked`, `NotShared`.
    #[inline]
    pub fn get(&self) -> Result<T> {
        let site = self.site()?;
        bytes::get(self.words(), words::load).map_err(|error| site.name(error))
    }

    /// Copies the value into `into`: for a large T.
    ///
    /// # Errors
    /// As [`Frozen::get`]; `into` then holds some value of its type, which nobody may have written.
    pub fn get_into(&self, into: &mut T) -> Result<()> {
        let site = self.site()?;
        bytes::get_into(self.words(), words::load, into).map_err(|error| site.name(error))
    }

    /// The value on the heap, without a copy of it on the stack.
    ///
    /// # Errors
    /// As [`Frozen::get`].
    pub fn get_boxed(&self) -> Result<Box<T>> {
        let site = self.site()?;
        bytes::get_boxed(self.words(), words::load).map_err(|error| site.name(error))
    }

    /// One part of the value: only its bytes are copied.
    ///
    /// # Errors
    /// As [`Frozen::get`].
    #[inline]
    pub fn get_part<F: Plain>(&self, part: Part<T, F>) -> Result<F> {
        let site = self.site()?;
        bytes::get_part(self.words(), part).map_err(|error| site.name(error))
    }
}

impl<T: Plain + Default> Default for Frozen<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Plain> fmt::Debug for Frozen<T> {
    /// The type only: the value may not be read without saying what happens if it cannot be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frozen").finish_non_exhaustive()
    }
}

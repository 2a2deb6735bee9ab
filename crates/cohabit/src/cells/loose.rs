//! `Loose<T>`: plain data without any order between its fields, none of which tears.
//!
//! Everyone reads and writes whole words, with relaxed loads and stores. A part that is narrower than
//! its word goes in by compare-exchange on that word, so that its neighbours, which others store at the
//! same time, are never set back: one width for every word, by everyone.
//!
//! Killed between two words of a store, the words before are stored and the others are not; no lock is
//! held, so nobody waits.

use std::fmt;
use std::sync::atomic::AtomicU64;

use super::bytes::{self, Bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::plain::{Part, Plain};
use crate::site::Site;
use crate::value::{assert_small, fill};
use crate::words::{self, Stored};

/// Plain data that several processes read and write as they like, field by field, without a lock.
///
/// For those who bring their own order, as with a plain struct in shared memory, but sound:
/// - a number, bool or char of at most 8 bytes is never torn: reading gives a value that somebody
///   stored, whole;
/// - what is larger (a 128-bit number, a text, an array, a struct) may be seen half stored, but each
///   aligned 8 bytes of it, and each small field in it, are whole. A length or the presence of a value may
///   be seen before the elements or the value, which are zero then: of a [`List`](crate::List) or
///   [`Appended`](crate::Appended) of an enum without a variant 0, that is `BadBits`;
/// - there is no order between two fields, as seen by others: all is relaxed. Who needs one, takes a
///   [`Value`](crate::Value), or stores an atomic with `Release` behind the fields, and loads it with
///   `Acquire` in front of them;
/// - storing a part leaves all around it as it is, also what others store there at the same time.
///
/// It takes the bytes of `T`, rounded up to whole words. By itself, outside of an object, every call
/// is [`NotShared`](ErrorKind::NotShared), as on a [`Value`](crate::Value).
///
/// # If a peer dies
/// Words that it had stored are stored, the others are not. It held nothing that others wait for.
///
/// # Examples
/// ```no_run
/// use cohabit::{Loose, Shared, plain};
///
/// #[plain]
/// struct Dials { speed: f32, gear: u8, lamp: bool }
///
/// let dials = Shared::<Loose<Dials>>::open_or_create("dials", || {
///     Loose::new(Dials { speed: 0.0, gear: 0, lamp: false })
/// })?;
/// dials.store_part(Dials::GEAR, 3)?;
/// let speed = dials.load_part(Dials::SPEED)?;
/// # let _ = speed;
/// # Ok::<(), cohabit::Error>(())
/// ```
#[repr(transparent)]
pub struct Loose<T: Plain> {
    bytes: Bytes<T>,
}

impl<T: Plain> Loose<T> {
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

    /// Writes the first contents, in the constructor.
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

    /// All fields, each of them whole.
    ///
    /// # Errors
    /// `BadBits` when a peer broke the rules, or a list was seen half stored whose elements cannot be zero;
    /// `Forked`, `NotShared`.
    #[inline]
    pub fn load(&self) -> Result<T> {
        let site = self.site()?;
        bytes::get(self.words(), words::load_by_word).map_err(|error| site.name(error))
    }

    /// Copies all fields into `into`: for a large T.
    ///
    /// # Errors
    /// As [`Loose::load`]; `into` then holds some value of its type, which nobody may have written.
    pub fn load_into(&self, into: &mut T) -> Result<()> {
        let site = self.site()?;
        bytes::get_into(self.words(), words::load_by_word, into).map_err(|error| site.name(error))
    }

    /// One part: only its words are loaded.
    ///
    /// # Errors
    /// As [`Loose::load`].
    #[inline]
    pub fn load_part<F: Plain>(&self, part: Part<T, F>) -> Result<F> {
        let site = self.site()?;
        bytes::get_part(self.words(), part).map_err(|error| site.name(error))
    }

    /// Stores all fields. When two store at once, some fields are one's and some the other's.
    ///
    /// # Errors
    /// `Forked`, `NotShared`.
    #[inline]
    pub fn store(&self, value: T) -> Result<()> {
        assert_small::<T>();
        self.store_from(&value)
    }

    /// Stores all fields from where they are: for a large T.
    ///
    /// # Errors
    /// As [`Loose::store`].
    #[inline]
    pub fn store_from(&self, value: &T) -> Result<()> {
        self.site()?;
        words::store_by_word(value, self.words());
        Ok(())
    }

    /// Stores one part, and leaves all around it as it is.
    ///
    /// # Errors
    /// `Busy` when others changed a neighbour in the same word a million times in a row, which needs
    /// a peer that means harm: of a part larger than a word, some words are stored then. `Forked`,
    /// `NotShared`.
    #[inline]
    pub fn store_part<F: Plain>(&self, part: Part<T, F>, value: F) -> Result<()> {
        assert_small::<F>();
        let site = self.site()?;
        match words::merge_part(&value, self.words(), part.offset()) {
            Stored::Whole => Ok(()),
            Stored::Outrun => Err(site.name(outrun())),
        }
    }
}

#[cold]
fn outrun() -> Error {
    let detail = "the fields beside this one changed a million times while it was stored";
    Error::new(ErrorKind::Busy, "", detail)
}

impl<T: Plain + Default> Default for Loose<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Plain> fmt::Debug for Loose<T> {
    /// The type only: the value may not be read without saying what happens if it cannot be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loose").finish_non_exhaustive()
    }
}

//! How a new object is built, in its place.

use std::error::Error as StdError;

use crate::cells::{Frozen, Loose};
use crate::error::{Error, ErrorKind, Result};
use crate::plain::Plain;
use crate::segment::Segment;
use crate::shareable::Shareable;
use crate::sync::{Mutex, RwLock};
use crate::table;
use crate::token::Token;
use crate::value::fill::Filled;
use crate::value::{Contents, Value, fill, slice};

/// What a constructor may return for a `Self`: the object (of at most 256 KiB: a larger one is refused
/// when the program is built), for a cell of plain data its contents, either of them in a `Box`, or a
/// `Result` of any of these.
///
/// A [`Place`] is borrowed while the object is built, and cannot be kept for later:
///
/// ```compile_fail,E0521
/// # use std::cell::RefCell;
/// # use std::sync::atomic::AtomicU64;
/// # use cohabit::{Build, Place, Result};
/// thread_local! {
///     static KEPT: RefCell<Option<Place<'static, AtomicU64>>> = const { RefCell::new(None) };
/// }
/// struct Mine;
/// impl Build<Mine> for AtomicU64 {
///     fn build(_: Mine, place: Place<'_, Self>) -> Result<()> {
///         KEPT.set(Some(place)); // without this line it compiles
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a constructor of `{Self}` cannot return `{I}`",
    label = "not what the object is built of",
    note = "it returns the object, or of a cell what it holds, either of them in a Box, or a Result of these",
    note = "of a slice of cells it returns a Vec of them, of a `Value<[T]>` a Vec of its elements",
    note = "an object that ends in a slice is built where it stands: `Options::open_or_create_in_place`"
)]
pub trait Build<I>: Shareable {
    /// Puts what the constructor returned into the new, zeroed object.
    #[doc(hidden)]
    fn build(input: I, place: Place<'_, Self>) -> Result<()>;
}

/// Where a new object is to be built; zeroed, and used by nobody who follows the protocol. It cannot
/// be kept: the borrow ends with the building.
#[derive(Debug)]
pub struct Place<'a, T: ?Sized> {
    object: *mut T,
    segment: &'a Segment,
}

impl<'a, T: Shareable + ?Sized> Place<'a, T> {
    pub(crate) fn in_segment(segment: &'a Segment) -> Self {
        Self { object: T::from_parts(segment.object(), segment.tail_len()), segment }
    }

    /// Refuses a child that was forked inside the constructor: the object is its parent's to finish.
    fn check_here(&self) -> Result<()> {
        if is_creator(self.object.addr()) {
            return Ok(());
        }
        let detail =
            "the constructor forked, and this is the child: the parent finishes the object";
        Err(Error::new(ErrorKind::Forked, &self.segment.name, detail))
    }

    /// The new object, for cells that are written through atomics.
    pub(crate) fn cell(&self) -> Result<&T> {
        self.check_here()?;
        // SAFETY: the creator's mapping holds a whole T here, as long as `segment` is borrowed; any
        // bits are a T (contract of Shareable).
        Ok(unsafe { &*self.object })
    }

    /// Builds by `build`, which uses the new, zeroed object as everyone will.
    pub(crate) fn in_place<R: Filled>(self, build: impl FnOnce(&T) -> R) -> Result<()> {
        let outcome = build(self.cell()?).outcome();
        let object = self.cell()?;
        outcome.map_err(fill::failed)?;
        object.settle()
    }
}

impl<T: Shareable> Place<'_, T> {
    /// Copies a whole T in.
    fn write(&self, value: &T) -> Result<()> {
        let place = self.cell()?;
        // SAFETY: `value` was built in private memory; a Place is new, zeroed and not yet LIVE.
        unsafe { value.plant(place) };
        Ok(())
    }
}

/// Whether this process is the one that creates the object at an address, not a child of it.
pub(crate) fn is_creator(object: usize) -> bool {
    table::token_at(object) == Token::FIRST.word()
}

/// The largest object that a constructor may return by value, in bytes: some of it must fit a stack.
const BY_VALUE_MAX: usize = 256 * 1024;

impl<T: Shareable> Build<T> for T {
    fn build(input: T, place: Place<'_, T>) -> Result<()> {
        const {
            assert!(
                size_of::<T>() <= BY_VALUE_MAX,
                "the object is over 256 KiB: construct it in place, with open_or_create_in_place"
            );
        }
        place.write(&input)
    }
}

impl<T: Shareable> Build<Box<T>> for T {
    fn build(input: Box<T>, place: Place<'_, T>) -> Result<()> {
        place.write(&input)
    }
}

/// Declares how a cell is built of its contents.
macro_rules! build_of_contents {
    ($($cell:ident, $store:path;)*) => {$(
        impl<T: Plain> Build<T> for $cell<T> {
            fn build(input: T, place: Place<'_, Self>) -> Result<()> {
                crate::value::assert_small::<T>();
                $store(place.cell()?, &input);
                Ok(())
            }
        }

        impl<T: Plain> Build<Box<T>> for $cell<T> {
            fn build(input: Box<T>, place: Place<'_, Self>) -> Result<()> {
                $store(place.cell()?, &*input);
                Ok(())
            }
        }
    )*};
}
build_of_contents! {
    Value, fill::from_value;
    Frozen, Frozen::put;
    Loose, Loose::put;
    Mutex, Mutex::put;
    RwLock, RwLock::put;
}

impl<T: Plain> Build<Vec<T>> for Value<[T]> {
    fn build(input: Vec<T>, place: Place<'_, Self>) -> Result<()> {
        Self::build(input.into_boxed_slice(), place)
    }
}

impl<T: Plain> Build<Box<[T]>> for Value<[T]> {
    fn build(input: Box<[T]>, place: Place<'_, Self>) -> Result<()> {
        let cell = place.cell()?;
        slice::fill_from(cell, &input)?;
        cell.settle()
    }
}

impl<C: Shareable> Build<Vec<C>> for [C] {
    fn build(input: Vec<C>, place: Place<'_, Self>) -> Result<()> {
        let cells = place.cell()?;
        slice::check_len(cells.len(), input.len())?;
        // SAFETY: `input` was built in private memory; a Place is new, zeroed and not yet LIVE.
        unsafe { input.plant(cells) };
        Ok(())
    }
}

/// Of this, every object could be built, if there were one. Without it, a type that no constructor can
/// return would have `Result` as its only way, and the compiler would lose itself in Results of Results
/// where it now says what is wrong.
#[doc(hidden)]
#[derive(Debug)]
pub enum Nothing {}

impl<T: Shareable + ?Sized> Build<Nothing> for T {
    fn build(input: Nothing, _place: Place<'_, T>) -> Result<()> {
        match input {}
    }
}

impl<T, I, E> Build<Result<I, E>> for T
where
    T: Build<I> + ?Sized,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    fn build(input: Result<I, E>, place: Place<'_, T>) -> Result<()> {
        T::build(input.map_err(|error| fill::failed(error.into()))?, place)
    }
}

/// Runs a filling constructor in place.
pub(crate) fn build_in_place<T: Contents + ?Sized, R: Filled>(
    fill: impl FnOnce(&mut fill::Fill<'_, T>) -> R,
    place: Place<'_, Value<T>>,
) -> Result<()>
where
    Value<T>: Shareable,
{
    let outcome = fill::parts(place.cell()?, fill);
    let cell = place.cell()?;
    outcome?;
    cell.settle()
}

//! Building a value in place: parts are written into zeroed words, never through `&mut T`.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cell::{CellWords, Commit};
use super::{Contents, Value, slice};
use crate::build::is_creator;
use crate::error::{Error, ErrorKind, Result};
use crate::plain::{Part, Plain};
use crate::words;

/// Writes the parts of a new value. What is not written is zero.
///
/// # Examples
/// ```no_run
/// use cohabit::{SharedValue, plain};
///
/// #[plain]
/// struct Map { width: u32, cells: [f32; 4_000_000] }
///
/// let map = SharedValue::<Map>::open_or_create_with("map", |fill| {
///     fill.put(Map::WIDTH, 2000);
///     fill.put(Map::CELLS.at(7), 1.5);
/// })?;
/// # Ok::<(), cohabit::Error>(())
/// ```
pub struct Fill<'a, T: ?Sized> {
    words: &'a [AtomicU64],
    /// Canonical bytes: what lies behind them in the last word stays zero.
    size: usize,
    of: PhantomData<fn(&T)>,
}

impl<T: ?Sized> Fill<'_, T> {
    /// Writes one part.
    ///
    /// # Panics
    /// If the part lies outside of a slice, as indexing does.
    pub fn put<F: Plain>(&mut self, part: Part<T, F>, value: F) {
        self.put_from(part, &value);
    }

    /// Writes one part from where it is: for a large one.
    ///
    /// # Panics
    /// As [`Fill::put`].
    pub fn put_from<F: Plain>(&mut self, part: Part<T, F>, value: &F) {
        assert!(part.lies_within(self.size), "a part must lie inside its value");
        // A child that was forked in here writes nothing: the object is its parent's.
        if is_creator(self.words.as_ptr().addr()) {
            words::store_part(value, self.words, part.offset());
        }
    }
}

impl<T: ?Sized> fmt::Debug for Fill<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fill")
    }
}

/// What a filling closure may return: nothing, or a Result, whatever is in its Ok.
pub trait Filled {
    /// The constructor's own error, if it had one.
    #[doc(hidden)]
    fn outcome(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

impl Filled for () {
    fn outcome(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> Filled for Result<T, E> {
    fn outcome(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.map(drop).map_err(Into::into)
    }
}

/// Fills copy 0 of a zeroed cell from a whole value, and makes it version 1.
pub(crate) fn from_value<T: Plain>(cell: &Value<T>, value: &T) {
    words::store(value, cell.data(0));
    finish(cell);
}

/// Fills copy 0 of a zeroed cell by parts.
pub(crate) fn parts<T: Contents + ?Sized, R: Filled>(
    cell: &Value<T>,
    fill: impl FnOnce(&mut Fill<'_, T>) -> R,
) -> Result<()> {
    let (words, size) = T::first_copy(cell);
    let outcome = fill(&mut Fill { words, size, of: PhantomData }).outcome();
    outcome.map_err(failed)
}

/// Checks the bits of what was filled by parts, and makes it version 1.
fn finish_parts<T: Plain>(cell: &Value<T>) -> Result<()> {
    check_words::<T>(cell.data(0))?;
    finish(cell);
    Ok(())
}

/// The constructor's own error, wrapped.
pub(crate) fn failed(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let detail = format!("the constructor failed: {source}");
    Error::new(ErrorKind::ConstructorFailed, "", detail).with_source(source)
}

/// Whether what a constructor left is a value.
pub(crate) fn check_words<T: Plain>(words: &[AtomicU64]) -> Result<()> {
    if T::ANY_BITS {
        return Ok(());
    }
    let mut copy = Box::<T>::new_uninit();
    // SAFETY: `copy` is ours, aligned and as large as a T.
    unsafe { words::load(words, copy.as_mut_ptr()) };
    // SAFETY: the copy is private, aligned and loaded: every byte of every field is written.
    unsafe { T::check(copy.as_ptr()) }.map_err(|bad| {
        let detail = format!("what the constructor left is no value: {bad}");
        Error::new(ErrorKind::ConstructorIncomplete, "", detail)
    })
}

/// If the constructor has not set the value, its zero becomes version 1.
pub(crate) fn settle<T: Plain>(cell: &Value<T>) -> Result<()> {
    if is_set(cell) { Ok(()) } else { finish_parts(cell) }
}

/// The same for a value of run-time length.
pub(crate) fn settle_slice<T: Plain>(cell: &Value<[T]>) -> Result<()> {
    if is_set(cell) {
        return Ok(());
    }
    slice::check_first(cell)?;
    finish(cell);
    Ok(())
}

/// Whether the constructor set a version of its own; one that only waited left its mark.
fn is_set(cell: &(impl CellWords + ?Sized)) -> bool {
    Commit(cell.commit().load(Ordering::Relaxed)).version() != 0
}

/// Makes a new, zeroed cell of one that was built in private memory, whose value is all that it has.
///
/// # Safety
/// - As for [`Shareable::plant`](crate::Shareable::plant).
pub(crate) unsafe fn from_cell<T: Plain>(cell: &Value<T>, built: &Value<T>) {
    // SAFETY: the caller's contract: nobody else uses the words.
    unsafe { words::copy_in(built.data(0), cell.data(0), size_of::<T::Stored>()) };
    finish(cell);
}

/// Relaxed throughout: LIVE, stored with Release after the constructor, publishes it all.
fn finish(cell: &(impl CellWords + ?Sized)) {
    cell.stamp(0).store(Commit::FIRST.version(), Ordering::Relaxed);
    cell.commit().store(Commit::FIRST.0, Ordering::Relaxed);
}

//! Reading: try, try again, and as a last resort pin.
//!
//! A user that lost 64 races pins the committed copy, which no writer then touches. An observer can
//! pin nothing: it backs off, for at most 100 ms in all, then says Busy.

use std::mem::MaybeUninit;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use cohabit_os::wait::{self, Deadline};

use super::cell::{self, CellWords, Missed};
use super::pin::PinnedCopy;
use super::{Value, Version, assert_small, checked, checked_box};
use crate::error::{Error, ErrorKind, Result};
use crate::member::Member;
use crate::plain::{Part, Plain};
use crate::site::Site;
use crate::words;

/// Lost races before the last resort.
pub(crate) const TRIES: u32 = 64;
/// How long reading goes on before it says Busy.
const PATIENCE: Duration = Duration::from_millis(100);

/// Who reads: what to do when races are lost, and how to name the object in an error.
pub(crate) trait Reader {
    fn last_resort<C: CellWords>(
        &self,
        cell: &C,
        copy: &mut dyn FnMut(&[AtomicU64]),
    ) -> Result<u64>;
    fn name(&self, error: Error) -> Error;
    /// Whether the instance is still there; asks the kernel.
    fn check_alive(&self) -> Result<()>;
}

/// Reads through `copy`, which may be called several times: the last call counts.
#[inline(always)]
pub(crate) fn read<C: CellWords>(
    cell: &C,
    reader: &impl Reader,
    copy: &mut impl FnMut(&[AtomicU64]),
) -> Result<u64> {
    match cell::try_read(cell, copy) {
        Ok(version) => Ok(version),
        Err(missed) => read_again(cell, reader, missed, copy),
    }
}

#[cold]
#[inline(never)]
fn read_again<C: CellWords>(
    cell: &C,
    reader: &impl Reader,
    mut missed: Missed,
    copy: &mut dyn FnMut(&[AtomicU64]),
) -> Result<u64> {
    for _ in 1..TRIES {
        if let Missed::Corrupt(commit) = missed {
            return Err(reader.name(cell::corrupt(commit)));
        }
        missed = match cell::try_read(cell, copy) {
            Ok(version) => return Ok(version),
            Err(missed) => missed,
        };
    }
    reader.last_resort(cell, copy).map_err(|error| reader.name(error))
}

impl Reader for Site {
    fn last_resort<C: CellWords>(
        &self,
        cell: &C,
        copy: &mut dyn FnMut(&[AtomicU64]),
    ) -> Result<u64> {
        match PinnedCopy::take(cell, *self) {
            Ok(pinned) => {
                copy(cell.data(pinned.index()));
                Ok(pinned.version())
            }
            Err(error) if error.kind() == ErrorKind::Busy => back_off(cell, copy),
            Err(error) => Err(error),
        }
    }

    fn name(&self, error: Error) -> Error {
        Site::name(*self, error)
    }

    fn check_alive(&self) -> Result<()> {
        self.member()?.segment.check_alive()
    }
}

impl Reader for Member {
    fn last_resort<C: CellWords>(
        &self,
        cell: &C,
        copy: &mut dyn FnMut(&[AtomicU64]),
    ) -> Result<u64> {
        back_off(cell, copy)
    }

    fn name(&self, error: Error) -> Error {
        error.about(&self.segment.name)
    }

    fn check_alive(&self) -> Result<()> {
        self.segment.check_alive()
    }
}

/// Goes on trying, with growing pauses: writers pass now and then.
fn back_off<C: CellWords>(cell: &C, copy: &mut dyn FnMut(&[AtomicU64])) -> Result<u64> {
    let deadline = Deadline::after(PATIENCE);
    let mut pause = Duration::from_micros(1);
    loop {
        for _ in 0..TRIES {
            match cell::try_read(cell, copy) {
                Ok(version) => return Ok(version),
                Err(Missed::Corrupt(commit)) => return Err(cell::corrupt(commit)),
                Err(Missed::Refilled) => {}
            }
        }
        if deadline.has_passed() {
            let detail = "writers were faster than this reader for 100 ms";
            return Err(Error::new(ErrorKind::Busy, "", detail));
        }
        wait::pause(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

/// Reads the whole value, by value. Inlined, with the version apart: each step in between that
/// moved a T would cost as much as the copy itself.
#[inline(always)]
pub(crate) fn by_value<T: Plain>(
    cell: &Value<T>,
    reader: &impl Reader,
    version: &mut Version,
) -> Result<T> {
    assert_small::<T>();
    let mut into = MaybeUninit::<T>::uninit();
    let read = read(cell, reader, &mut |words: &[AtomicU64]| {
        // SAFETY: `into` is ours, aligned and as large as a T.
        unsafe { words::load(words, into.as_mut_ptr()) }
    });
    match read {
        Ok(number) => *version = Version(number),
        Err(error) => return Err(error),
    }
    checked(into).map_err(|error| reader.name(error))
}

/// Reads the whole value into a new box.
pub(crate) fn boxed<T: Plain>(cell: &Value<T>, reader: &impl Reader) -> Result<Box<T>> {
    let mut into = Box::<T>::new_uninit();
    read(cell, reader, &mut |words: &[AtomicU64]| {
        // SAFETY: `into` is ours, aligned and as large as a T.
        unsafe { words::load(words, into.as_mut_ptr()) }
    })?;
    checked_box(into).map_err(|error| reader.name(error))
}

/// Reads the whole value into a T that the caller has; it never holds bits that are no T.
pub(crate) fn into<T: Plain>(
    cell: &Value<T>,
    reader: &impl Reader,
    into: &mut T,
) -> Result<Version> {
    if T::ANY_BITS {
        let into = std::ptr::from_mut(into);
        let version = read(cell, reader, &mut |words: &[AtomicU64]| {
            // SAFETY: it is the caller's T, borrowed mutably; any bits are a T, also half way.
            unsafe { words::load(words, into) }
        })?;
        return Ok(Version(version));
    }
    let mut copy = Box::<T>::new_uninit();
    let version = read(cell, reader, &mut |words: &[AtomicU64]| {
        // SAFETY: `copy` is ours, aligned and as large as a T.
        unsafe { words::load(words, copy.as_mut_ptr()) }
    })?;
    let copy = checked_box(copy).map_err(|error| reader.name(error))?;
    // SAFETY: both are valid for one T and apart; a T needs no drop, so the old one may be
    // overwritten, and the box gives back its memory only.
    unsafe { std::ptr::copy_nonoverlapping(&raw const *copy, into, 1) };
    Ok(Version(version))
}

/// Reads one part.
pub(crate) fn part<T: Plain, F: Plain>(
    cell: &Value<T>,
    reader: &impl Reader,
    part: Part<T, F>,
) -> Result<F> {
    assert_small::<F>();
    let mut into = MaybeUninit::<F>::uninit();
    read(cell, reader, &mut |words: &[AtomicU64]| {
        // SAFETY: `into` is ours, aligned and as large as an F.
        unsafe { words::load_part(words, part.offset(), into.as_mut_ptr()) }
    })?;
    checked(into).map_err(|error| reader.name(error))
}

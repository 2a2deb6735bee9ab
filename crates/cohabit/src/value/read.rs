//! Reading: try, try again, and as a last resort pin.
//!
//! A user that lost 64 races pins the committed copy, which no writer then touches, and reads that. An
//! observer can pin nothing: it backs off, for at most 100 ms in all, then says Busy.

use std::mem::MaybeUninit;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use cohabit_os::wait::{self, Deadline};

use super::cell::{self, CellWords, Commit};
use super::pins::PinnedCopy;
use super::{Value, Version, assert_small, checked, checked_box};
use crate::error::{Error, ErrorKind, Result};
use crate::member::Member;
use crate::plain::Plain;
use crate::site::Site;
use crate::words;

/// Lost races before the last resort, and between two looks at the clock.
const TRIES: u32 = 64;
/// How long reading goes on before it says Busy.
const PATIENCE: Duration = Duration::from_millis(100);
/// The first and the longest pause of a reader that cannot pin.
const PAUSES: (Duration, Duration) = (Duration::from_micros(1), Duration::from_millis(5));

/// Who reads: what to do when races are lost, and how to name the object in an error.
pub(crate) trait Reader {
    /// Pins what is committed, if this reader may and a pin is free.
    fn pin<'a, C: CellWords + ?Sized>(&self, cell: &'a C) -> Result<Option<PinnedCopy<'a>>>;
    fn name(&self, error: Error) -> Error;
    /// Whether the instance is still there; asks the kernel.
    fn check_alive(&self) -> Result<()>;
}

/// Reads through `copy`, which may be called several times: the last call counts.
#[inline(always)]
pub(crate) fn read<C: CellWords + ?Sized>(
    cell: &C,
    reader: &impl Reader,
    copy: &mut impl FnMut(&[AtomicU64]),
) -> Result<Version> {
    match first_try(cell, reader, copy)? {
        Some(version) => Ok(version),
        None => read_again(cell, reader, copy),
    }
}

/// The try that nearly always is the only one. `None`: the race was lost.
#[inline(always)]
fn first_try<C: CellWords + ?Sized>(
    cell: &C,
    reader: &impl Reader,
    copy: &mut impl FnMut(&[AtomicU64]),
) -> Result<Option<Version>> {
    let commit = match cell::current(cell) {
        Ok(commit) => commit,
        Err(error) => return Err(reader.name(error)),
    };
    copy(cell.data(commit.index()));
    Ok(cell::holds_still(cell, commit).then_some(Version(commit.version())))
}

/// Tries until a race is won, or patience ends.
#[cold]
#[inline(never)]
fn read_again<C: CellWords + ?Sized>(
    cell: &C,
    reader: &impl Reader,
    copy: &mut impl FnMut(&[AtomicU64]),
) -> Result<Version> {
    let mut races = Races { lost: 0, until: None, pause: PAUSES.0, pin: None };
    loop {
        let commit = races.lose(cell, reader).map_err(|error| reader.name(error))?;
        copy(cell.data(commit.index()));
        if cell::holds_still(cell, commit) {
            return Ok(Version(commit.version()));
        }
    }
}

/// The races that one read has lost.
struct Races<'a> {
    lost: u32,
    until: Option<Deadline>,
    pause: Duration,
    /// Kept until the read is done.
    pin: Option<PinnedCopy<'a>>,
}

impl<'a> Races<'a> {
    /// After one more lost race: what to try next.
    fn lose<C: CellWords + ?Sized>(&mut self, cell: &'a C, reader: &impl Reader) -> Result<Commit> {
        self.lost = self.lost.saturating_add(1);
        if self.lost == TRIES {
            self.pin = reader.pin(cell)?;
            if let Some(pin) = &self.pin {
                return Ok(pin.commit());
            }
        }
        if self.lost.is_multiple_of(TRIES) {
            self.back_off()?;
        }
        cell::current(cell)
    }

    /// Pauses, longer each time: writers pass now and then.
    fn back_off(&mut self) -> Result<()> {
        let until = *self.until.get_or_insert_with(|| Deadline::after(PATIENCE));
        if until.has_passed() {
            let detail = "writers were faster than this reader for 100 ms";
            return Err(Error::new(ErrorKind::Busy, "", detail));
        }
        wait::pause(self.pause);
        self.pause = (self.pause * 2).min(PAUSES.1);
        Ok(())
    }
}

impl Reader for Site {
    fn pin<'a, C: CellWords + ?Sized>(&self, cell: &'a C) -> Result<Option<PinnedCopy<'a>>> {
        match PinnedCopy::take(cell, *self) {
            Ok(pin) => Ok(Some(pin)),
            Err(error) if error.kind() == ErrorKind::Busy => Ok(None),
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
    fn pin<'a, C: CellWords + ?Sized>(&self, _cell: &'a C) -> Result<Option<PinnedCopy<'a>>> {
        Ok(None)
    }

    fn name(&self, error: Error) -> Error {
        error.about(&self.segment.name)
    }

    fn check_alive(&self) -> Result<()> {
        self.segment.check_alive()
    }
}

/// Reads the whole value, by value; the version goes apart, so that a T is all that is moved.
///
/// The first try has a private copy of its own: since nobody else gets its address, the compiler keeps
/// a small one in registers until the stamp is judged, and stores it where the caller wants it. Every
/// further move of a T would cost as much as the copy itself.
#[inline(always)]
pub(crate) fn by_value<T: Plain>(
    cell: &Value<T>,
    reader: &impl Reader,
    version: &mut Version,
) -> Result<T> {
    assert_small::<T>();
    let mut into = MaybeUninit::<T>::uninit();
    let first = first_try(cell, reader, &mut |words: &[AtomicU64]| {
        // SAFETY: `into` is ours, aligned and as large as a T.
        unsafe { words::load(words, into.as_mut_ptr()) }
    });
    match first {
        Ok(Some(seen)) => {
            *version = seen;
            loaded(into, reader)
        }
        Ok(None) => {
            let mut again = MaybeUninit::<T>::uninit();
            *version = load_again(cell, reader, &mut again)?;
            loaded(again, reader)
        }
        Err(error) => Err(error),
    }
}

#[inline(always)]
fn loaded<T: Plain>(copy: MaybeUninit<T>, reader: &impl Reader) -> Result<T> {
    if T::ANY_BITS {
        // SAFETY: every field was loaded, and any bits are a value.
        return Ok(unsafe { copy.assume_init() });
    }
    checked(copy).map_err(|error| reader.name(error))
}

#[cold]
#[inline(never)]
fn load_again<T: Plain>(
    cell: &Value<T>,
    reader: &impl Reader,
    into: &mut MaybeUninit<T>,
) -> Result<Version> {
    read_again(cell, reader, &mut |words: &[AtomicU64]| {
        // SAFETY: `into` is the caller's, aligned and as large as a T.
        unsafe { words::load(words, into.as_mut_ptr()) }
    })
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
        return Ok(version);
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
    Ok(version)
}

/// Reads one part, which starts at byte `at` and lies inside the value.
pub(crate) fn part<C: CellWords + ?Sized, F: Plain>(
    cell: &C,
    reader: &impl Reader,
    at: usize,
) -> Result<F> {
    assert_small::<F>();
    let mut into = MaybeUninit::<F>::uninit();
    read(cell, reader, &mut |words: &[AtomicU64]| {
        // SAFETY: `into` is ours, aligned and as large as an F.
        unsafe { words::load_part(words, at, into.as_mut_ptr()) }
    })?;
    checked(into).map_err(|error| reader.name(error))
}

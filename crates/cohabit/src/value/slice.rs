//! Values of run-time length: where their copies are, and how whole slices are copied.
//!
//! The length is given when the object is created and stands in its header. In a process it is part of
//! the pointer to the cell, which is made once, when the object is opened, of numbers that were checked
//! then: so it is private, and nothing in the segment is asked for it.
//!
//! Invariants:
//! 1. a reference to a `Value<[T]>` of length `len` points to the last thing of a mapped object, behind
//!    whose head lie `copies_of_slice(size)` copies, every `stride_of_slice(size)` bytes, where `size` is
//!    that of `len` elements: `attach::check_type` compared the object's size with that;
//! 2. the mapping's address was exposed when the pointer to the object was made (`Segment::object`),
//!    and the reference keeps it mapped; so a pointer behind the head may be made from the address.

use std::mem::MaybeUninit;
use std::sync::atomic::AtomicU64;

use super::cell::{CellWords, PINS};
use super::read::{Reader, read};
use super::write::{self, HeldOverClosure, begin, publish};
use super::{Value, Version, bad_bits};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Patience;
use crate::plain::{Part, Plain, copies_of_slice, stride_of_slice};
use crate::site::Site;
use crate::words;

/// Stands for an element in the type of the cell, so that pointers to it have a length. It has no
/// bytes: the copies lie behind the cell, and there are several of each element.
#[derive(Debug)]
pub struct Beyond(());

/// The pointer to a cell of `len` elements at `base`; its copies are no part of what it spans.
pub(crate) fn from_parts<T: Plain>(base: *mut u8, len: usize) -> *mut Value<[T]> {
    std::ptr::slice_from_raw_parts_mut(base.cast::<Beyond>(), len) as *mut Value<[T]>
}

impl<T: Plain> Value<[T]> {
    /// Canonical bytes of all elements. The object is mapped, so it fits.
    pub(super) fn bytes(&self) -> usize {
        self.len() * size_of::<T::Stored>()
    }

    fn stride(&self) -> usize {
        stride_of_slice(self.bytes() as u64) as usize
    }

    /// The words of `[at, at + bytes)` behind the head, both multiples of 8 inside of the copies.
    fn words_behind(&self, at: usize, bytes: usize) -> &[AtomicU64] {
        let head = std::ptr::from_ref(self).cast::<u8>().addr();
        let first = std::ptr::with_exposed_provenance::<AtomicU64>(head + size_of_val(self) + at);
        // SAFETY: Invariants 1 and 2: mapped and aligned, for as long as `self` is borrowed; peers may
        // write there at any time, so it is only touched as atomic words.
        unsafe { std::slice::from_raw_parts(first, bytes / 8) }
    }
}

impl<T: Plain> CellWords for Value<[T]> {
    fn lock(&self) -> &AtomicU64 {
        &self.lock
    }
    fn commit(&self) -> &AtomicU64 {
        &self.commit
    }
    fn pins(&self) -> &[AtomicU64; PINS] {
        &self.pins
    }
    fn count(&self) -> usize {
        copies_of_slice(self.bytes() as u64) as usize
    }
    fn stamp(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.count(), "a copy that is there");
        &self.words_behind(index * self.stride(), 8)[0]
    }
    fn data(&self, index: usize) -> &[AtomicU64] {
        assert!(index < self.count(), "a copy that is there");
        self.words_behind(index * self.stride() + 8, self.bytes().next_multiple_of(8))
    }
}

/// Whether there are as many elements as there is room for.
pub(crate) fn check_len(expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let detail = format!("expected {expected} elements, found {found}");
    Err(Error::new(ErrorKind::LengthMismatch, "", detail))
}

/// Whether the part lies inside the value.
pub(crate) fn check_part<T: Plain, F: Plain>(cell: &Value<[T]>, part: Part<[T], F>) -> Result<()> {
    if part.lies_within(cell.bytes()) {
        return Ok(());
    }
    let index = part.offset() / size_of::<T::Stored>();
    let more = if part.offset() == usize::MAX { " or more" } else { "" };
    let detail = format!("expected an index below {}, found {index}{more}", cell.len());
    Err(Error::new(ErrorKind::OutOfRange, "", detail))
}

/// Checks the bits of every element of a private copy.
fn check_bits<T: Plain>(copy: &[MaybeUninit<T>]) -> Result<()> {
    if T::ANY_BITS {
        return Ok(());
    }
    for (index, element) in copy.iter().enumerate() {
        // SAFETY: the copy is private, aligned and loaded: every byte of every field is written.
        unsafe { T::check(element.as_ptr()) }.map_err(|bad| bad_bits(bad.at_index(index)))?;
    }
    Ok(())
}

/// Memory for a private copy of all elements. Whoever created the object chose how many there are: too
/// many are an error here, and not the end of the process.
fn room<T>(len: usize) -> Result<Box<[MaybeUninit<T>]>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(len).map_err(|e| {
        let detail = format!("no memory for a private copy of {len} elements");
        Error::new(ErrorKind::NoAddressSpace, "", detail).with_source(e)
    })?;
    // SAFETY: there is room for `len` elements, and a MaybeUninit needs no value.
    unsafe { copy.set_len(len) };
    Ok(copy.into_boxed_slice())
}

/// Reads all elements into a new box.
pub(crate) fn boxed<T: Plain>(cell: &Value<[T]>, reader: &impl Reader) -> Result<Box<[T]>> {
    let mut copy = room::<T>(cell.len()).map_err(|error| reader.name(error))?;
    read(cell, reader, &mut |words: &[AtomicU64]| {
        // SAFETY: `copy` is ours, aligned, and as long as the cell.
        unsafe { words::load_slice(words, copy.as_mut_ptr().cast::<T>(), copy.len()) }
    })?;
    check_bits(&copy).map_err(|error| reader.name(error))?;
    // SAFETY: every field of every element was loaded, and their bits are values.
    Ok(unsafe { copy.assume_init() })
}

/// Reads all elements into a slice that the caller has; it never holds bits that are no `T`.
pub(crate) fn into<T: Plain>(
    cell: &Value<[T]>,
    reader: &impl Reader,
    into: &mut [T],
) -> Result<Version> {
    check_len(cell.len(), into.len()).map_err(|error| reader.name(error))?;
    let len = into.len();
    if T::ANY_BITS {
        let into = into.as_mut_ptr();
        return read(cell, reader, &mut |words: &[AtomicU64]| {
            // SAFETY: the caller's elements, borrowed mutably; any bits are a T, also half way.
            unsafe { words::load_slice(words, into, len) }
        });
    }
    let mut copy = room::<T>(len).map_err(|error| reader.name(error))?;
    let version = read(cell, reader, &mut |words: &[AtomicU64]| {
        // SAFETY: `copy` is ours, aligned, and as long as the cell.
        unsafe { words::load_slice(words, copy.as_mut_ptr().cast::<T>(), len) }
    })?;
    check_bits(&copy).map_err(|error| reader.name(error))?;
    // SAFETY: both are valid for `len` elements and apart; a T needs no drop, so the old ones may be
    // overwritten, and the box gives back its memory only.
    unsafe { std::ptr::copy_nonoverlapping(copy.as_ptr().cast::<T>(), into.as_mut_ptr(), len) };
    Ok(version)
}

/// Replaces all elements.
pub(crate) fn whole<T: Plain>(
    cell: &Value<[T]>,
    site: Site,
    patience: Patience,
    values: &[T],
) -> Result<Version> {
    check_len(cell.len(), values.len()).map_err(|error| site.name(error))?;
    let (held, commit) = begin(cell, site, patience)?;
    Ok(publish(cell, held, commit, |words| words::store_slice(values, words)))
}

/// Changes a private copy and commits it.
pub(crate) fn update<T: Plain, R>(
    cell: &Value<[T]>,
    site: Site,
    patience: Patience,
    change: impl FnOnce(&mut [T]) -> R,
) -> Result<R> {
    // Before the lock: it may take long, and others may write meanwhile.
    let mut copy = room::<T>(cell.len()).map_err(|error| site.name(error))?;
    let (held, commit) = begin(cell, site, patience)?;
    let held = HeldOverClosure::new(held, site);
    // SAFETY: `copy` is ours, aligned, and as long as the cell.
    unsafe {
        words::load_slice(cell.data(commit.index()), copy.as_mut_ptr().cast::<T>(), copy.len());
    }
    check_bits(&copy).map_err(|error| site.name(error))?;
    // SAFETY: every field of every element was loaded, and their bits are values.
    let mut values = unsafe { copy.assume_init() };
    let result = write::run(cell, site, || change(&mut values))?;
    publish(cell, held, commit, |words| words::store_slice(&values, words));
    Ok(result)
}

/// Fills copy 0 of a zeroed cell, which is then to become version 1.
pub(crate) fn fill_from<T: Plain>(cell: &Value<[T]>, values: &[T]) -> Result<()> {
    check_len(cell.len(), values.len())?;
    words::store_slice(values, cell.data(0));
    Ok(())
}

/// Checks the bits of copy 0 of a cell that is being constructed.
pub(crate) fn check_first<T: Plain>(cell: &Value<[T]>) -> Result<()> {
    for index in 0..if T::ANY_BITS { 0 } else { cell.len() } {
        let mut copy = MaybeUninit::<T>::uninit();
        let at = Part::<[T], T>::element(index).offset();
        // SAFETY: `copy` is ours, aligned and as large as a T.
        unsafe { words::load_part(cell.data(0), at, copy.as_mut_ptr()) };
        // SAFETY: the copy is private, aligned and loaded: every byte of every field is written.
        unsafe { T::check(copy.as_ptr()) }.map_err(|bad| {
            let bad = bad.at_index(index);
            let detail = format!("what the constructor left is no value: {bad}");
            Error::new(ErrorKind::ConstructorIncomplete, "", detail)
        })?;
    }
    Ok(())
}

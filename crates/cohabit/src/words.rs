//! Copies between a private `T` and a copy of it in shared memory, word by word.
//!
//! The shared side is only ever a `&[AtomicU64]` that is read and written with relaxed loads and
//! stores of whole words, so a peer that writes at the same moment makes a wrong value, never
//! undefined behaviour. Whether a copy was torn is judged by the cell (by the stamp of the copy),
//! and whether its bits are a `T` by [`Plain::check`], both after the copy is private.
//!
//! Bytes in shared memory are *canonical* (C's layout with natural alignment, little-endian), and
//! a `T` is copied in one of two ways that `T`'s constants pick at compile time: densely, where
//! the layout of `T` is the canonical one, or field by field through a [`WordSink`] or
//! [`WordSource`]. Parts are copied by whole words only, so that no aligned word of a part tears.
//!
//! # Invariants
//!
//! 1. No function here reads or writes outside the slice of words that it was given: lengths and
//!    offsets are asserted against it before the first access.
//! 2. A private side that is a raw pointer is valid for the whole length that goes with it, by the
//!    contract of the function that received it, and does not overlap the words.
//! 3. Bytes of a `&T` are read as a block only where [`Plain::DENSE`] says that each of them
//!    belongs to a field, so that padding, which has no value, is never read.
//! 4. [`Plain::SAME_LAYOUT`] says that the first `size_of::<T>()` canonical bytes are laid out as a
//!    private `T`, so that a block of them fits it exactly. Only an appendable struct has more of them.

use core::mem::{MaybeUninit, size_of};
use core::slice;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use crate::plain::Plain;

mod bulk;
mod merge;

pub(crate) use bulk::{load_dense, store_dense};
pub(crate) use merge::merge_word;

#[cfg(target_endian = "big")]
compile_error!("cohabit keeps little-endian bytes in shared memory and does not swap them yet");

/// The bytes in one word. Every word of the format has this width on every target.
pub(crate) const WORD: usize = size_of::<u64>();

/// Streams canonical bytes into the words of a copy.
///
/// Offsets only grow. What lies between two pieces is padding and becomes zero, so that no byte of
/// the writer's memory leaks to its peers and equal values have equal copies.
#[derive(Debug)]
pub struct WordSink<'a> {
    words: &'a [AtomicU64],
    /// The word that is being filled.
    index: usize,
    /// How many bytes of that word are settled: 0 to 7.
    filled: usize,
    /// The settled bytes; the others are zero.
    pending: u64,
    /// The bytes of that word that others may store at any moment, to be left as they are then.
    others: u64,
    /// Whether others were faster in a word that is shared with them.
    outrun: bool,
}

/// How storing a part beside others' ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Stored {
    /// All of it is stored.
    Whole,
    /// Others changed a shared word faster than it could be stored; the rest is stored.
    Outrun,
}

impl<'a> WordSink<'a> {
    /// A sink that starts at the first byte of `words`.
    #[inline]
    pub fn new(words: &'a [AtomicU64]) -> Self {
        Self::at(words, 0)
    }

    fn at(words: &'a [AtomicU64], index: usize) -> Self {
        Self { words, index, filled: 0, pending: 0, others: 0, outrun: false }
    }

    /// A sink that starts at byte `at`, where others may store what is in front of it in the same word.
    fn merging(words: &'a [AtomicU64], at: usize) -> Self {
        let filled = at % WORD;
        Self { filled, others: low_bytes(filled), ..Self::at(words, at / WORD) }
    }

    /// A sink that starts at byte `at` and keeps the bytes in front of it in the same word.
    fn patching(words: &'a [AtomicU64], at: usize) -> Self {
        let filled = at % WORD;
        let pending = match filled {
            0 => 0,
            _ => words[at / WORD].load(Relaxed) & low_bytes(filled),
        };
        Self { filled, pending, ..Self::at(words, at / WORD) }
    }

    fn position(&self) -> usize {
        self.index * WORD + self.filled
    }

    fn flush(&mut self) {
        let word = &self.words[self.index];
        match self.others {
            0 => word.store(self.pending, Relaxed),
            others => self.outrun |= !merge_word(word, self.pending, others),
        }
        self.others = 0;
        self.index += 1;
        self.filled = 0;
        self.pending = 0;
    }

    /// Writes `bytes` at the canonical offset `at`, and zeros between here and the last piece.
    ///
    /// # Panics
    ///
    /// If `at` lies in front of the end of the last piece, or the piece ends outside the words.
    #[inline]
    pub fn put(&mut self, at: usize, bytes: &[u8]) {
        assert!(at >= self.position(), "pieces must be written in the order of their offsets");
        while self.index < at / WORD {
            self.flush();
        }
        self.filled = at % WORD;
        let room = (WORD - self.filled) % WORD;
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.append(head);
        let (whole, tail) = rest.as_chunks::<WORD>();
        let words = &self.words[self.index..self.index + whole.len()];
        for (word, chunk) in words.iter().zip(whole) {
            word.store(u64::from_le_bytes(*chunk), Relaxed);
        }
        self.index += whole.len();
        self.append(tail);
    }

    /// Adds a piece that does not pass the end of the pending word.
    #[inline]
    fn append(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut word = [0; WORD];
        word[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.pending |= u64::from_le_bytes(word);
        self.filled += bytes.len();
        if self.filled == WORD {
            self.flush();
        }
    }

    /// Writes the last word, and zeros to the end of the words.
    pub fn finish(mut self) {
        while self.index < self.words.len() {
            self.flush();
        }
    }

    /// Zeros up to byte `end`, and keeps the bytes behind it in the same word.
    fn finish_patch(mut self, end: usize) {
        assert!(end >= self.position(), "a part must not pass its own end");
        while self.index < end / WORD {
            self.flush();
        }
        let kept = end % WORD;
        if kept != 0 {
            self.pending |= self.words[self.index].load(Relaxed) & !low_bytes(kept);
            self.flush();
        }
    }

    /// Zeros up to byte `end`, and leaves the bytes behind it in the same word to others.
    fn finish_merge(mut self, end: usize) -> Stored {
        assert!(end >= self.position(), "a part must not pass its own end");
        while self.index < end / WORD {
            self.flush();
        }
        let own = end % WORD;
        if own != 0 {
            self.others |= !low_bytes(own);
            self.flush();
        }
        if self.outrun { Stored::Outrun } else { Stored::Whole }
    }

    /// Zeros up to byte `end`, and what stands behind it in another copy.
    fn finish_from(mut self, end: usize, other: &[AtomicU64]) {
        assert!(end >= self.position(), "the own fields must not pass their end");
        assert!(other.len() == self.words.len(), "copies are equally long");
        while self.index < end / WORD {
            self.flush();
        }
        let own = end % WORD;
        if own != 0 {
            self.pending |= other[self.index].load(Relaxed) & !low_bytes(own);
            self.flush();
        }
        for (to, from) in self.words.iter().zip(other).skip(self.index) {
            to.store(from.load(Relaxed), Relaxed);
        }
    }
}

/// A mask of the `count` bytes of a word that come first in memory. `count` is 0 to 7.
fn low_bytes(count: usize) -> u64 {
    (1 << (8 * count)) - 1
}

/// Streams canonical bytes out of the words of a copy.
///
/// Offsets only grow, and each word is loaded at most once, so that all fields that share a word
/// see the same load of it.
#[derive(Debug)]
pub struct WordSource<'a> {
    words: &'a [AtomicU64],
    /// How many words have been passed or loaded; the last of them is `current`.
    next: usize,
    current: u64,
}

impl<'a> WordSource<'a> {
    /// A source that starts at the first byte of `words`.
    #[inline]
    pub fn new(words: &'a [AtomicU64]) -> Self {
        Self { words, next: 0, current: 0 }
    }

    /// Fills `into` with the bytes from the canonical offset `at` on.
    ///
    /// # Panics
    ///
    /// If `at` lies in front of the word that was loaded last, or the piece ends outside the
    /// words.
    #[inline]
    pub fn take(&mut self, at: usize, into: &mut [MaybeUninit<u8>]) {
        let skipped = at % WORD;
        let room = (WORD - skipped) % WORD;
        let (head, rest) = into.split_at_mut(room.min(into.len()));
        if !head.is_empty() {
            self.take_inside(at, head);
        }
        let first = (at + head.len()) / WORD;
        let (whole, tail) = rest.as_chunks_mut::<WORD>();
        let count = whole.len();
        if count != 0 {
            assert!(first >= self.next, "pieces must be read in the order of their offsets");
            for (word, chunk) in self.words[first..first + count].iter().zip(whole) {
                self.current = word.load(Relaxed);
                *chunk = self.current.to_le_bytes().map(MaybeUninit::new);
            }
            self.next = first + count;
        }
        if !tail.is_empty() {
            self.take_inside((first + count) * WORD, tail);
        }
    }

    /// Takes a piece that lies inside one word.
    #[inline]
    fn take_inside(&mut self, at: usize, into: &mut [MaybeUninit<u8>]) {
        let index = at / WORD;
        if index + 1 != self.next {
            assert!(index >= self.next, "pieces must be read in the order of their offsets");
            self.current = self.words[index].load(Relaxed);
            self.next = index + 1;
        }
        let bytes = self.current.to_le_bytes();
        let from = at % WORD;
        for (byte, found) in into.iter_mut().zip(&bytes[from..]) {
            byte.write(*found);
        }
    }
}

/// Copies a whole `T` out of the words of a copy, unchecked.
///
/// Every byte of every field is written; whether they are a valid `T` is for [`Plain::check`].
///
/// # Safety
///
/// - `into` is valid for writes of a `T`, aligned, and private to the caller.
///
/// # Panics
///
/// If the words are fewer than the canonical size of `T` needs.
pub unsafe fn load<T: Plain>(words: &[AtomicU64], into: *mut T) {
    if T::SAME_LAYOUT {
        // SAFETY: Invariant 2 by this function's contract; the length fits by invariant 4.
        unsafe { load_dense(words, into.cast(), size_of::<T>()) };
    } else {
        // SAFETY: `into` is valid for writes of a `T` by this function's contract.
        unsafe { T::load(&mut WordSource::new(words), 0, into) };
    }
}

/// Copies a whole `T` into the words of a copy; padding and the rest of the words become zero.
///
/// # Panics
///
/// If the words are fewer than the canonical size of `T` needs.
pub fn store<T: Plain>(value: &T, words: &[AtomicU64]) {
    if T::DENSE {
        let from = core::ptr::from_ref(value).cast();
        // SAFETY: Invariant 3: each byte of `value` has a value; the length is that of `T`.
        unsafe { store_dense(from, size_of::<T>(), words) };
    } else {
        let mut sink = WordSink::new(words);
        value.store(&mut sink, 0);
        sink.finish();
    }
}

/// Copies `len` elements out of the words of a copy, unchecked, as [`load`] does one.
///
/// # Safety
///
/// - `into` is valid for writes of `len` times a `T`, aligned, and private to the caller.
///
/// # Panics
///
/// If the words are fewer than the elements need.
pub(crate) unsafe fn load_slice<T: Plain>(words: &[AtomicU64], into: *mut T, len: usize) {
    if T::SAME_LAYOUT {
        // SAFETY: Invariant 2 by this function's contract; the length fits by invariant 4.
        return unsafe { load_dense(words, into.cast(), len * size_of::<T>()) };
    }
    let mut source = WordSource::new(words);
    for index in 0..len {
        let at = index * size_of::<T::Stored>();
        // SAFETY: By this function's contract `into` has an element at `index`.
        unsafe { T::load(&mut source, at, into.wrapping_add(index)) };
    }
}

/// Copies all elements into the words of a copy; padding and the rest of the words become zero.
///
/// # Panics
///
/// If the words are fewer than the elements need.
pub(crate) fn store_slice<T: Plain>(values: &[T], words: &[AtomicU64]) {
    if T::DENSE {
        // SAFETY: Invariant 3: each byte of each value has a value; the length is that of all.
        return unsafe { store_dense(values.as_ptr().cast(), size_of_val(values), words) };
    }
    let mut sink = WordSink::new(words);
    for (index, value) in values.iter().enumerate() {
        value.store(&mut sink, index * size_of::<T::Stored>());
    }
    sink.finish();
}

/// Copies an appendable `T` into the words of a copy, and what newer programs have behind its fields out
/// of `committed`, which holds the value before.
///
/// # Panics
///
/// If the words are fewer than the canonical size of `T` needs.
pub(crate) fn store_over<T: Plain>(
    value: &T,
    rest_from: usize,
    committed: &[AtomicU64],
    words: &[AtomicU64],
) {
    let mut sink = WordSink::new(words);
    put(value, &mut sink, 0);
    sink.finish_from(rest_from, committed);
}

/// Copies a part of type `T` out of a copy, unchecked. The part starts at byte `at` of the copy.
///
/// Only the words that cover the part are loaded, each once and whole.
///
/// # Safety
///
/// - `into` is valid for writes of a `T`, aligned, and private to the caller.
///
/// # Panics
///
/// If the part ends outside the words.
#[inline]
pub unsafe fn load_part<T: Plain>(words: &[AtomicU64], at: usize, into: *mut T) {
    let mut source = WordSource::new(words);
    if T::SAME_LAYOUT {
        // SAFETY: The caller's contract, for `size_of::<T>()` bytes that may be uninitialised.
        let bytes = unsafe { slice::from_raw_parts_mut(into.cast(), size_of::<T>()) };
        source.take(at, bytes);
    } else {
        // SAFETY: `into` is valid for writes of a `T` by this function's contract.
        unsafe { T::load(&mut source, at, into) };
    }
}

/// Copies a part of type `T` into a copy at byte `at`, and leaves what is around it.
///
/// The first and the last word are loaded, patched and stored, so there may be one writer of the
/// copy at a time: the holder of the cell's lock. Readers judge by the stamp as ever.
///
/// # Panics
///
/// If the part ends outside the words.
#[inline]
pub fn store_part<T: Plain>(value: &T, words: &[AtomicU64], at: usize) {
    let end = at + size_of::<T::Stored>();
    assert!(end <= size_of_val(words), "a part must lie inside its copy");
    let mut sink = WordSink::patching(words, at);
    put(value, &mut sink, at);
    sink.finish_patch(end);
}

/// Copies the first `len` bytes of words in private memory into words of a new object, as bytes: a move
/// need not keep padding, so that it may have no value. What lies behind them stays zero.
///
/// # Safety
///
/// - No thread of this process uses the words at the same time.
///
/// # Panics
///
/// If the words are fewer than `len` needs.
pub(crate) unsafe fn copy_in(from: &[AtomicU64], into: &[AtomicU64], len: usize) {
    assert!(len <= size_of_val(from) && len <= size_of_val(into), "bytes of words");
    let (from, into) = (from.as_ptr(), into.as_ptr());
    for index in 0..len / WORD {
        // SAFETY: Invariant 1, asserted above, for this whole word; atomics may be written through `&`.
        unsafe { carry::<u64>(from.wrapping_add(index).cast(), into.wrapping_add(index).cast()) };
    }
    for at in len / WORD * WORD..len {
        let (from, into) = (from.wrapping_byte_add(at), into.wrapping_byte_add(at));
        // SAFETY: Invariant 1, asserted above, for this byte; atomics may be written through `&`.
        unsafe { carry::<u8>(from.cast(), into.cast()) };
    }
}

/// Copies one `U` of bytes that need not have values.
///
/// Volatile: a peer that breaks the rules may write a new object already, and then no ordinary store
/// would be allowed.
///
/// # Safety
///
/// - `from` is valid for reads of a `U` and `into` for writes, both are aligned, and no thread of this
///   process uses them at the same time.
unsafe fn carry<U>(from: *const MaybeUninit<U>, into: *const MaybeUninit<U>) {
    // SAFETY: This function's contract; it may be read whatever it is.
    let bytes = unsafe { from.read() };
    // SAFETY: This function's contract.
    unsafe { into.cast_mut().write_volatile(bytes) };
}

/// Copies a whole `T` out of words, of which each is loaded once and whole, unchecked.
///
/// # Safety
///
/// - As [`load`].
#[inline]
pub(crate) unsafe fn load_by_word<T: Plain>(words: &[AtomicU64], into: *mut T) {
    // SAFETY: This function's contract.
    unsafe { load_part(words, 0, into) };
}

/// Copies a whole `T` into words, of which each is stored once and whole; padding becomes zero.
#[inline]
pub(crate) fn store_by_word<T: Plain>(value: &T, words: &[AtomicU64]) {
    let mut sink = WordSink::new(words);
    put(value, &mut sink, 0);
    sink.finish();
}

/// Copies a part of type `T` to byte `at`, and leaves what is around it to others, who may store there
/// at the same time. A word that the part has for itself is stored whole, one that it shares by
/// compare-exchange.
///
/// # Panics
///
/// If the part ends outside the words.
#[inline]
pub(crate) fn merge_part<T: Plain>(value: &T, words: &[AtomicU64], at: usize) -> Stored {
    let end = at + size_of::<T::Stored>();
    assert!(end <= size_of_val(words), "a part must lie inside its words");
    let mut sink = WordSink::merging(words, at);
    put(value, &mut sink, at);
    sink.finish_merge(end)
}

/// Puts `value` at `at`: in one piece where it is dense, else field by field.
///
/// A derived [`Plain::store`] calls this for each field.
pub fn put<T: Plain>(value: &T, sink: &mut WordSink<'_>, at: usize) {
    if T::DENSE {
        let from = core::ptr::from_ref(value).cast();
        // SAFETY: Invariant 3: each byte of `value` has a value; the length is that of `T`.
        let bytes = unsafe { slice::from_raw_parts(from, size_of::<T>()) };
        sink.put(at, bytes);
    } else {
        value.store(sink, at);
    }
}

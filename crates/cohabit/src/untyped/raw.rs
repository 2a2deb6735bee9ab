//! Cells by the numbers of a schema: their words and bytes.
//!
//! A [`Raw`] is only made of numbers that were held against the checked header, so nothing in here
//! reaches outside of the object.
//!
//! Invariant: a cell lies inside the object, at a multiple of its own alignment (`Raw::of`).

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Result};
use crate::plain::Kind;
use crate::schema::{Node, Scalar};
use crate::segment::Segment;
use crate::sync::run;
use crate::value::cell::{CellWords, PINS};
use crate::words::{Stored, merge_word};

/// A cell whose type is known by its schema only.
pub(super) enum Raw<'a> {
    Value(RawValue<'a>),
    Atomic(Narrow<'a>),
    Flag(Narrow<'a>),
    Frozen(Plain<'a>),
    Loose(Plain<'a>),
    /// What a `Mutex` or `RwLock` guards.
    Locked(Plain<'a>),
    OnceCell(RawOnceCell<'a>),
}

impl<'a> Raw<'a> {
    /// The cell `node` at byte `at` of the object.
    ///
    /// # Errors
    /// `HeaderInvalid` where there is none, or it does not fit.
    pub(super) fn of(segment: &'a Segment, node: &Node, at: u64) -> Result<Raw<'a>> {
        let inside = at.checked_add(node.size());
        let inside = inside.is_some_and(|end| end <= segment.header.object_size);
        if !inside || !at.is_multiple_of(node.align()) {
            return Err(misfit(segment, node, at));
        }
        Ok(match node {
            Node::Value { copies, stride, of } => {
                let value = RawValue::new(segment, at, (*copies, *stride, of.size()));
                Raw::Value(value.ok_or_else(|| misfit(segment, node, at))?)
            }
            Node::Atomic(scalar) => Raw::Atomic(Narrow::new(segment, at, *scalar)),
            Node::Flag => Raw::Flag(Narrow::new(segment, at, Scalar::U8)),
            Node::Frozen { of } => Raw::Frozen(Plain::new(segment, at, of)),
            Node::Loose { of } => Raw::Loose(Plain::new(segment, at, of)),
            Node::Mutex { of } => Raw::Locked(Plain::new(segment, at + node.align(), of)),
            Node::RwLock { of } => {
                Raw::Locked(Plain::new(segment, at + Kind::RW_LOCK_HEAD as u64, of))
            }
            Node::OnceCell { of } => Raw::OnceCell(RawOnceCell::new(segment, at, of)),
            _ => return Err(misfit(segment, node, at)),
        })
    }
}

fn misfit(segment: &Segment, node: &Node, at: u64) -> Error {
    let what = node.type_name();
    let detail = format!("the schema has a `{what}` at byte {at}, which does not fit there");
    Error::new(ErrorKind::HeaderInvalid, &segment.name, detail)
}

/// Where the byte `at` of the object is in the segment. The object lies inside the mapping (format 1),
/// so its numbers fit a usize.
fn in_segment(segment: &Segment, at: u64) -> usize {
    (segment.header.object_at + at) as usize
}

/// Zeroed memory for a private copy; a schema may lie about its size.
pub(super) fn room(name: &str, size: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|e| {
        let detail = format!("no memory for a private copy of {size} bytes");
        Error::new(ErrorKind::NoAddressSpace, name, detail).with_source(e)
    })?;
    bytes.resize(size, 0);
    Ok(bytes)
}

/// Copies the bytes from byte `at` on.
pub(super) fn get_bytes(words: &[AtomicU64], at: usize, bytes: &mut [u8]) {
    let words = &words[(at / 8).min(words.len())..];
    // What is left of the word that they begin in, then whole ones.
    let (first, rest) = bytes.split_at_mut((8 - at % 8).min(bytes.len()));
    let chunks = std::iter::once(first).chain(rest.chunks_mut(8));
    for (index, (chunk, word)) in chunks.zip(words).enumerate() {
        let from = if index == 0 { at % 8 } else { 0 };
        let word = word.load(Ordering::Relaxed).to_le_bytes();
        chunk.copy_from_slice(&word[from..from + chunk.len()]);
    }
}

pub(super) fn put_bytes(words: &[AtomicU64], bytes: &[u8]) {
    for (chunk, word) in bytes.chunks(8).zip(words) {
        word.store(whole(chunk), Ordering::Relaxed);
    }
}

/// A word of at most 8 bytes, the others zero.
fn whole(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// An atomic of 1 to 8 bytes.
pub(super) struct Narrow<'a> {
    segment: &'a Segment,
    at: u64,
    pub(super) scalar: Scalar,
}

impl<'a> Narrow<'a> {
    fn new(segment: &'a Segment, at: u64, scalar: Scalar) -> Self {
        Self { segment, at, scalar }
    }

    fn atomic<A>(&self) -> &'a A {
        let at = self.segment.object().wrapping_add(self.at as usize);
        // SAFETY: by the module's invariant an `A`, which is an atomic as wide as `scalar`, lies inside
        // the object, aligned; any bits are one, and the mapping lasts as long as the segment.
        unsafe { &*at.cast::<A>() }
    }

    pub(super) fn load(&self) -> Vec<u8> {
        match self.scalar.size() {
            1 => self.atomic::<AtomicU8>().load(Ordering::Relaxed).to_le_bytes().to_vec(),
            2 => self.atomic::<AtomicU16>().load(Ordering::Relaxed).to_le_bytes().to_vec(),
            4 => self.atomic::<AtomicU32>().load(Ordering::Relaxed).to_le_bytes().to_vec(),
            _ => self.atomic::<AtomicU64>().load(Ordering::Relaxed).to_le_bytes().to_vec(),
        }
    }

    pub(super) fn store(&self, bytes: &[u8]) {
        let number = whole(bytes);
        match self.scalar.size() {
            1 => self.atomic::<AtomicU8>().store(number as u8, Ordering::Relaxed),
            2 => self.atomic::<AtomicU16>().store(number as u16, Ordering::Relaxed),
            4 => self.atomic::<AtomicU32>().store(number as u32, Ordering::Relaxed),
            _ => self.atomic::<AtomicU64>().store(number, Ordering::Relaxed),
        }
    }
}

/// Plain data in whole words.
pub(super) struct Plain<'a> {
    words: &'a [AtomicU64],
}

impl<'a> Plain<'a> {
    fn new(segment: &'a Segment, at: u64, of: &Node) -> Self {
        let size = of.size() as usize;
        Self { words: segment.words(in_segment(segment, at), size.next_multiple_of(8)) }
    }

    /// Copies the bytes from byte `at` on.
    pub(super) fn load(&self, at: usize, into: &mut [u8]) {
        get_bytes(self.words, at, into);
    }

    /// Stores all of it, while nobody else may write it.
    pub(super) fn store_first(&self, bytes: &[u8]) {
        put_bytes(self.words, bytes);
    }

    /// Stores every field of `of` that differs, whole, and leaves the others to others.
    pub(super) fn store_changed(&self, of: &Node, before: &[u8], after: &[u8]) -> Stored {
        let mut changed = Changed { before, after, mask: vec![0; after.len()] };
        changed.note(of, 0);
        let chunks = after.chunks(8).zip(changed.mask.chunks(8));
        let mut stored = Stored::Whole;
        for (word, (bytes, mask)) in self.words.iter().zip(chunks) {
            let own = whole(mask);
            if own != 0 && !merge_word(word, whole(bytes) & own, !own) {
                stored = Stored::Outrun;
            }
        }
        stored
    }
}

/// A word, and plain data that count once it says so.
pub(super) struct RawOnceCell<'a> {
    word: &'a AtomicU64,
    plain: Plain<'a>,
}

impl<'a> RawOnceCell<'a> {
    fn new(segment: &'a Segment, at: u64, of: &Node) -> Self {
        let word = segment.word(in_segment(segment, at));
        Self { word, plain: Plain::new(segment, at + 8, of) }
    }

    pub(super) fn plain_if_set(&self) -> Option<&Plain<'a>> {
        run::is_done(self.word).then_some(&self.plain)
    }
}

/// Which bytes belong to fields that changed.
struct Changed<'a> {
    before: &'a [u8],
    after: &'a [u8],
    /// 0xff for a byte of such a field.
    mask: Vec<u8>,
}

impl Changed<'_> {
    /// Looks at the field or fields at byte `at`.
    fn note(&mut self, node: &Node, at: usize) {
        let end = at + node.size() as usize;
        if self.before[at..end] == self.after[at..end] {
            return;
        }
        match node {
            Node::Struct(node) => {
                node.fields.iter().for_each(|field| self.note(&field.node, at + field.at as usize));
            }
            Node::Array { of, len } => {
                let size = of.size() as usize;
                (0..*len as usize).for_each(|index| self.note(of, at + index * size));
            }
            // A number, or a text or list, which are written as a whole.
            _ => self.mask[at..end].fill(0xff),
        }
    }
}

/// The words of a value.
pub(super) struct RawValue<'a> {
    head: &'a [AtomicU64],
    pins: &'a [AtomicU64; PINS],
    copies: &'a [AtomicU64],
    count: usize,
    stride: usize,
    pub(super) size: usize,
}

impl<'a> RawValue<'a> {
    /// The value with so many copies, at such a stride, of so many bytes; its end was checked.
    fn new(segment: &'a Segment, at: u64, (count, stride, size): (u64, u64, u64)) -> Option<Self> {
        let fits = (3..=127).contains(&count)
            && stride.is_multiple_of(64)
            && size.checked_add(8).is_some_and(|needed| needed <= stride);
        if !fits {
            return None;
        }
        let at = in_segment(segment, at);
        let (count, stride, size) = (count as usize, stride as usize, size as usize);
        Some(Self {
            head: segment.words(at, 16),
            pins: segment.words(at + 16, PINS * 8).try_into().expect("as many words as pins"),
            copies: segment.words(at + Kind::VALUE_HEAD, count * stride),
            count,
            stride: stride / 8,
            size,
        })
    }
}

impl CellWords for RawValue<'_> {
    fn lock(&self) -> &AtomicU64 {
        &self.head[0]
    }
    fn commit(&self) -> &AtomicU64 {
        &self.head[1]
    }
    fn pins(&self) -> &[AtomicU64; PINS] {
        self.pins
    }
    fn count(&self) -> usize {
        self.count
    }
    fn stamp(&self, index: usize) -> &AtomicU64 {
        &self.copies[index * self.stride]
    }
    fn data(&self, index: usize) -> &[AtomicU64] {
        &self.copies[index * self.stride + 1..][..self.size.div_ceil(8)]
    }
}

//! The protocol of a value: several copies, one word that commits, no reader that writes.
//!
//! ```text
//! lock     token of the writer                      (crate::lock)
//! commit   version << 8 | index << 1 | waiters      which copy is the value, and who waits for more
//! pins[n]  0, or generation << 32 | slot << 16 | index + 1
//! copy i   stamp: the version it holds or is being filled with · the canonical bytes
//! ```
//!
//! A writer fills any copy that is neither committed nor pinned, stamp first, and then commits it with
//! one swap. A reader copies what `commit` names and accepts if that copy's stamp still is the
//! version it came for. So a reader fails only when its own copy was filled again under it.
//!
//! Invariants:
//! 1. the committed copy is never written: whoever holds the lock picks another one;
//! 2. a copy named by a pin is never written: see the order of `pin` below;
//! 3. there are at least two copies more than usable pins, so a writer always finds one;
//! 4. a writer killed before its commit has changed one copy that nobody names.
//!
//! Orders: the stamp is stored before the words (Release fence) and loaded after them (Acquire fence),
//! H.-J. Boehm, "Can seqlocks get along with programming language memory models?" (2012). A pinner
//! stores its pin, then loads the commit word again; a writer swaps the commit word, then (in its next
//! write) loads the pins; all four are SeqCst, so one of them sees the other.

use crate::error::{Error, ErrorKind, Result};
use crate::primitive::{AtomicU64, Ordering, fence, wait};

/// How many pin words a cell has; the first `min(copies - 2, PINS)` are used.
pub(crate) const PINS: usize = 6;
/// Somebody waits for the next commit.
pub(crate) const WAITER: u64 = 1;

/// The words of one cell, wherever they are.
pub(crate) trait CellWords {
    fn lock(&self) -> &AtomicU64;
    fn commit(&self) -> &AtomicU64;
    fn pins(&self) -> &[AtomicU64; PINS];
    fn count(&self) -> usize;
    fn stamp(&self, index: usize) -> &AtomicU64;
    fn data(&self, index: usize) -> &[AtomicU64];
}

/// A commit word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Commit(pub(crate) u64);

impl Commit {
    /// The first value that a constructor leaves: version 1 in copy 0.
    pub(crate) const FIRST: Commit = Commit::new(1, 0);
    const VERSIONS: u64 = u64::MAX >> 8;

    pub(crate) const fn new(version: u64, index: usize) -> Commit {
        Commit((version & Self::VERSIONS) << 8 | (index as u64) << 1)
    }

    pub(crate) const fn version(self) -> u64 {
        self.0 >> 8
    }

    pub(crate) const fn index(self) -> usize {
        (self.0 >> 1 & 0x7f) as usize
    }
}

/// What is committed now, for a reader.
#[inline(always)]
pub(crate) fn current<C: CellWords + ?Sized>(cell: &C) -> Result<Commit> {
    // Relaxed, then Acquire fence, so that it is legal on read-only pages. Acquire: pairs with the
    // SeqCst swap in `commit`.
    let commit = Commit(cell.commit().load(Ordering::Relaxed));
    fence(Ordering::Acquire);
    if commit.index() < cell.count() { Ok(commit) } else { Err(corrupt(commit)) }
}

/// Whether what was copied out of the copy that `commit` names is that version, whole.
#[inline(always)]
pub(crate) fn holds_still<C: CellWords + ?Sized>(cell: &C, commit: Commit) -> bool {
    // Acquire: pairs with the Release fence in `begin_fill`: a word of a later filling brings its stamp.
    fence(Ordering::Acquire);
    cell.stamp(commit.index()).load(Ordering::Relaxed) == commit.version()
}

/// What is committed now, for a writer that holds the lock.
#[inline(always)]
pub(crate) fn committed<C: CellWords + ?Sized>(cell: &C) -> Result<Commit> {
    // Acquire: pairs with the SeqCst swap in `commit`, also of a writer that died before unlocking.
    let commit = Commit(cell.commit().load(Ordering::Acquire));
    if commit.index() < cell.count() { Ok(commit) } else { Err(corrupt(commit)) }
}

#[cold]
pub(crate) fn corrupt(commit: Commit) -> Error {
    let detail = format!("the commit word names copy {}, which is not there", commit.index());
    Error::new(ErrorKind::Corrupt, "", detail)
}

/// Picks the copy to fill: neither committed nor pinned (invariants 1 to 3).
#[inline(always)]
pub(crate) fn pick<C: CellWords + ?Sized>(cell: &C, commit: Commit) -> usize {
    let pins = &cell.pins()[..usable_pins(cell.count())];
    // SeqCst: orders these loads behind the swap of the commit before, against `pin`.
    if pins.iter().fold(0, |any, pin| any | pin.load(Ordering::SeqCst)) == 0 {
        return next_index(cell, commit.index());
    }
    pick_unpinned(cell, pins, commit)
}

#[inline(always)]
fn next_index<C: CellWords + ?Sized>(cell: &C, index: usize) -> usize {
    if index + 1 == cell.count() { 0 } else { index + 1 }
}

#[cold]
#[inline(never)]
fn pick_unpinned<C: CellWords + ?Sized>(cell: &C, pins: &[AtomicU64], commit: Commit) -> usize {
    let mut taken = 1_u128 << commit.index();
    for pin in pins {
        // SeqCst: orders as in `pick`. Loaded once more, and once only: a peer may change it.
        let pin = pin.load(Ordering::SeqCst);
        taken |= pinned_copy(pin).map_or(0, |index| 1 << index);
    }
    let mut index = next_index(cell, commit.index());
    while taken >> index & 1 != 0 {
        index = next_index(cell, index);
    }
    index
}

/// Begins to fill a copy: from here on readers of what it held before will see that it changes.
#[inline(always)]
pub(crate) fn begin_fill<C: CellWords + ?Sized>(cell: &C, index: usize, next: Commit) {
    cell.stamp(index).store(next.version(), Ordering::Relaxed);
    // Release: pairs with the Acquire fence after the words in `holds_still`.
    fence(Ordering::Release);
}

/// Commits the filled copy, and says whether somebody waits for it.
#[inline(always)]
pub(crate) fn commit<C: CellWords + ?Sized>(cell: &C, next: Commit) -> bool {
    // SeqCst: Release for the readers' Acquire; orders the commit before the next load of the pins.
    cell.commit().swap(next.0, Ordering::SeqCst) & WAITER != 0
}

/// Wakes everyone who waits for a commit.
#[cold]
#[inline(never)]
pub(crate) fn wake<C: CellWords + ?Sized>(cell: &C) {
    wait::wake_all(cell.commit());
}

/// Fills a free copy by `fill`, commits it, lets the lock go, and only then wakes who waits for the
/// commit: whoever is killed while it wakes holds nothing.
#[inline(always)]
pub(crate) fn publish<C: CellWords + ?Sized, H>(
    cell: &C,
    held: H,
    committed: Commit,
    fill: impl FnOnce(&[AtomicU64]),
) -> Commit {
    let index = pick(cell, committed);
    let next = Commit::new(committed.version() + 1, index);
    begin_fill(cell, index, next);
    fill(cell.data(index));
    let somebody_waits = commit(cell, next);
    drop(held);
    if somebody_waits {
        wake(cell);
    }
    next
}

/// How many pins a cell of `count` copies can have at once.
pub(crate) const fn usable_pins(count: usize) -> usize {
    let spare = count - 2;
    if spare < PINS { spare } else { PINS }
}

/// The copy that a pin word names, if it can be one.
pub(crate) fn pinned_copy(pin: u64) -> Option<u32> {
    let index = u32::from(pin as u16).checked_sub(1)?;
    (index < u128::BITS).then_some(index)
}

//! The words of a `RwLock`: who goes in, and how many; over the word of a mutex and one for each reader.
//!
//! ```text
//! word                        a mutex's (see `super::word`)  the writer; or who goes in, with ENTERS
//! reader 0 …                  each a mutex's                 a reader, with ENTERS; 0: none
//! ```
//!
//! 1. Everybody goes in by the word. A reader holds it only until it has taken a reader's word, a writer as
//!    long as it is inside. So nobody takes a reader's word while a writer holds the word, and who waits does
//!    so in the order of the word: none is kept out for long, reader or writer.
//! 2. Before a writer is inside, each reader's word was free, or its reader dead, since the writer has
//!    the word. A dead reader's word is taken over as any lock's is, from exactly the dead word. Nobody is ever
//!    robbed: a reader that is stopped keeps its word.
//! 3. Who holds a word with ENTERS has changed nothing: a reader, and a writer that still waits for readers.
//!    So its death is told to nobody. A writer takes ENTERS away before it is inside.
//! 4. A reader that goes frees its word and wakes the one that waits there: a writer, which waits for one reader
//!    after the other, or a reader for which there was no word.
//!
//! Killed at any step, a process leaves words that name it and nothing else, and the next one that needs them
//! has them.
//!
//! **Rejected:** a number of readers (a dead one would be counted for ever); readers that take their word first
//! and then look whether there is a writer (it saves a reader one of three exchanges, and takes a fence between two
//! words on both sides, a way back for who finds a writer, and a second way to wait).

use super::waiting::LOOK_AGAIN;
use super::word::{self, ENTERS};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Patience, Peers};
use crate::primitive::{AtomicU64, Ordering};
use crate::token::Token;

/// A reader inside: which of the words is its own, and what it is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) index: usize,
    pub(crate) told: u64,
}

/// Goes in to read.
///
/// # Errors
/// `Busy` when the patience ends, naming who is in the way; `LivenessLost`.
pub(crate) fn enter_to_read(
    word: &AtomicU64,
    readers: &[AtomicU64],
    me: u64,
    peers: &impl Peers,
    patience: Patience,
) -> Result<Reading> {
    let me = me | ENTERS;
    let told = word::acquire(word, me, peers, patience)?;
    let claimed = claim(readers, me, peers, patience);
    // Who takes the word next sees the reader's word, by the Release of this.
    word::release(word, me, 0);
    claimed.map(|index| Reading { index, told })
}

/// A reader goes.
pub(crate) fn leave(reader: &AtomicU64, me: u64) {
    word::release(reader, me | ENTERS, 0);
}

/// Goes in to write; says what the writer is told. It goes by [`word::release`].
///
/// # Errors
/// As [`enter_to_read`].
pub(crate) fn enter_to_write(
    word: &AtomicU64,
    readers: &[AtomicU64],
    me: u64,
    peers: &impl Peers,
    patience: Patience,
) -> Result<u64> {
    let enters = me | ENTERS;
    let told = word::acquire(word, enters, peers, patience)?;
    if let Err(error) = until_none_reads(readers, enters, peers, patience) {
        word::release(word, enters, 0);
        return Err(error);
    }
    // Acquire: orders what is written inside behind `word`: killed in between, this one is known to be inside.
    word.fetch_and(!ENTERS, Ordering::Acquire);
    Ok(told)
}

/// Takes a reader's word that is free.
fn claim(readers: &[AtomicU64], me: u64, peers: &impl Peers, patience: Patience) -> Result<usize> {
    // Relaxed: the word of the lock orders what is read.
    let is_free = |reader: &AtomicU64| {
        reader.load(Ordering::Relaxed) == 0
            && reader.compare_exchange(0, me, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    };
    match readers.iter().position(is_free) {
        Some(index) => Ok(index),
        None => claim_awaited(readers, me, peers, patience),
    }
}

/// The same where none is free: looks for the dead, then waits for one and looks at all again.
#[cold]
fn claim_awaited(
    readers: &[AtomicU64],
    me: u64,
    peers: &impl Peers,
    patience: Patience,
) -> Result<usize> {
    let take = |index: usize, patience| match word::acquire(&readers[index], me, peers, patience) {
        Ok(_) => Ok(Some(index)),
        Err(error) if error.kind() == ErrorKind::Busy => Ok(None),
        Err(error) => Err(error),
    };
    loop {
        for index in 0..readers.len() {
            if let Some(index) = take(index, Patience::None)? {
                return Ok(index);
            }
        }
        if patience.is_over() {
            return Err(all_taken(readers, peers));
        }
        if let Some(index) = take(0, Patience::Until(patience.step(LOOK_AGAIN)))? {
            return Ok(index);
        }
    }
}

#[cold]
fn all_taken(readers: &[AtomicU64], peers: &impl Peers) -> Error {
    let mut holders: Vec<Token> = Vec::new();
    for reader in readers {
        let holder = Token::named_by(reader.load(Ordering::Relaxed));
        holders.extend(holder.filter(|holder| !holders.contains(holder)));
    }
    let names: Vec<String> = holders.into_iter().map(|holder| peers.describe(holder)).collect();
    let detail = format!("all {} readers' places are held, by {}", readers.len(), names.join(", "));
    Error::new(ErrorKind::Busy, "", detail)
}

/// Waits for each reader; none comes meanwhile, since this process has the word.
fn until_none_reads(
    readers: &[AtomicU64],
    me: u64,
    peers: &impl Peers,
    patience: Patience,
) -> Result<()> {
    for reader in readers {
        // Acquire: pairs with the Release of the reader that went: it has read before this one writes.
        if reader.load(Ordering::Acquire) != 0 {
            word::acquire(reader, me, peers, patience)?;
            word::release(reader, me, 0);
        }
    }
    Ok(())
}

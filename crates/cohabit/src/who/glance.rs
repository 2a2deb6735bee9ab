//! What one look at the words of a lock says, before the kernel is asked about anybody: one function
//! for each kind of cell that has a lock.
//!
//! A cell of a new kind takes a function here and a line in [`of`]; the rest follows from its schema.
//! Nothing is written, and nothing of what is read is believed: it is shown to people.

use super::{Gathering, Hold};
use crate::plain::{Kind, Signal};
use crate::schema::Node;
use crate::segment::Segment;
use crate::sync::bell::WAITERS as BELL_WAITERS;
use crate::sync::permits::FREE;
use crate::sync::round::{ARRIVED, SEATS};
use crate::sync::word::{ENTERS, OWNER_DIED, POISONED};
use crate::token::{Token, WAITERS, same_holder};
use crate::value::cell::Commit;

use std::sync::atomic::Ordering;

/// What the words say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Glance {
    /// Words that name somebody, and what that one does with the lock.
    pub(super) holders: Vec<(Hold, u64)>,
    pub(super) awaited: bool,
    pub(super) owner_died: bool,
    pub(super) poisoned: bool,
    /// Of a barrier, where somebody has come.
    pub(super) gathering: Option<Gathering>,
    /// Of a lock whose holders commit.
    pub(super) version: Option<u64>,
}

impl Glance {
    /// A lock of which at most one has it, whom its word names.
    fn of_one(hold: Hold, word: u64) -> Glance {
        let holders: Vec<_> = Token::named_by(word).map(|_| (hold, word)).into_iter().collect();
        Glance { awaited: !holders.is_empty() && word & WAITERS != 0, holders, ..Glance::default() }
    }
}

/// The words of one cell.
///
/// Invariant: the cell lies inside the object, at a multiple of 8.
pub(super) struct Words<'a> {
    segment: &'a Segment,
    /// From the begin of the object on, in bytes.
    at: u64,
    size: u64,
}

impl<'a> Words<'a> {
    /// Those of a cell with this place; `None` if it is not in the object.
    pub(super) fn of(segment: &'a Segment, at: u64, size: u64) -> Option<Words<'a>> {
        let end = at.checked_add(size)?;
        let fits = at.is_multiple_of(8) && end <= segment.header.object_size;
        fits.then_some(Words { segment, at, size })
    }

    /// One of them, as it is now; 0 behind the cell.
    fn load(&self, index: u64) -> u64 {
        if index >= self.size / 8 {
            return 0;
        }
        let at = (self.segment.header.object_at + self.at + index * 8) as usize;
        // Acquire: pairs with the SeqCst swap in `cell::commit`, and orders the words of one cell as
        // they are loaded here: a version that is loaded first, and the same from look to look, stands
        // for one hold.
        self.segment.word(at).load(Ordering::Acquire)
    }
}

/// How a cell of this kind is looked at; `None` for one without a lock.
pub(super) fn of(node: &Node) -> Option<fn(&Words<'_>) -> Glance> {
    match node {
        Node::Value { .. } => Some(value),
        Node::Mutex { .. } => Some(mutex),
        Node::RwLock { .. } => Some(rw_lock),
        Node::Signal(Signal::Semaphore) => Some(semaphore),
        Node::Signal(Signal::Barrier) => Some(barrier),
        Node::OnceCell { .. } | Node::Signal(Signal::Once) => Some(once),
        _ => None,
    }
}

fn value(cell: &Words<'_>) -> Glance {
    let version = Some(Commit(cell.load(1)).version());
    Glance { version, ..Glance::of_one(Hold::Writes, cell.load(0)) }
}

fn mutex(cell: &Words<'_>) -> Glance {
    let word = cell.load(0);
    let (owner_died, poisoned) = (word & OWNER_DIED != 0, word & POISONED != 0);
    Glance { owner_died, poisoned, ..Glance::of_one(Hold::Owns, word) }
}

/// The word of who goes in and of the writer, then one for each reader.
fn rw_lock(cell: &Words<'_>) -> Glance {
    let word = cell.load(0);
    let goes_in = if word & ENTERS == 0 { Hold::Owns } else { Hold::Enters };
    let mut seen = Glance::of_one(goes_in, word);
    (seen.owner_died, seen.poisoned) = (word & OWNER_DIED != 0, word & POISONED != 0);
    for reader in 1..=Kind::RW_LOCK_READERS as u64 {
        let reads = Glance::of_one(Hold::Reads, cell.load(reader));
        seen.holders.extend(reads.holders);
        seen.awaited |= reads.awaited;
    }
    seen
}

/// The bell, then one word for each permit. Who has several is told once; where one is free, nobody waits.
fn semaphore(cell: &Words<'_>) -> Glance {
    let permits: Vec<u64> = (1..cell.size / 8).map(|index| cell.load(index)).collect();
    let holders = each_once(Hold::Owns, permits.iter().copied());
    let awaited = cell.load(0) & BELL_WAITERS != 0 && !permits.contains(&FREE);
    Glance { holders, awaited, ..Glance::default() }
}

/// The bell, the gate, what is told, how many make a round, then the seats: a bit of the gate says that who sits
/// there has come to the round that fills. Whose threads have several seats is told once.
fn barrier(cell: &Words<'_>) -> Glance {
    let (arrived, parties) = (cell.load(1) & ARRIVED, cell.load(3));
    let seats = (0..SEATS as u64).filter(|seat| arrived >> seat & 1 != 0);
    let holders = each_once(Hold::Waits, seats.map(|seat| cell.load(4 + seat)));
    let gathering = Gathering { came: arrived.count_ones().into(), parties };
    Glance { holders, gathering: (arrived != 0).then_some(gathering), ..Glance::default() }
}

/// Those whom the words name, each once.
fn each_once(hold: Hold, words: impl Iterator<Item = u64>) -> Vec<(Hold, u64)> {
    let mut holders: Vec<(Hold, u64)> = Vec::new();
    for word in words.filter(|word| Token::named_by(*word).is_some()) {
        if !holders.iter().any(|(_, other)| same_holder(word, *other)) {
            holders.push((hold, word));
        }
    }
    holders
}

fn once(cell: &Words<'_>) -> Glance {
    let word = cell.load(0);
    // It can be awaited while nobody is at it: by those who only wait until it is done.
    Glance { awaited: word & WAITERS != 0, ..Glance::of_one(Hold::Runs, word) }
}

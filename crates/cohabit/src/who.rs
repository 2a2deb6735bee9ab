//! Who reads, and who holds which lock: what `cohabit who` stands on. For people only.
//!
//! Nothing here takes a lock, writes, or waits: lock words are loaded once, and the maps of other
//! processes are what the system shows of them. Both may be old when they are told.

use std::sync::atomic::Ordering;

use cohabit_os::process;

use crate::error::{Error, ErrorKind, Result};
use crate::plain::Kind;
use crate::segment::Segment;
use crate::token::{Token, WAITERS, same_holder};
use crate::untyped::{Cell, Untyped};
use crate::users::User;
use crate::value::cell::Commit;

/// A lock of a cell that somebody holds who lives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldLock {
    /// The cell, such as `state` or `wheels[2].value`; empty where the object is one cell.
    pub path: String,
    /// Who holds it, where its row tells.
    pub holder: Option<User>,
    /// Whether somebody waits for it.
    pub awaited: bool,
    /// Whether it is held for reading, beside others: a `RwLock` has a line for each reader.
    pub shared: bool,
    /// Where the word that names the holder is.
    at: usize,
    word: u64,
    /// Of a lock whose holders commit.
    version: Option<u64>,
}

impl HeldLock {
    /// Whether a commit tells one hold from the next, so that looks which saw the same hold
    /// ([`HeldLock::is_same_hold`]) prove that it lasted. The holders of a `Value` commit, those of a
    /// `Mutex` do not.
    pub fn has_commits(&self) -> bool {
        self.version.is_some()
    }

    /// Whether this look and another one saw the same hold: the same holder of the same cell, and no
    /// commit between them. A holder that let go without a commit, as every holder of a mutex does, and
    /// came again in between looks the same.
    pub fn is_same_hold(&self, other: &HeldLock) -> bool {
        self.at == other.at && same_holder(self.word, other.word) && self.version == other.version
    }
}

/// Processes that only read an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observers {
    /// Those that the system shows, by their pids; never this process.
    pub seen: Vec<User>,
    /// How many other processes may not be looked at.
    pub hidden: usize,
}

impl Untyped {
    /// The locks of cells that are held now, in the order of the object. Nobody is disturbed.
    ///
    /// # Errors
    /// `LivenessLost`; `HeaderInvalid` when the schema does not fit the object.
    ///
    /// # If a peer dies
    /// A lock that a dead process left is held by nobody: the next writer takes it over.
    pub fn held_locks(&self) -> Result<Vec<HeldLock>> {
        let segment = self.segment();
        let with_lock = self.cells().filter(|cell| cell.has_lock());
        let mut held = Vec::new();
        for cell in with_lock {
            let readers = cell.has_readers().then_some(1..=Kind::RW_LOCK_READERS);
            for word in std::iter::once(0).chain(readers.into_iter().flatten()) {
                held.extend(held_lock(segment, cell, word)?);
            }
        }
        Ok(held)
    }

    /// The other processes that have the object mapped for reading only, where the system shows it.
    /// This looks at all processes of the machine: some milliseconds.
    ///
    /// # Errors
    /// `Unsupported` where there is no /proc; `LivenessLost`.
    pub fn observers(&self) -> Result<Observers> {
        let segment = self.segment();
        let found = process::mappers(segment.mapping.base().addr().get())
            .map_err(|e| Error::from_os(&segment.name, "looking for observers", e))?;
        // A user may have a view beside its own map.
        let users = segment.users()?;
        let is_user = |pid| users.iter().any(|user| user.pid == pid);
        let only_reads =
            found.seen.iter().filter(|mapper| !mapper.writes && !is_user(mapper.identity.pid));
        let seen = only_reads.map(|mapper| User::of(mapper.identity, false)).collect();
        Ok(Observers { seen, hidden: found.hidden })
    }
}

/// The lock whose word is that of this number in the cell, if it is held.
fn held_lock(segment: &Segment, cell: Cell<'_>, number: usize) -> Result<Option<HeldLock>> {
    let at = cell.offset();
    let head = if cell.has_versions() { Kind::VALUE_HEAD as u64 } else { 8 * (1 + number as u64) };
    let fits = at.is_multiple_of(8)
        && at.checked_add(head).is_some_and(|end| end <= segment.header.object_size);
    if !fits {
        let detail = format!("the schema has a cell at byte {at}, which is not in the object");
        return Err(Error::new(ErrorKind::HeaderInvalid, &segment.name, detail));
    }
    let at = (segment.header.object_at + at) as usize + 8 * number;
    // Acquire: pairs with the SeqCst swap in `cell::commit`, and orders this load before that of the
    // lock word: a version that stays the same from look to look then stands for one hold.
    let version = || Commit(segment.word(at + 8).load(Ordering::Acquire)).version();
    let version = cell.has_versions().then(version);
    let word = segment.word(at).load(Ordering::Relaxed);
    let Some(token) = Token::named_by(word) else { return Ok(None) };
    if segment.is_dead(token)? {
        return Ok(None);
    }
    let holder = segment.user_of(token);
    let path = cell.path();
    let awaited = word & WAITERS != 0;
    Ok(Some(HeldLock { path, holder, awaited, shared: number > 0, at, word, version }))
}

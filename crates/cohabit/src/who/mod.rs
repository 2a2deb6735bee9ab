//! Who reads, and who holds which lock: what `cohabit who` and `status()` stand on. For people only.
//!
//! Nothing here takes a lock, writes, or waits: lock words are loaded once, and the maps of other
//! processes are what the system shows of them. Both may be old when they are told.

mod glance;

use std::fmt;

use cohabit_os::process;

use crate::error::{Error, ErrorKind, Result};
use crate::schema::Node;
use crate::segment::Segment;
use crate::token::{Token, same_holder};
use crate::untyped::{Untyped, first_part, path_of};
use crate::users::User;
use glance::Words;

/// What somebody does with a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hold {
    /// Has it for itself.
    Owns,
    /// Writes what it guards.
    Writes,
    /// Reads what it guards, beside others.
    Reads,
    /// Goes in, to read or to write, and has changed nothing.
    Enters,
    /// Does what is done once.
    Runs,
    /// Waits at a barrier, until all are there.
    Waits,
}

impl Hold {
    /// A word for it, for programs that read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Hold::Owns => "owns",
            Hold::Writes => "writes",
            Hold::Reads => "reads",
            Hold::Enters => "enters",
            Hold::Runs => "runs",
            Hold::Waits => "waits",
        }
    }
}

/// What the kernel says of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It lives, and keeps what it has, however long it is stopped.
    Live,
    /// It is dead: whoever comes next takes its lock over.
    Dead,
    /// This process may not ask (see [`Standing::Unjudged`](crate::Standing::Unjudged)), or the instance has
    /// ended, and what would tell is gone.
    Unjudged,
}

impl Verdict {
    /// A word for it, for programs that read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Live => "live",
            Verdict::Dead => "dead",
            Verdict::Unjudged => "unjudged",
        }
    }
}

/// One that the words of a lock name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// What it does with the lock.
    pub hold: Hold,
    /// Whether it lives.
    pub verdict: Verdict,
    /// Who it is, where its row still tells: another process may have the row of a dead one.
    pub user: Option<User>,
    word: u64,
}

/// A lock of which there is something to tell, as one look found it: somebody has it, or the dead left
/// it, or it bears the mark of a death or a panic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockState {
    /// The cell, such as `state` or `wheels[2].value`; empty where the object is one cell.
    pub path: String,
    /// Its type, such as `Mutex<Journal>`.
    pub cell: String,
    /// Those who have it.
    pub holders: Vec<Holder>,
    /// Whether somebody waits for it, or did while the same ones had it.
    pub awaited: bool,
    /// Whether a holder died inside, and none since has said that all is well.
    pub owner_died: bool,
    /// Whether a holder panicked inside, and nobody has cleared that since.
    pub poisoned: bool,
    /// Of a barrier: how many have come to the round that fills.
    pub gathering: Option<Gathering>,
    /// Of a lock whose holders commit.
    version: Option<u64>,
}

/// The round of a barrier that fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gathering {
    /// How many have come, each thread of a process for itself.
    pub came: u64,
    /// How many make a round.
    pub parties: u64,
}

impl LockState {
    /// Whether somebody who lives has it, or waits at it where it is a barrier.
    pub fn is_held(&self) -> bool {
        self.holders.iter().any(|holder| holder.verdict == Verdict::Live)
    }

    /// Whether a commit tells one hold from the next, so that looks which saw the same hold
    /// ([`LockState::is_same_hold`]) prove that it lasted. The holders of a `Value` commit, those of a
    /// `Mutex` do not.
    pub fn has_commits(&self) -> bool {
        self.version.is_some()
    }

    /// Whether this look and another one saw the same hold: the same holders of the same cell, and no
    /// commit between them. A holder that let go without a commit, as every holder of a mutex does, and
    /// came again in between looks the same.
    pub fn is_same_hold(&self, other: &LockState) -> bool {
        let same = |(mine, other): (&Holder, &Holder)| same_holder(mine.word, other.word);
        self.path == other.path
            && self.version == other.version
            && self.holders.len() == other.holders.len()
            && self.holders.iter().zip(&other.holders).all(same)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let does = match self.hold {
            Hold::Owns => "held",
            Hold::Writes => "being written",
            Hold::Reads => "held for reading",
            Hold::Enters => "being entered",
            Hold::Runs => "being done",
            Hold::Waits => "awaited",
        };
        let then = match self.hold {
            Hold::Waits => "the others of its round are told so",
            _ => "whoever comes next takes it over",
        };
        match (self.verdict, &self.user) {
            (Verdict::Live, Some(user)) => write!(f, "{does} by {user}"),
            (Verdict::Live, None) => write!(f, "{does} by a process that its row does not tell"),
            // Of a dead one, the number is all that still says something.
            (Verdict::Dead, Some(user)) => {
                write!(f, "left by pid {}, which is dead: {then}", user.pid)
            }
            (Verdict::Dead, None) => write!(f, "left by a process that is dead: {then}"),
            (Verdict::Unjudged, Some(user)) => write!(f, "{does} by {user}, if that one lives"),
            (Verdict::Unjudged, None) => write!(f, "{does} by a process, if that one lives"),
        }
    }
}

impl fmt::Display for LockState {
    /// All but the path, in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said: Vec<_> = self.holders.iter().map(ToString::to_string).collect();
        if said.is_empty() {
            said.push("nobody has it".to_owned());
        }
        let mut say = |text: &str| said.push(text.to_owned());
        if let Some(Gathering { came, parties }) = self.gathering {
            say(&format!("{came} of {parties} have come"));
        }
        if self.awaited {
            say("somebody waits for it");
        }
        if self.owner_died {
            say("a holder died inside, and none has called it consistent since");
        }
        if self.poisoned {
            say("a holder panicked inside, and nobody has cleared that since");
        }
        f.write_str(&said.join("; "))
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
    /// The locks of which there is something to tell now, in the order of the object. Nobody is
    /// disturbed: this loads their words, and asks the kernel about those whom they name.
    ///
    /// # Errors
    /// `LivenessLost`; `HeaderInvalid` when the schema does not fit the object.
    ///
    /// # If a peer dies
    /// What it left is told as left by a dead one until somebody has taken it over.
    pub fn locks(&self) -> Result<Vec<LockState>> {
        self.segment().locks(&self.schema().root)
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

impl Segment {
    /// The locks of an object with this schema, of which there is something to tell.
    pub(crate) fn locks(&self, root: &Node) -> Result<Vec<LockState>> {
        let mut locks = Vec::new();
        let mut from = 0;
        let has_lock = |node: &Node| glance::of(node).is_some();
        while let Some((node, at)) = first_part(root, 0, from, &has_lock) {
            from = at + node.size();
            locks.extend(self.lock_at(root, node, at)?);
        }
        Ok(locks)
    }

    fn lock_at(&self, root: &Node, node: &Node, at: u64) -> Result<Option<LockState>> {
        let Some(words) = Words::of(self, at, node.size()) else {
            let detail =
                format!("the schema has a cell at byte {at}, which does not fit in the object");
            return Err(Error::new(ErrorKind::HeaderInvalid, &self.name, detail));
        };
        let Some(look) = glance::of(node) else { return Ok(None) };
        let seen = look(&words);
        if seen.holders.is_empty() && !(seen.awaited || seen.owner_died || seen.poisoned) {
            return Ok(None);
        }
        let holders = seen.holders.iter().filter_map(|(hold, word)| self.holder(*hold, *word));
        Ok(Some(LockState {
            path: path_of(root, at),
            cell: node.type_name(),
            holders: holders.collect::<Result<_>>()?,
            awaited: seen.awaited,
            owner_died: seen.owner_died,
            poisoned: seen.poisoned,
            gathering: seen.gathering,
            version: seen.version,
        }))
    }

    /// Whom a word names, if anybody, and what the kernel says of that one.
    fn holder(&self, hold: Hold, word: u64) -> Option<Result<Holder>> {
        let token = Token::named_by(word)?;
        let verdict = match self.is_dead(token) {
            Ok(true) => Verdict::Dead,
            Ok(false) => Verdict::Live,
            Err(error) if error.kind() == ErrorKind::LivenessHidden => Verdict::Unjudged,
            // What tells who lives can go with the name.
            Err(error) if error.kind() == ErrorKind::LivenessLost && self.has_ended() => {
                Verdict::Unjudged
            }
            Err(error) => return Some(Err(error)),
        };
        Some(Ok(Holder { hold, verdict, user: self.user_of(token), word }))
    }
}

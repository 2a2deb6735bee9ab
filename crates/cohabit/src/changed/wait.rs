//! One wait for the next commit, on the side of who waits.
//!
//! All that a wait writes to an object, it writes here, on the caller's thread: a user sets the waiter
//! bit, as a call that blocks does. The waiting thread only reads.
//!
//! No commit is missed: the entry is in the book before the bit is set, and the bit is set only on the
//! very word that was judged. A commit before that changes the word, so it is judged again; the commit
//! after it finds the bit and wakes the thread, which finds the entry.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};

use super::watch::{self, Entry, Ticket};
use crate::error::{Error, ErrorKind, Result};
use crate::member::{Attachment, Member};
use crate::registry;
use crate::site::Site;
use crate::value::Version;
use crate::value::cell::Commit;
use crate::value::wait::ask;

/// How often a word that changes under every look is judged, before it is left to the thread.
const TRIES: u32 = 16;

/// As whom a process waits.
#[derive(Clone, Copy)]
pub(super) enum Who<'a> {
    /// As a user or guest: it may write.
    User,
    /// As an observer.
    View(&'a Member),
}

impl Who<'_> {
    /// What has the cell mapped.
    fn member(self, commit: &AtomicU64) -> Result<Arc<Member>> {
        let address = commit.as_ptr().addr();
        match self {
            Who::User => Site::of(address)?.member(),
            Who::View(member) => registry::at(address).ok_or_else(|| left(member)),
        }
    }

    /// What has the cell mapped, held like one more handle.
    pub(super) fn attachment(self, commit: &AtomicU64) -> Result<Arc<Attachment>> {
        let address = commit.as_ptr().addr();
        match self {
            Who::User => Site::of(address)?.attachment(),
            Who::View(member) => registry::attachment_at(address).ok_or_else(|| left(member)),
        }
    }

    /// Asks for a wake-up, if it may; whether nothing has changed since `word` was read.
    fn ask(self, commit: &AtomicU64, word: u64) -> bool {
        match self {
            Who::User => ask(commit, word),
            // The thread looks at it soon, whatever it is by then.
            Who::View(_) => true,
        }
    }
}

#[cold]
fn left(member: &Member) -> Error {
    let detail = "this view's object is not open any more";
    Error::new(ErrorKind::NotShared, &member.segment.name, detail)
}

/// A wait that may have begun.
pub(super) struct Wait {
    seen: Version,
    /// Its place in the book; given up by dropping it.
    ticket: Option<Ticket>,
}

impl Wait {
    pub(super) fn new(seen: Version) -> Wait {
        Wait { seen, ticket: None }
    }

    pub(super) fn seen(&self) -> Version {
        self.seen
    }

    /// The version, if it is not the one seen; else `waker` is called when it may have become so.
    pub(super) fn poll(
        &mut self,
        commit: &AtomicU64,
        who: Who<'_>,
        waker: &Waker,
    ) -> Poll<Result<Version>> {
        let outcome = self.look(commit, who, waker).transpose();
        match outcome {
            Some(outcome) => {
                self.ticket = None;
                Poll::Ready(outcome)
            }
            None => Poll::Pending,
        }
    }

    fn look(&mut self, commit: &AtomicU64, who: Who<'_>, waker: &Waker) -> Result<Option<Version>> {
        for _ in 0..TRIES {
            // Relaxed: only the version is judged; the value is read with its own fences.
            let word = commit.load(Ordering::Relaxed);
            let version = Version(Commit(word).version());
            if version != self.seen {
                return Ok(Some(version));
            }
            let member = who.member(commit)?;
            member.segment.check_alive()?;
            let entry = Entry::new(&member, commit, self.seen, waker.clone());
            let entered = watch::enter(self.ticket.take(), entry);
            self.ticket = Some(entered.map_err(|error| error.about(&member.segment.name))?);
            if who.ask(commit, word) {
                return Ok(None);
            }
        }
        // A peer changes the word without making versions. The thread looks again without our bit.
        Ok(None)
    }
}

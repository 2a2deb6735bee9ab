//! The book of this process: who waits for which word, and the bell that wakes the waiting thread.
//!
//! Invariants:
//! 1. while the book is locked, no code of the program runs, and nothing of ours is dropped that may
//!    be the last of its kind: wakers are cloned before and called or dropped after;
//! 2. the book keeps nothing alive: it knows members weakly, and the thread lets go of what it holds
//!    whenever it looks, at most 100 ms later. So a future that was forgotten keeps no object;
//! 3. each process has a book of its own. A child never touches its parent's, whose lock some thread
//!    may have held at the fork: it finds none, and a ticket for another book does nothing;
//! 4. who enters rings the bell, unless the thread watches that word: then it judges the word, before
//!    it sleeps for long, against what it read while it had the book.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use cohabit_os::fork::PerProcess;
use cohabit_os::{thread, wait};

use super::rounds;
use crate::error::{Error, Result};
use crate::member::Member;
use crate::token::Life;
use crate::value::Version;
use crate::value::cell::Commit;

static HERE: PerProcess<Watch> = PerProcess::new();

/// The bell: nobody rang, and the thread is awake.
const QUIET: u64 = 0;
/// The thread sleeps, or is about to.
const ASLEEP: u64 = 1;
/// Somebody rang.
const RUNG: u64 = 2;

/// What the waiting thread and those who wait have in common.
pub(super) struct Watch {
    book: Mutex<Book>,
    bell: AtomicU64,
}

struct Book {
    /// Whether the thread was started.
    started: bool,
    /// The number of the next entry.
    next: u64,
    entries: BTreeMap<u64, Entry>,
    /// The addresses of the words that the thread watches (invariant 4), and keeps mapped meanwhile.
    watched: BTreeSet<usize>,
}

/// One who waits.
pub(super) struct Entry {
    member: Weak<Member>,
    /// The address of the commit word in the member's mapping.
    address: usize,
    seen: Version,
    /// Taken to be called; then the entry waits for its owner to come back or to go.
    waker: Option<Waker>,
}

impl Entry {
    pub(super) fn new(
        member: &Arc<Member>,
        commit: &AtomicU64,
        seen: Version,
        waker: Waker,
    ) -> Entry {
        let (member, address) = (Arc::downgrade(member), commit.as_ptr().addr());
        Entry { member, address, seen, waker: Some(waker) }
    }
}

/// A place in the book; dropped, it is given up.
pub(super) struct Ticket {
    watch: &'static Watch,
    number: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.watch.is_here() {
            let entry = self.watch.book().entries.remove(&self.number);
            // Out here, where the book is not locked any more (invariant 1).
            drop(entry);
        }
    }
}

/// The book of this process.
pub(super) fn here() -> Result<&'static Watch> {
    HERE.get_or_make(Watch::new).map_err(failed)
}

/// Enters one who waits, in the place of `old`.
pub(super) fn enter(old: Option<Ticket>, entry: Entry) -> Result<Ticket> {
    drop(old);
    let watch = here()?;
    let address = entry.address;
    let mut book = watch.book();
    if let Err(error) = book.start(watch) {
        drop(book);
        return Err(failed(error));
    }
    let number = book.next;
    book.next += 1;
    book.entries.insert(number, entry);
    let is_watched = book.watched.contains(&address);
    drop(book);
    if !is_watched {
        watch.ring();
    }
    Ok(Ticket { watch, number })
}

#[cold]
fn failed(error: cohabit_os::Error) -> Error {
    Error::from_os("", "starting the thread that waits for changes", error)
}

impl Book {
    /// Starts the thread, unless it was.
    fn start(&mut self, watch: &'static Watch) -> cohabit_os::Result<()> {
        if !self.started {
            thread::start("cohabit-changes", move || rounds::run(watch))?;
            self.started = true;
        }
        Ok(())
    }
}

/// A word that somebody waits for, mapped as long as this exists.
pub(super) struct Word {
    pub(super) member: Arc<Member>,
    address: usize,
    /// What it was when it was looked at.
    pub(super) was: u64,
}

impl Word {
    fn of(member: Arc<Member>, address: usize) -> Word {
        let mut word = Word { member, address, was: 0 };
        word.was = word.get().load(Ordering::Relaxed);
        word
    }

    pub(super) fn get(&self) -> &AtomicU64 {
        self.member.segment.word(self.address - self.member.base())
    }

    /// Whether one who waits for the version after `seen` is to be called.
    fn is_due(&self, seen: Version, over: &[Arc<Member>]) -> bool {
        Commit(self.was).version() != seen.number()
            || self.member.segment.life_now() == Life::Dead
            || over.iter().any(|member| Arc::ptr_eq(member, &self.member))
    }
}

/// What the thread sees when it looks at everything.
#[derive(Default)]
pub(super) struct Sight {
    /// To be called: what they wait for may have come.
    pub(super) due: Vec<Waker>,
    /// What the others wait for, each word once; those that were awaited last come first.
    pub(super) words: Vec<Word>,
    /// Only kept until the book is not locked any more (invariant 1).
    spare: Vec<Word>,
}

impl Watch {
    fn new() -> Watch {
        let (entries, watched) = (BTreeMap::new(), BTreeSet::new());
        let book = Book { started: false, next: 0, entries, watched };
        Watch { book: Mutex::new(book), bell: AtomicU64::new(QUIET) }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it belongs to this process.
    pub(super) fn is_here(&self) -> bool {
        HERE.get().is_some_and(|here| std::ptr::eq(here, self))
    }

    /// Looks at every word that somebody waits for. Those in `over` may have ended.
    pub(super) fn look(&self, over: &[Arc<Member>]) -> Sight {
        // Before the look: who rings from now on is heard by `fall_asleep`.
        self.bell.store(QUIET, Ordering::Relaxed);
        let mut sight = Sight::default();
        let mut forgotten = Vec::new();
        let mut book = self.book();
        let Book { entries, watched, .. } = &mut *book;
        watched.clear();
        for (number, entry) in entries.iter_mut().rev() {
            if entry.waker.is_none() {
                continue;
            }
            let Some(member) = entry.member.upgrade() else {
                // Who waits borrows its object, so this one was forgotten before the object went.
                sight.due.extend(entry.waker.take());
                forgotten.push(*number);
                continue;
            };
            let word = Word::of(member, entry.address);
            let is_due = word.is_due(entry.seen, over);
            if is_due {
                sight.due.extend(entry.waker.take());
            }
            let is_new = !is_due && watched.insert(word.address);
            if is_new { &mut sight.words } else { &mut sight.spare }.push(word);
        }
        for number in forgotten {
            entries.remove(&number);
        }
        drop(book);
        sight.spare.clear();
        sight
    }

    /// Begins a sleep that the bell ends; whether nobody has rung since the last look.
    pub(super) fn fall_asleep(&self) -> bool {
        // Relaxed, as everywhere on the bell: what is rung for is in the book, whose lock orders it.
        self.bell.compare_exchange(QUIET, ASLEEP, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// The bell and what its low half is during a sleep.
    pub(super) fn bell(&self) -> (&AtomicU64, u32) {
        (&self.bell, ASLEEP as u32)
    }

    /// Ends a sleep; whether nobody has rung.
    pub(super) fn wake_up(&self) -> bool {
        self.bell.compare_exchange(ASLEEP, QUIET, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Has the thread look at everything.
    fn ring(&self) {
        if self.bell.swap(RUNG, Ordering::Relaxed) == ASLEEP {
            wait::wake_one(&self.bell);
        }
    }
}

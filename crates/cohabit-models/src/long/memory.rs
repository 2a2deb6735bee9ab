//! A memory as weak as C++ lets it be, for one schedule: every store to a word is kept, and a load may
//! find any of them that its thread does not know to be over.
//!
//! Each thread has a *view*: for each word, the oldest store that it may still find. A store carries the
//! view of its thread along if it is a Release, or what the last Release fence saw; a load that is an Acquire
//! takes over what it finds there, and one that is not keeps it for the next Acquire fence. SeqCst is one order
//! of all such accesses, that of the schedule: a SeqCst load does not find less than the last SeqCst store.
//! The model is that of J. Kang and others, "A promising semantics for relaxed-memory concurrency" (2017),
//! without its promises: a store is never seen before its thread came to it, and a word's stores stand in
//! the order in which they were made. An exchange finds the last one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::Ordering;

use shuttle::rand::{Rng as _, thread_rng};

/// The oldest store to each word that may still be found.
#[derive(Clone, Debug, Default)]
pub(crate) struct View(Vec<usize>);

impl View {
    fn of(&self, word: usize) -> usize {
        self.0.get(word).copied().unwrap_or(0)
    }

    fn raise(&mut self, word: usize, to: usize) {
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] = self.0[word].max(to);
    }

    /// What both know.
    pub(crate) fn join(&mut self, other: &View) {
        for (word, at) in other.0.iter().enumerate() {
            self.raise(word, *at);
        }
    }
}

/// One store.
#[derive(Debug)]
struct Stored {
    value: u64,
    /// What an Acquire of it learns.
    view: View,
}

/// One word, with all that was ever stored.
#[derive(Debug)]
struct Word {
    stores: Vec<Stored>,
    /// The last store that was SeqCst.
    in_order: usize,
}

/// What one thread knows.
#[derive(Clone, Debug, Default)]
struct Thread {
    view: View,
    /// What it would know after an Acquire fence.
    found: View,
    /// What it knew at its last Release fence.
    released: View,
}

/// The memory of one schedule.
#[derive(Debug, Default)]
struct Memory {
    numbers: HashMap<usize, usize>,
    words: Vec<Word>,
    threads: Vec<Thread>,
    /// What SeqCst fences know of each other.
    fences: View,
}

thread_local! {
    /// Shuttle runs all threads of a schedule on one thread of the system, one step at a time.
    static MEMORY: RefCell<Memory> = RefCell::new(Memory::default());
}

shuttle::thread_local! {
    /// The number of this thread.
    static ME: std::cell::Cell<usize> = std::cell::Cell::new(0);
}

fn acquires(order: Ordering) -> bool {
    matches!(order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst)
}

fn releases(order: Ordering) -> bool {
    matches!(order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst)
}

fn with<R>(act: impl FnOnce(&mut Memory, usize) -> R) -> R {
    let me = me();
    MEMORY.with_borrow_mut(|memory| act(memory, me))
}

/// A new schedule begins: with one thread, and no words.
pub(crate) fn begin() {
    MEMORY.set(Memory { threads: vec![Thread::default()], ..Memory::default() });
}

/// A thread that knows what this one knows; its number, for [`enter`].
pub(crate) fn fork() -> usize {
    with(|memory, me| {
        let child = Thread { released: View::default(), ..memory.threads[me].clone() };
        memory.threads.push(child);
        memory.threads.len() - 1
    })
}

/// This thread is that one, from now on.
pub(crate) fn enter(number: usize) {
    ME.with(|me| me.set(number));
}

/// The number of this thread.
pub(crate) fn me() -> usize {
    ME.with(std::cell::Cell::get)
}

/// What this thread knows, for one that will learn it another way than by memory.
pub(crate) fn view() -> View {
    with(|memory, me| memory.threads[me].view.clone())
}

/// This thread learns what another one knew.
pub(crate) fn learn(view: &View) {
    with(|memory, me| {
        memory.threads[me].view.join(view);
        memory.threads[me].found.join(view);
    });
}

/// What stands in a word in the end: for who looks without being one of the threads.
pub(crate) fn last(address: usize, first: u64) -> u64 {
    with(|memory, _| {
        let word = memory.word(address, first);
        memory.words[word].stores.last().map_or(first, |stored| stored.value)
    })
}

pub(crate) fn load(address: usize, first: u64, order: Ordering) -> u64 {
    let (word, oldest, last) = with(|memory, me| {
        let word = memory.word(address, first);
        let known = memory.threads[me].view.of(word);
        let in_order = if order == Ordering::SeqCst { memory.words[word].in_order } else { 0 };
        (word, known.max(in_order), memory.words[word].stores.len() - 1)
    });
    // Drawn outside: shuttle's numbers are steps of its own.
    let at = if oldest == last || thread_rng().gen_bool(0.5) {
        last
    } else {
        thread_rng().gen_range(oldest..=last)
    };
    with(|memory, me| memory.find(me, word, at, order))
}

pub(crate) fn store(address: usize, first: u64, value: u64, order: Ordering) {
    with(|memory, me| {
        let word = memory.word(address, first);
        memory.put(me, word, value, order, View::default());
    });
}

/// An exchange of what stands there for what `change` makes of it, or the failure that `None` is.
pub(crate) fn exchange(
    address: usize,
    first: u64,
    (success, failure): (Ordering, Ordering),
    change: impl FnOnce(u64) -> Option<u64>,
) -> Result<u64, u64> {
    with(|memory, me| {
        let word = memory.word(address, first);
        let at = memory.words[word].stores.len() - 1;
        let before = memory.words[word].stores[at].value;
        let Some(next) = change(before) else {
            return Err(memory.find(me, word, at, failure));
        };
        memory.find(me, word, at, success);
        // What a chain of exchanges carries along is that of all of them.
        let carried = memory.words[word].stores[at].view.clone();
        memory.put(me, word, next, success, carried);
        Ok(before)
    })
}

pub(crate) fn fence(order: Ordering) {
    with(|memory, me| {
        let Memory { threads, fences, .. } = memory;
        let thread = &mut threads[me];
        if acquires(order) {
            let found = thread.found.clone();
            thread.view.join(&found);
        }
        if order == Ordering::SeqCst {
            thread.view.join(fences);
            fences.join(&thread.view);
        }
        if releases(order) {
            thread.released = thread.view.clone();
        }
    });
}

impl Memory {
    /// The number of a word; `first` stands in it from the beginning.
    fn word(&mut self, address: usize, first: u64) -> usize {
        let next = self.words.len();
        let number = *self.numbers.entry(address).or_insert(next);
        if number == next {
            let stored = Stored { value: first, view: View::default() };
            self.words.push(Word { stores: vec![stored], in_order: 0 });
        }
        number
    }

    /// The thread finds a store.
    fn find(&mut self, me: usize, word: usize, at: usize, order: Ordering) -> u64 {
        let (thread, stored) = (&mut self.threads[me], &self.words[word].stores[at]);
        thread.view.raise(word, at);
        thread.found.raise(word, at);
        thread.found.join(&stored.view);
        if acquires(order) {
            thread.view.join(&stored.view);
        }
        stored.value
    }

    /// The thread stores, and carries along what it must.
    fn put(&mut self, me: usize, word: usize, value: u64, order: Ordering, carried: View) {
        let at = self.words[word].stores.len();
        let thread = &mut self.threads[me];
        thread.view.raise(word, at);
        thread.found.raise(word, at);
        let mut view = carried;
        view.join(if releases(order) { &thread.view } else { &thread.released });
        view.raise(word, at);
        if order == Ordering::SeqCst {
            self.words[word].in_order = at;
        }
        self.words[word].stores.push(Stored { value, view });
    }
}

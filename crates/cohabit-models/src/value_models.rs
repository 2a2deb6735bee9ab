//! A value: never torn, nothing committed lost, whoever dies wherever.

use crate::cell::{self, CellWords, Commit, PINS};
use crate::lock::{Patience, acquire};
use crate::primitive::{AtomicU64, Ordering};
use crate::process::{FOR_EVER, Kernel};
use std::sync::Arc;

use loom::thread;

/// A cell of three copies of two words. The words of a version are its own number, twice.
struct Cell {
    lock: AtomicU64,
    commit: AtomicU64,
    pins: [AtomicU64; PINS],
    copies: [(AtomicU64, [AtomicU64; 2]); 3],
}

impl CellWords for Cell {
    fn lock(&self) -> &AtomicU64 {
        &self.lock
    }
    fn commit(&self) -> &AtomicU64 {
        &self.commit
    }
    fn pins(&self) -> &[AtomicU64; PINS] {
        &self.pins
    }
    fn count(&self) -> usize {
        self.copies.len()
    }
    fn stamp(&self, index: usize) -> &AtomicU64 {
        &self.copies[index].0
    }
    fn data(&self, index: usize) -> &[AtomicU64] {
        &self.copies[index].1
    }
}

impl Cell {
    /// Version 1 in copy 0.
    fn new() -> Arc<Self> {
        let copy = |n| (AtomicU64::new(n), [n, n].map(AtomicU64::new));
        Arc::new(Self {
            lock: AtomicU64::new(0),
            commit: AtomicU64::new(Commit::FIRST.0),
            pins: [0; PINS].map(AtomicU64::new),
            copies: [copy(1), copy(0), copy(0)],
        })
    }

    /// Commits the next version, as `set` does.
    fn set(&self, kernel: &Kernel, slot: u16) -> u64 {
        let held = acquire(&self.lock, Kernel::token(slot), kernel, Patience::Forever).unwrap();
        let committed = cell::committed(self).unwrap();
        let next = committed.version() + 1;
        let commit = cell::publish(self, held, committed, |words| {
            words.iter().for_each(|word| word.store(next, Ordering::Relaxed));
        });
        commit.version()
    }

    /// One try of a reader, as `get` does: the version, if the race was won.
    fn try_get(&self) -> Option<u64> {
        let commit = cell::current(self).unwrap();
        let words = [0, 1].map(|n| self.data(commit.index())[n].load(Ordering::Relaxed));
        if !cell::holds_still(self, commit) {
            return None;
        }
        assert_eq!(words, [commit.version(); 2], "torn");
        Some(commit.version())
    }
}

fn model(preemptions: usize, test: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(test);
}

/// Starts a process that sets the value `times`, killed after so many steps.
fn writer(
    kernel: &Kernel,
    cell: &Arc<Cell>,
    slot: u16,
    steps: usize,
    times: usize,
) -> thread::JoinHandle<()> {
    let (kernel, cell) = (kernel.clone(), Arc::clone(cell));
    thread::spawn(move || {
        kernel.run(slot, steps, || {
            for _ in 0..times {
                cell.set(&kernel, slot);
            }
        });
    })
}

#[test]
fn a_reader_never_sees_a_torn_value_and_never_goes_back() {
    model(3, || {
        let (kernel, cell) = (Kernel::new(1), Cell::new());
        // Three commits fill the reader's first copy again.
        let writes = writer(&kernel, &cell, 0, FOR_EVER, 3);
        let seen: Vec<u64> = (0..2).filter_map(|_| cell.try_get()).collect();
        assert!(seen.is_sorted(), "{seen:?}");
        writes.join().unwrap();
        assert_eq!(cell.try_get(), Some(4));
    });
}

#[test]
fn two_writers_commit_one_after_the_other() {
    model(2, || {
        let (kernel, cell) = (Kernel::new(2), Cell::new());
        let writes = [0, 1].map(|slot| writer(&kernel, &cell, slot, FOR_EVER, 1));
        let _raced = cell.try_get();
        for write in writes {
            write.join().unwrap();
        }
        assert_eq!(cell.try_get(), Some(3));
    });
}

/// The steps of `set`: one to take the lock, one to look at the commit word, as many as pins that may
/// be used, the stamp, two words, the commit, two to let go.
const STEPS_OF_SET: usize = 9;

#[test]
fn a_writer_that_dies_anywhere_leaves_its_version_or_the_one_before() {
    for steps in 0..=STEPS_OF_SET {
        model(3, move || {
            let (kernel, cell) = (Kernel::new(2), Cell::new());
            let victim = writer(&kernel, &cell, 1, steps, 1);
            let before = cell.try_get();
            let mine = cell.set(&kernel, 0);
            assert!(before.is_none_or(|before| before <= mine), "{before:?} {mine}");
            assert!(cell.try_get().is_none_or(|now| now >= mine));
            victim.join().unwrap();
            let last = cell.try_get().expect("nobody writes any more");
            assert!(last == mine || last == mine + 1, "{mine} {last}");
        });
    }
}

#[test]
fn the_survivor_of_a_dead_writer_and_a_reader_agree() {
    for steps in 3..=STEPS_OF_SET {
        model(2, move || {
            let (kernel, cell) = (Kernel::new(2), Cell::new());
            let victim = writer(&kernel, &cell, 1, steps, 1);
            let survivor = writer(&kernel, &cell, 0, FOR_EVER, 2);
            let seen: Vec<u64> = (0..2).filter_map(|_| cell.try_get()).collect();
            assert!(seen.is_sorted(), "{seen:?}");
            victim.join().unwrap();
            survivor.join().unwrap();
            let last = cell.try_get().expect("nobody writes any more");
            assert!(last == 3 || last == 4, "{last}");
        });
    }
}

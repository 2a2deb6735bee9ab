//! A value with writers, updates, readers and pins: nothing torn, nothing lost, no pin broken.

use std::sync::Arc;

use super::process::{Kernel, start, start_mortal};
use super::{Time, explore};
use crate::cell::{self, CellWords, Commit, PINS};
use crate::lock::{Patience, acquire};
use crate::pins::PinnedCopy;
use crate::primitive::{AtomicU64, Ordering};
use crate::site::Site;

/// A cell of `N` copies of three words. The words of a version are its own number, three times.
#[derive(Debug)]
struct Cell<const N: usize> {
    lock: AtomicU64,
    commit: AtomicU64,
    pins: [AtomicU64; PINS],
    copies: [(AtomicU64, [AtomicU64; 3]); N],
}

impl<const N: usize> CellWords for Cell<N> {
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
        N
    }
    fn stamp(&self, index: usize) -> &AtomicU64 {
        &self.copies[index].0
    }
    fn data(&self, index: usize) -> &[AtomicU64] {
        &self.copies[index].1
    }
}

impl<const N: usize> Cell<N> {
    /// Version 1 in copy 0.
    fn new() -> Arc<Self> {
        let copy = |index| {
            let n = u64::from(index == 0);
            (AtomicU64::new(n), [n; 3].map(AtomicU64::new))
        };
        Arc::new(Self {
            lock: AtomicU64::new(0),
            commit: AtomicU64::new(Commit::FIRST.0),
            pins: [0; PINS].map(AtomicU64::new),
            copies: std::array::from_fn(copy),
        })
    }

    /// What stands in a copy, word by word.
    fn words(&self, index: usize) -> [u64; 3] {
        // Relaxed: the stamp, the pin or the lock orders them.
        std::array::from_fn(|word| self.data(index)[word].load(Ordering::Relaxed))
    }

    /// Adds one to each word of a private copy and commits it, as `update` does.
    fn update(&self) -> u64 {
        let site = Site::of(0).unwrap();
        let held = acquire(&self.lock, site.me(), &site, Patience::Forever).unwrap();
        let committed = cell::committed(self).unwrap();
        let seen = self.words(committed.index());
        assert_eq!(seen, [committed.version(); 3], "what is committed is not whole");
        let commit = cell::publish(self, held, committed, |words| {
            for (word, seen) in words.iter().zip(seen) {
                word.store(seen + 1, Ordering::Relaxed);
            }
        });
        commit.version()
    }

    /// One try of a reader, as `get` does: the version, if the race was won.
    fn try_get(&self) -> Option<u64> {
        let commit = cell::current(self).unwrap();
        let words = self.words(commit.index());
        if !cell::holds_still(self, commit) {
            return None;
        }
        assert_eq!(words, [commit.version(); 3], "torn");
        Some(commit.version())
    }

    /// Reads through a pin, twice, and in the opposite order; the version, if a pin was free.
    fn pinned(&self) -> Option<u64> {
        let site = Site::of(0).unwrap();
        let pin = PinnedCopy::take(self, site).ok()?;
        let version = pin.version();
        for _ in 0..2 {
            assert_eq!(self.words(pin.index()), [version; 3], "a pinned copy changed");
        }
        Some(version)
    }

    /// What is there in the end is whole, and nothing of what the living committed is lost; who died may
    /// have committed `unsure` more.
    fn ends_with(&self, sure: u64, unsure: u64) {
        let last = self.try_get().expect("nobody writes any more");
        let versions = 1 + sure..=1 + sure + unsure;
        assert!(versions.contains(&last), "{last} of {versions:?}");
        // Whoever died in it does not keep the lock.
        assert_eq!(self.update(), last + 1);
    }
}

/// The steps of `update`, and some of those that a wait for the lock takes.
const STEPS_OF_UPDATE: usize = 20;

#[test]
fn updates_of_three_and_deaths_lose_nothing() {
    explore(Time::Passes, || {
        let cell = Cell::<3>::new();
        let two = |cell: Arc<Cell<3>>| move || [cell.update(), cell.update()];
        let victim = start_mortal(1, 2 * STEPS_OF_UPDATE, two(Arc::clone(&cell)));
        let other = start(2, two(Arc::clone(&cell)));
        let reader = {
            let cell = Arc::clone(&cell);
            start(3, move || (0..3).filter_map(|_| cell.try_get()).collect::<Vec<_>>())
        };
        let mine = cell.update();
        let seen = reader.join().unwrap();
        assert!(seen.is_sorted(), "a reader goes back: {seen:?}");
        let theirs = other.join().unwrap();
        assert!(theirs[0] < theirs[1] && !theirs.contains(&mine), "{mine} {theirs:?}");
        match victim.join() {
            Some(_) => cell.ends_with(5, 0),
            None => cell.ends_with(3, 2),
        }
    });
}

#[test]
fn a_pinned_copy_is_not_filled_and_a_dead_readers_pin_is_found() {
    explore(Time::Passes, || {
        // Of three copies one can be pinned.
        let cell = Cell::<3>::new();
        let writers = [1, 2].map(|slot| {
            let cell = Arc::clone(&cell);
            start(slot, move || [cell.update(), cell.update()])
        });
        let victim = {
            let cell = Arc::clone(&cell);
            start_mortal(3, 24, move || [cell.pinned(), cell.pinned()])
        };
        let mine = [cell.pinned(), cell.pinned()];
        assert!(mine.iter().flatten().is_sorted(), "a reader goes back: {mine:?}");
        for writer in writers {
            writer.join().unwrap();
        }
        victim.join();
        assert_eq!(cell.pinned(), Some(5), "a dead reader keeps its pin");
        cell.ends_with(4, 0);
    });
}

#[test]
fn readers_of_more_copies_pin_beside_each_other() {
    explore(Time::Passes, || {
        let cell = Cell::<4>::new();
        let writer = {
            let cell = Arc::clone(&cell);
            start_mortal(1, 4 * STEPS_OF_UPDATE, move || {
                (0..4).map(|_| cell.update()).collect::<Vec<_>>()
            })
        };
        let reader = {
            let cell = Arc::clone(&cell);
            start(2, move || [cell.pinned(), cell.pinned()])
        };
        let mine = [cell.pinned(), cell.pinned()];
        let theirs = reader.join().unwrap();
        for seen in [mine, theirs] {
            assert!(seen.iter().flatten().is_sorted(), "a reader goes back: {seen:?}");
            // Two pins for two readers. Only who must follow a writer that is too fast gets none.
            assert!(seen.iter().all(Option::is_some), "no pin for {seen:?}");
        }
        match writer.join() {
            Some(_) => cell.ends_with(4, 0),
            None => cell.ends_with(0, 4),
        }
        assert!(Kernel::token(1) != 0);
    });
}

//! The lock of a value, and what is done once: nobody's death keeps others out. Who waits for what is done
//! once is woken; the lock of a value lets go by a load and a store, and may wake nobody, as it says.

use std::sync::Arc;

use super::process::{Kernel, start, start_mortal};
use super::{Time, explore};
use crate::lock::{Patience, acquire};
use crate::primitive::{AtomicU64, Deadline, Ordering, wait};
use crate::run::{Entry, enter, finish, give_up, is_done, to_sleep_on};

/// A sum under the lock, kept twice.
#[derive(Debug)]
struct Sum {
    lock: AtomicU64,
    words: [AtomicU64; 2],
}

impl Sum {
    fn new() -> Arc<Self> {
        Arc::new(Self { lock: AtomicU64::new(0), words: [0, 0].map(AtomicU64::new) })
    }

    fn add(&self, slot: u16) -> [u64; 2] {
        let kernel = Kernel::now();
        let held = acquire(&self.lock, Kernel::token(slot), &kernel, Patience::Forever).unwrap();
        // Relaxed: it is the lock that orders them.
        let seen = self.words.each_ref().map(|word| word.load(Ordering::Relaxed));
        for (word, seen) in self.words.iter().zip(seen) {
            word.store(seen + 1, Ordering::Relaxed);
        }
        drop(held);
        seen
    }
}

#[test]
fn several_who_wait_for_one_that_dies_have_the_lock_one_after_the_other() {
    explore(Time::Passes, || {
        let sum = Sum::new();
        let victims = [1, 2].map(|slot| {
            let sum = Arc::clone(&sum);
            start_mortal(slot, 24, move || [0, 1].map(|_| sum.add(slot)))
        });
        let other = {
            let sum = Arc::clone(&sum);
            start(3, move || [0, 1].map(|_| sum.add(3)))
        };
        let mut seen = vec![sum.add(0)];
        seen.extend(other.join().unwrap());
        let deaths = victims.into_iter().filter_map(|victim| match victim.join() {
            Some(more) => {
                seen.extend(more);
                None
            }
            None => Some(()),
        });
        let dead = deaths.count() as u64;
        // Who dies between the two words leaves them one apart.
        assert!(seen.iter().all(|[a, b]| a >= b && a - b <= dead), "{seen:?}");
        let mut sums: Vec<u64> = seen.iter().map(|[_, b]| *b).collect();
        sums.sort_unstable();
        sums.dedup();
        assert_eq!(sums.len(), seen.len(), "two had it at once: {seen:?}");
    });
}

/// What is done once, and what it does: its runner's number, twice.
#[derive(Debug)]
struct Once {
    word: AtomicU64,
    words: [AtomicU64; 2],
}

impl Once {
    fn new() -> Arc<Self> {
        Arc::new(Self { word: AtomicU64::new(0), words: [0, 0].map(AtomicU64::new) })
    }

    /// Calls it; one with the number 9 gives up in the middle. Whether it was done here.
    fn call(&self, slot: u16, number: u64) -> bool {
        let me = Kernel::token(slot);
        let entry = enter(&self.word, me, &Kernel::now(), Patience::Forever).unwrap();
        if entry == Entry::Done {
            self.seen();
            return false;
        }
        self.words[0].store(number, Ordering::Relaxed);
        if number == 9 {
            give_up(&self.word, me);
            return false;
        }
        self.words[1].store(number, Ordering::Relaxed);
        finish(&self.word);
        true
    }

    /// Waits until somebody has done it, as `Once::wait` does.
    fn wait(&self) -> u64 {
        while let Some(seen) = to_sleep_on(&self.word) {
            wait::wait(
                &self.word,
                seen as u32,
                Deadline::after(std::time::Duration::from_millis(9)),
            );
        }
        self.seen()
    }

    fn seen(&self) -> u64 {
        // Relaxed: that it is done orders them.
        let seen = self.words.each_ref().map(|word| word.load(Ordering::Relaxed));
        assert!(seen[0] != 0 && seen[0] == seen[1], "half done: {seen:?}");
        seen[0]
    }
}

#[test]
fn who_waits_for_what_is_done_once_is_woken_though_no_clock_goes() {
    explore(Time::StandsStill, || {
        let once = Once::new();
        let waiter = {
            let once = Arc::clone(&once);
            start(1, move || once.wait())
        };
        let callers = [2, 3].map(|slot| {
            let once = Arc::clone(&once);
            let number = if slot == 2 { 9 } else { 3 };
            start(slot, move || once.call(slot, number))
        });
        let mine = once.call(0, 4);
        let theirs = callers.map(|caller| caller.join().unwrap());
        let runners = theirs.iter().filter(|ran| **ran).count() + usize::from(mine);
        assert_eq!(runners, 1);
        assert_eq!(waiter.join().unwrap(), once.seen());
    });
}

#[test]
fn what_is_done_once_is_done_by_a_survivor() {
    explore(Time::Passes, || {
        let once = Once::new();
        let waiter = {
            let once = Arc::clone(&once);
            start(1, move || once.wait())
        };
        let victims = [2, 3].map(|slot| {
            let once = Arc::clone(&once);
            start_mortal(slot, 16, move || once.call(slot, u64::from(slot)))
        });
        let looker = {
            let once = Arc::clone(&once);
            start(4, move || (0..4).filter(|_| is_done(&once.word)).map(|_| once.seen()).min())
        };
        let mine = once.call(0, 7);
        let seen = once.seen();
        assert!(!mine || seen == 7, "{seen}");
        looker.join().unwrap();
        assert_eq!(waiter.join().unwrap(), seen);
        let theirs = victims.map(|victim| victim.join() == Some(true));
        assert!(usize::from(mine) + theirs.iter().filter(|ran| **ran).count() <= 1);
    });
}

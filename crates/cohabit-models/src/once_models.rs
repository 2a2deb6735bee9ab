//! The word of what is done once: done by one, had after every death, and seen by all who go on.

use std::sync::Arc;

use loom::thread;

use crate::lock::Patience;
use crate::primitive::{AtomicU64, Ordering};
use crate::process::Kernel;
use crate::run::{Entry, enter, finish, give_up, is_done, to_sleep_on};

/// What is done once: two words, both of which its runner sets to its own number.
struct Once {
    word: AtomicU64,
    words: [AtomicU64; 2],
}

impl Once {
    fn new() -> Arc<Self> {
        Arc::new(Self { word: AtomicU64::new(0), words: [0, 0].map(AtomicU64::new) })
    }

    /// Calls it; whether this process has done it, unless another one is at it.
    fn call(&self, kernel: &Kernel, slot: u16, patience: Patience) -> Option<bool> {
        let entry = enter(&self.word, Kernel::token(slot), kernel, patience).ok()?;
        if entry == Entry::Mine {
            for word in &self.words {
                word.store(u64::from(slot) + 1, Ordering::Relaxed);
            }
            finish(&self.word);
        }
        Some(entry == Entry::Mine)
    }

    /// What was done, for who knows that it is.
    fn seen(&self) -> u64 {
        let seen = self.words.each_ref().map(|word| word.load(Ordering::Relaxed));
        assert!(seen[0] != 0 && seen[0] == seen[1], "half done: {seen:?}");
        seen[0]
    }
}

fn model(threads: usize, test: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    // As in `lock_models`: most faults need few preemptions.
    builder.preemption_bound = (threads > 2).then_some(2);
    builder.max_branches = 10_000;
    builder.check(test);
}

#[test]
fn it_is_done_by_one_and_seen_by_all() {
    model(2, || {
        let (kernel, once) = (Kernel::new(2), Once::new());
        let other = thread::spawn({
            let (kernel, once) = (kernel.clone(), Arc::clone(&once));
            move || (once.call(&kernel, 1, Patience::Forever).unwrap(), once.seen())
        });
        let early = is_done(&once.word).then(|| once.seen());
        assert!(early.is_none_or(|seen| seen == 2), "{early:?}");
        let mine = (once.call(&kernel, 0, Patience::Forever).unwrap(), once.seen());
        let theirs = other.join().unwrap();
        assert!(mine.0 != theirs.0 && mine.1 == theirs.1, "{mine:?} {theirs:?}");
    });
}

/// The steps of `call` without contention: a look and an exchange, two stores, one to finish.
const STEPS_OF_CALL: usize = 5;

#[test]
fn who_dies_has_done_all_of_it_or_nothing() {
    for steps in 0..=STEPS_OF_CALL {
        model(2, move || {
            let (kernel, once) = (Kernel::new(2), Once::new());
            let victim = thread::spawn({
                let (kernel, once) = (kernel.clone(), Arc::clone(&once));
                move || kernel.run(1, steps, || once.call(&kernel, 1, Patience::Forever))
            });
            let mine = once.call(&kernel, 0, Patience::Forever).unwrap();
            let seen = once.seen();
            assert_eq!(seen, if mine { 1 } else { 2 });
            victim.join().unwrap();
            assert_eq!(once.call(&kernel, 0, Patience::Forever), Some(false), "done twice");
            assert_eq!(once.seen(), seen, "changed since");
        });
    }
}

#[test]
fn of_two_survivors_one_does_it() {
    for steps in 0..=STEPS_OF_CALL {
        model(3, move || {
            let (kernel, once) = (Kernel::new(3), Once::new());
            let victim = {
                let (kernel, once) = (kernel.clone(), Arc::clone(&once));
                thread::spawn(move || {
                    kernel.run(2, steps, || once.call(&kernel, 2, Patience::Forever))
                })
            };
            // It does not wait: two that wait for each other's turn have schedules without an end.
            let other = {
                let (kernel, once) = (kernel.clone(), Arc::clone(&once));
                thread::spawn(move || {
                    let called = once.call(&kernel, 1, Patience::None);
                    called.map(|mine| (mine, once.seen()))
                })
            };
            let mine = once.call(&kernel, 0, Patience::Forever).unwrap();
            let seen = once.seen();
            let theirs = other.join().unwrap();
            victim.join().unwrap();
            if let Some(theirs) = theirs {
                assert!(!(mine && theirs.0) && theirs.1 == seen, "{mine} {seen} {theirs:?}");
            }
        });
    }
}

#[test]
fn what_is_given_up_is_done_by_the_next_and_who_only_waits_sees_it() {
    model(2, || {
        let (kernel, once) = (Kernel::new(2), Once::new());
        let other = thread::spawn({
            let (kernel, once) = (kernel.clone(), Arc::clone(&once));
            move || {
                let me = Kernel::token(1);
                if enter(&once.word, me, &kernel, Patience::Forever).unwrap() == Entry::Mine {
                    once.words[0].store(9, Ordering::Relaxed);
                    give_up(&once.word, me);
                }
            }
        });
        let waits = to_sleep_on(&once.word).is_some();
        assert!(once.call(&kernel, 0, Patience::Forever).unwrap() && waits);
        assert_eq!(once.seen(), 1);
        other.join().unwrap();
        assert!(to_sleep_on(&once.word).is_none() && once.seen() == 1);
    });
}

//! The lock word: one holder at a time, and it can be had after every death.

use crate::lock::{Held, Patience, acquire};
use crate::primitive::{AtomicU64, Ordering};
use crate::process::Kernel;
use std::sync::Arc;

use loom::thread;

/// What the lock protects: two words that are equal whenever nobody holds it, unless a holder died.
struct Protected {
    lock: AtomicU64,
    words: [AtomicU64; 2],
}

impl Protected {
    fn new() -> Arc<Self> {
        Arc::new(Self { lock: AtomicU64::new(0), words: [0, 0].map(AtomicU64::new) })
    }

    /// Adds one to each word under the lock, and says what was there.
    fn add(&self, kernel: &Kernel, slot: u16) -> [u64; 2] {
        let held = acquire(&self.lock, Kernel::token(slot), kernel, Patience::Forever).unwrap();
        self.add_in(held)
    }

    /// The same, unless another process has the lock.
    fn try_add(&self, kernel: &Kernel, slot: u16) -> Option<[u64; 2]> {
        let held = acquire(&self.lock, Kernel::token(slot), kernel, Patience::None).ok()?;
        Some(self.add_in(held))
    }

    fn add_in(&self, held: Held<'_>) -> [u64; 2] {
        // Relaxed: it is the lock that orders them.
        let seen = self.words.each_ref().map(|word| word.load(Ordering::Relaxed));
        for (word, seen) in self.words.iter().zip(seen) {
            word.store(seen + 1, Ordering::Relaxed);
        }
        drop(held);
        seen
    }
}

fn model(threads: usize, test: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    // With three threads every schedule would take hours; most faults need few preemptions (M.
    // Musuvathi and S. Qadeer, "Iterative context bounding", 2007).
    builder.preemption_bound = (threads > 2).then_some(2);
    builder.max_branches = 10_000;
    builder.check(test);
}

#[test]
fn one_holder_at_a_time() {
    model(2, || {
        let (kernel, shared) = (Kernel::new(2), Protected::new());
        let other = thread::spawn({
            let (kernel, shared) = (kernel.clone(), Arc::clone(&shared));
            move || shared.add(&kernel, 1)
        });
        let mine = shared.add(&kernel, 0);
        let theirs = other.join().unwrap();
        assert!(mine == [0, 0] && theirs == [1, 1] || mine == [1, 1] && theirs == [0, 0]);
    });
}

/// The steps of `add` without contention: two of the lock, two loads, two stores.
const STEPS_OF_ADD: usize = 7;

#[test]
fn a_lock_of_the_dead_can_be_had_and_what_they_did_before_is_seen() {
    for steps in 0..=STEPS_OF_ADD {
        model(2, move || {
            let (kernel, shared) = (Kernel::new(2), Protected::new());
            let victim = thread::spawn({
                let (kernel, shared) = (kernel.clone(), Arc::clone(&shared));
                move || kernel.run(1, steps, || shared.add(&kernel, 1))
            });
            let seen = shared.add(&kernel, 0);
            assert!(seen[0] <= 1 && seen[1] <= seen[0], "{seen:?}");
            victim.join().unwrap();
            // Alone now: whoever died holding it does not keep it.
            let last = shared.add(&kernel, 0);
            assert!(last[0] >= 1 && last[0] <= 2 && last[1] >= 1, "{last:?}");
        });
    }
}

#[test]
fn a_lock_of_the_dead_is_taken_over_by_one() {
    for steps in 0..=STEPS_OF_ADD {
        model(3, move || {
            let (kernel, shared) = (Kernel::new(3), Protected::new());
            let victim = {
                let (kernel, shared) = (kernel.clone(), Arc::clone(&shared));
                thread::spawn(move || kernel.run(2, steps, || shared.add(&kernel, 2)))
            };
            // It does not wait: two that wait for each other's turn have schedules without an end.
            let other = {
                let (kernel, shared) = (kernel.clone(), Arc::clone(&shared));
                thread::spawn(move || shared.try_add(&kernel, 1))
            };
            let mine = shared.add(&kernel, 0);
            let theirs = other.join().unwrap();
            victim.join().unwrap();
            // Nobody has it while another one has: the survivors see different sums.
            assert!(theirs.is_none_or(|theirs| theirs[1] != mine[1]), "{mine:?} {theirs:?}");
        });
    }
}

//! The word of a mutex: one holder at a time, had after every death, and a death inside is told.

use std::sync::Arc;

use loom::thread;

use crate::lock::Patience;
use crate::primitive::{AtomicU64, Ordering};
use crate::process::Kernel;
use crate::word::{OWNER_DIED, POISONED, acquire, release};

/// What the mutex guards: two words that are equal whenever nobody holds it, unless a death is told.
struct Guarded {
    word: AtomicU64,
    words: [AtomicU64; 2],
}

/// What one holder was told, and found.
type Seen = (u64, [u64; 2]);

impl Guarded {
    fn new() -> Arc<Self> {
        Arc::new(Self { word: AtomicU64::new(0), words: [0, 0].map(AtomicU64::new) })
    }

    /// Adds one to each word under the lock, after mending what is told to be half done.
    fn add(&self, kernel: &Kernel, slot: u16, patience: Patience, news: u64) -> Option<Seen> {
        let me = Kernel::token(slot);
        let told = acquire(&self.word, me, kernel, patience).ok()?;
        // Relaxed: it is the lock that orders them.
        let seen = self.words.each_ref().map(|word| word.load(Ordering::Relaxed));
        let sum = seen[0].max(seen[1]);
        if told & OWNER_DIED != 0 {
            self.word.fetch_and(!OWNER_DIED, Ordering::Relaxed);
        }
        for word in &self.words {
            word.store(sum + 1, Ordering::Relaxed);
        }
        release(&self.word, me, news);
        Some((told, seen))
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
fn one_holder_at_a_time_and_a_panic_is_told() {
    model(2, || {
        let (kernel, shared) = (Kernel::new(2), Guarded::new());
        let other = thread::spawn({
            let (kernel, shared) = (kernel.clone(), Arc::clone(&shared));
            move || shared.add(&kernel, 1, Patience::Forever, POISONED).unwrap()
        });
        let mine = shared.add(&kernel, 0, Patience::Forever, 0).unwrap();
        let theirs = other.join().unwrap();
        let first = mine == (0, [0, 0]) && theirs == (0, [1, 1]);
        let second = theirs == (0, [0, 0]) && mine == (POISONED, [1, 1]);
        assert!(first || second, "{mine:?} {theirs:?}");
    });
}

/// The steps of `add` without contention: one of the lock, two loads, two stores, one to let go.
const STEPS_OF_ADD: usize = 6;

#[test]
fn a_death_inside_is_told_and_what_was_done_before_is_seen() {
    for steps in 0..=STEPS_OF_ADD {
        model(2, move || {
            let (kernel, shared) = (Kernel::new(2), Guarded::new());
            let victim = thread::spawn({
                let (kernel, shared) = (kernel.clone(), Arc::clone(&shared));
                move || kernel.run(1, steps, || shared.add(&kernel, 1, Patience::Forever, 0))
            });
            let mine = shared.add(&kernel, 0, Patience::Forever, 0).unwrap();
            assert!(mine.1[0] == mine.1[1] || mine.0 == OWNER_DIED, "half done: {mine:?}");
            victim.join().unwrap();
            // Alone now: whoever died holding it does not keep it.
            let last = shared.add(&kernel, 0, Patience::Forever, 0).unwrap();
            assert!(last.1[0] == last.1[1] || last.0 == OWNER_DIED, "half done: {last:?}");
            // A victim that never was inside is told to nobody.
            assert!(mine.0 | last.0 == 0 || steps > 0, "{mine:?} {last:?}");
            let end = shared.add(&kernel, 0, Patience::Forever, 0).unwrap();
            assert!(end.0 == 0 && end.1[0] == end.1[1] && (2..=3).contains(&end.1[0]), "{end:?}");
        });
    }
}

#[test]
fn a_lock_of_the_dead_is_taken_over_by_one() {
    for steps in 0..=STEPS_OF_ADD {
        model(3, move || {
            let (kernel, shared) = (Kernel::new(3), Guarded::new());
            let victim = {
                let (kernel, shared) = (kernel.clone(), Arc::clone(&shared));
                thread::spawn(move || {
                    kernel.run(2, steps, || shared.add(&kernel, 2, Patience::Forever, 0))
                })
            };
            // It does not wait: two that wait for each other's turn have schedules without an end.
            let other = {
                let (kernel, shared) = (kernel.clone(), Arc::clone(&shared));
                thread::spawn(move || shared.add(&kernel, 1, Patience::None, 0))
            };
            let mine = shared.add(&kernel, 0, Patience::Forever, 0).unwrap();
            let theirs = other.join().unwrap();
            victim.join().unwrap();
            if let Some(theirs) = theirs {
                assert!(theirs.0 & mine.0 & OWNER_DIED == 0, "told twice: {mine:?} {theirs:?}");
                assert!(theirs.1[1].max(theirs.1[0]) != mine.1[1].max(mine.1[0]), "at once");
            }
        });
    }
}

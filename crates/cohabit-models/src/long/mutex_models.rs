//! A mutex with some who wait, some who have waited for long, and some who die: one holder at a time, a
//! death is told, and who sleeps is woken.

use std::sync::Arc;
use std::time::Duration;

use super::process::{Kernel, start, start_mortal};
use super::{Time, explore};
use crate::lock::Patience;
use crate::primitive::{AtomicU64, Deadline, Ordering, wait};
use crate::word::{OWNER_DIED, POISONED, acquire, release};

/// What the mutex guards: two words that are equal whenever nobody holds it, unless a death is told.
#[derive(Debug)]
struct Guarded {
    word: AtomicU64,
    words: [AtomicU64; 2],
}

impl Guarded {
    fn new() -> Arc<Self> {
        Arc::new(Self { word: AtomicU64::new(0), words: [0, 0].map(AtomicU64::new) })
    }

    /// Adds one to each word under the lock, after mending what is told to be half done. What it was told
    /// and the sum that it found, or `None` when its patience was over.
    fn add(&self, slot: u16, patience: Patience, news: u64) -> Option<(u64, u64)> {
        let me = Kernel::token(slot);
        let told = acquire(&self.word, me, &Kernel::now(), patience).ok()?;
        // Relaxed: it is the lock that orders them.
        let seen = self.words.each_ref().map(|word| word.load(Ordering::Relaxed));
        assert!(seen[0] == seen[1] || told & OWNER_DIED != 0, "half done, and not told: {seen:?}");
        let sum = seen[0].max(seen[1]);
        for word in &self.words {
            word.store(sum + 1, Ordering::Relaxed);
        }
        if told & OWNER_DIED != 0 {
            self.word.fetch_and(!OWNER_DIED, Ordering::Relaxed);
        }
        release(&self.word, me, news);
        Some((told, sum))
    }
}

/// The steps of `add`, and some of those that a wait for the lock takes.
const STEPS_OF_ADD: usize = 16;

#[test]
fn one_holder_at_a_time_whoever_waits_and_dies() {
    explore(Time::Passes, || {
        let shared = Guarded::new();
        let victims = [1, 2].map(|slot| {
            let shared = Arc::clone(&shared);
            start_mortal(slot, 2 * STEPS_OF_ADD, move || {
                [0, 1].map(|_| shared.add(slot, Patience::Forever, 0).unwrap().1)
            })
        });
        let other = {
            let shared = Arc::clone(&shared);
            start(3, move || [0, 1].map(|_| shared.add(3, Patience::Forever, 0).unwrap().1))
        };
        let mut sums = vec![shared.add(0, Patience::Forever, 0).unwrap().1];
        sums.extend(other.join().unwrap());
        let mut dead = 0;
        for victim in victims {
            match victim.join() {
                Some(more) => sums.extend(more),
                None => dead += 1,
            }
        }
        let (_, last) = shared.add(0, Patience::Forever, 0).unwrap();
        let count = sums.len() as u64;
        sums.sort_unstable();
        sums.dedup();
        assert_eq!(sums.len() as u64, count, "two had it at once: {sums:?}");
        assert!((count..=count + 2 * dead).contains(&last), "{last} after {sums:?}, {dead} dead");
        let end = shared.add(0, Patience::None, 0);
        assert_eq!(end, Some((0, last + 1)), "the lock is not free in the end");
    });
}

#[test]
fn who_has_waited_for_long_may_die_and_give_up_and_nobody_is_kept_out() {
    explore(Time::Passes, || {
        let shared = Guarded::new();
        // It holds the lock for so long that others come of age.
        let me = Kernel::token(0);
        acquire(&shared.word, me, &Kernel::now(), Patience::Forever).unwrap();
        let victim = {
            let shared = Arc::clone(&shared);
            start_mortal(1, 3 * STEPS_OF_ADD, move || shared.add(1, Patience::Forever, 0))
        };
        let impatient = {
            let shared = Arc::clone(&shared);
            start(2, move || shared.add(2, Patience::timeout(Duration::from_millis(25)), 0))
        };
        let other = {
            let shared = Arc::clone(&shared);
            start(3, move || shared.add(3, Patience::Forever, 0).unwrap())
        };
        let nothing = AtomicU64::new(0);
        (0..4).for_each(|_| wait::wait(&nothing, 0, Deadline::after(Duration::from_millis(10))));
        release(&shared.word, me, 0);
        other.join().unwrap();
        impatient.join().unwrap();
        victim.join();
        let (_, last) = shared.add(0, Patience::Forever, 0).unwrap();
        assert!((1..=3).contains(&last), "{last}");
    });
}

#[test]
fn who_sleeps_is_woken_though_no_clock_goes() {
    explore(Time::StandsStill, || {
        let shared = Guarded::new();
        let others = [1, 2, 3].map(|slot| {
            let shared = Arc::clone(&shared);
            let news = if slot == 3 { POISONED } else { 0 };
            start(slot, move || [0, 1].map(|_| shared.add(slot, Patience::Forever, news).unwrap()))
        });
        shared.add(0, Patience::Forever, 0).unwrap();
        for other in others {
            other.join().unwrap();
        }
        let last = shared.add(0, Patience::Forever, 0);
        assert_eq!(last, Some((POISONED, 7)));
    });
}

//! The words of a `RwLock`: readers together, a writer alone, and a death inside is told, that of a reader not.

use std::sync::Arc;

use loom::thread;

use crate::lock::Patience;
use crate::primitive::{AtomicU64, Ordering};
use crate::process::Kernel;
use crate::readers::{enter_to_read, enter_to_write, leave};
use crate::word::{OWNER_DIED, release};

/// Two words that are equal whenever no writer is inside, unless a death is told; and places for two readers.
struct Guarded {
    word: AtomicU64,
    readers: [AtomicU64; 2],
    words: [AtomicU64; 2],
}

/// What one was told, and found.
type Seen = (u64, [u64; 2]);

impl Guarded {
    fn new() -> Arc<Self> {
        let zeros = || [0, 0].map(AtomicU64::new);
        Arc::new(Self { word: AtomicU64::new(0), readers: zeros(), words: zeros() })
    }

    fn look(&self) -> [u64; 2] {
        // Relaxed: it is the lock that orders them.
        self.words.each_ref().map(|word| word.load(Ordering::Relaxed))
    }

    fn read(&self, kernel: &Kernel, slot: u16, patience: Patience) -> Option<Seen> {
        let me = Kernel::token(slot);
        let reading = enter_to_read(&self.word, &self.readers, me, kernel, patience).ok()?;
        let seen = self.look();
        leave(&self.readers[reading.index], me);
        Some((reading.told, seen))
    }

    /// Adds one to each word, after mending what is told to be half done.
    fn add(&self, kernel: &Kernel, slot: u16, patience: Patience) -> Option<Seen> {
        let me = Kernel::token(slot);
        let told = enter_to_write(&self.word, &self.readers, me, kernel, patience).ok()?;
        let seen = self.look();
        if told & OWNER_DIED != 0 {
            self.word.fetch_and(!OWNER_DIED, Ordering::Relaxed);
        }
        for word in &self.words {
            word.store(seen[0].max(seen[1]) + 1, Ordering::Relaxed);
        }
        release(&self.word, me, 0);
        Some((told, seen))
    }
}

fn is_whole(seen: Seen) -> bool {
    seen.1[0] == seen.1[1]
}

fn model(threads: usize, test: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    // As in `lock_models`: most faults need few preemptions.
    builder.preemption_bound = Some(if threads > 2 { 2 } else { 3 });
    builder.max_branches = 10_000;
    builder.check(test);
}

type Act = fn(&Guarded, &Kernel, u16, Patience) -> Option<Seen>;

/// A second process that does one thing, killed after so many steps.
fn second(kernel: &Kernel, shared: &Arc<Guarded>, steps: usize, act: Act) -> thread::JoinHandle<Option<Seen>> {
    let (kernel, shared) = (kernel.clone(), Arc::clone(shared));
    thread::spawn(move || kernel.run(1, steps, || act(&shared, &kernel, 1, Patience::Forever)))
}

#[test]
fn a_reader_sees_nothing_of_a_writer_inside() {
    model(2, || {
        let (kernel, shared) = (Kernel::new(2), Guarded::new());
        let other = second(&kernel, &shared, crate::process::FOR_EVER, Guarded::add);
        let mine = shared.read(&kernel, 0, Patience::Forever).unwrap();
        assert!(mine == (0, [0, 0]) || mine == (0, [1, 1]), "{mine:?}");
        assert_eq!(other.join().unwrap(), Some((0, [0, 0])));
    });
}

#[test]
fn a_writer_waits_for_two_readers_and_none_waits_for_the_other() {
    model(3, || {
        let (kernel, shared) = (Kernel::new(3), Guarded::new());
        let others = [1, 2].map(|slot| {
            let (kernel, shared) = (kernel.clone(), Arc::clone(&shared));
            // It does not wait: two that wait for each other's turn have schedules without an end.
            thread::spawn(move || shared.read(&kernel, slot, Patience::None))
        });
        assert_eq!(shared.add(&kernel, 0, Patience::Forever), Some((0, [0, 0])));
        for other in others {
            let seen = other.join().unwrap();
            assert!(seen.is_none_or(|seen| seen.0 == 0 && is_whole(seen)), "{seen:?}");
        }
    });
}

/// The steps without contention: one exchange to go in, two looks at places, one to take one, one to let
/// the word go, two loads, one to leave.
const STEPS_OF_READ: usize = 8;
/// One exchange, two looks at readers, one to be inside, two loads, two stores, one to go.
const STEPS_OF_ADD: usize = 9;

#[test]
fn a_reader_that_dies_is_told_to_nobody_and_in_nobodys_way() {
    for steps in 0..=STEPS_OF_READ {
        model(2, move || {
            let (kernel, shared) = (Kernel::new(2), Guarded::new());
            let victim = second(&kernel, &shared, steps, Guarded::read);
            let mine = shared.add(&kernel, 0, Patience::Forever);
            assert_eq!(mine, Some((0, [0, 0])));
            victim.join().unwrap();
            assert_eq!(shared.add(&kernel, 0, Patience::Forever), Some((0, [1, 1])));
            assert_eq!(shared.read(&kernel, 0, Patience::Forever), Some((0, [2, 2])));
        });
    }
}

#[test]
fn a_writer_that_dies_is_told_to_readers_and_writers() {
    for steps in 0..=STEPS_OF_ADD {
        model(2, move || {
            let (kernel, shared) = (Kernel::new(2), Guarded::new());
            let victim = second(&kernel, &shared, steps, Guarded::add);
            let first = shared.read(&kernel, 0, Patience::Forever).unwrap();
            assert!(is_whole(first) || first.0 == OWNER_DIED, "half done: {first:?}");
            victim.join().unwrap();
            let later = shared.read(&kernel, 0, Patience::Forever).unwrap();
            assert!(is_whole(later) || later.0 == OWNER_DIED, "half done: {later:?}");
            // One that never was inside is told to nobody; one look for each reader's word is before.
            assert!(first.0 | later.0 == 0 || steps >= 4, "{steps}: {first:?} {later:?}");
            let mended = shared.add(&kernel, 0, Patience::Forever).unwrap();
            assert_eq!(mended, later);
            let end = shared.read(&kernel, 0, Patience::Forever).unwrap();
            assert!(end.0 == 0 && is_whole(end) && (1..=2).contains(&end.1[0]), "{end:?}");
        });
    }
}

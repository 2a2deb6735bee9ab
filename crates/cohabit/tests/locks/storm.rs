//! A storm of kills on those who add under a lock: every sum is exact, and every death inside is told.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cohabit::{ErrorKind, LockError, Mutex, Shared, plain};

use crate::support::{Child, Peer, World, windows};

const WORKERS: usize = 4;

/// Whole while `sum` is the sum of `parts`.
#[plain]
#[derive(Default)]
struct Journal {
    sum: u64,
    parts: [u64; WORKERS],
    mended: u64,
}

impl Journal {
    fn total(&self) -> u64 {
        self.parts.iter().sum()
    }
}

fn journal() -> Shared<Mutex<Journal>> {
    Shared::open_or_create("journal", Journal::default).expect("a journal")
}

/// How many additions each worker knows to be done.
fn known() -> Shared<[AtomicU64; WORKERS]> {
    Shared::open_or_create("known", <[AtomicU64; WORKERS]>::default).expect("an object")
}

/// Adds until it is killed.
pub(crate) fn worker(peer: &mut Peer) {
    let me: usize = peer.argument(0).parse().expect("a number");
    let (journal, known) = (journal(), known());
    peer.say("here");
    for round in 0_u64.. {
        let locked = match round % 4 {
            0 => journal.try_lock(),
            1 => journal.lock_timeout(Duration::from_micros(300)),
            _ => journal.lock(),
        };
        let mut journal = match locked {
            Ok(journal) => journal,
            Err(LockError::OwnerDied(mut journal)) => {
                journal.sum = journal.total();
                journal.mended += 1;
                journal.mark_consistent();
                journal
            }
            Err(error) if error.kind() == ErrorKind::Busy => continue,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(journal.sum, journal.total(), "half done, and nobody was told");
        // So long that some are killed in between.
        journal.sum += 1;
        for _ in 0..round % 64 {
            std::hint::spin_loop();
        }
        journal.parts[me] += 1;
        drop(journal);
        known[me].fetch_add(1, Relaxed);
    }
}

#[test]
fn a_storm_of_kills_loses_no_addition() {
    // A process takes a quarter of a second to start there.
    let all_kills = if windows() { 60 } else { 250 };
    let world = World::new();
    let start = |me: usize| {
        let mut worker = world.child_with("worker", &[&me.to_string()]);
        worker.expect_next("here");
        worker
    };
    // Held here, so that they are there when all workers are dead.
    let journal = Shared::<Mutex<Journal>>::options().scope(world.scope());
    let journal = journal.open_or_create("journal", Journal::default).expect("the journal");
    let known = Shared::<[AtomicU64; WORKERS]>::options().scope(world.scope());
    let known = known.open_or_create("known", <[AtomicU64; WORKERS]>::default);
    let known = known.expect("the numbers");
    let mut workers: Vec<Child> = (0..WORKERS).map(start).collect();
    let mut kills = [0; WORKERS];
    let mut noise = 0x5eed_u64;
    for _ in 0..all_kills {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        let victim = noise as usize % WORKERS;
        std::thread::sleep(Duration::from_micros(noise >> 20 & 0xfff));
        std::mem::replace(&mut workers[victim], start(victim)).kill();
        kills[victim] += 1;
    }
    for (worker, kills) in workers.into_iter().zip(&mut kills) {
        worker.kill();
        *kills += 1;
    }
    let mut guard = match journal.lock() {
        Ok(guard) => {
            assert_eq!(guard.sum, guard.total());
            guard
        }
        Err(LockError::OwnerDied(guard)) => guard,
        Err(error) => panic!("{error}"),
    };
    guard.mark_consistent();
    for (worker, kills) in kills.iter().enumerate() {
        // Each kill can keep a worker from knowing of one addition.
        let unknown = guard.parts[worker] - known[worker].load(Relaxed);
        assert!(unknown <= *kills, "worker {worker}: {unknown} more than known, {kills} kills");
    }
    println!("{all_kills} kills, {} mended, {} additions", guard.mended, guard.total());
    assert!(guard.mended > 0, "nobody was killed inside");
    drop(guard);
}

//! A storm of kills on those who make jobs and those who wait for them: every job is done once, and
//! nobody waits for ever for a notification that was given.

use std::time::Duration;

use cohabit::{Condvar, LockError, LockResult, Mutex, MutexGuard, Shared, plain, shareable};

use crate::support::{Child, Peer, World, until, windows};

/// Whole while what was made is done or open.
#[plain]
#[derive(Default)]
struct Jobs {
    made: u64,
    open: u64,
    done: u64,
    stop: bool,
}

#[shareable]
#[derive(Default)]
struct Queue {
    jobs: Mutex<Jobs>,
    more: Condvar,
}

fn open() -> Shared<Queue> {
    Shared::open_or_create("queue", Queue::default).expect("a queue")
}

/// The guard; what a dead holder left half done is made whole.
fn mended<'a>(locked: LockResult<MutexGuard<'a, Jobs>>) -> MutexGuard<'a, Jobs> {
    match locked {
        Ok(jobs) => jobs,
        Err(LockError::OwnerDied(mut jobs)) => {
            jobs.open = jobs.made - jobs.done;
            jobs.mark_consistent();
            jobs
        }
        Err(error) => panic!("{error}"),
    }
}

/// Makes jobs until it is killed or told to stop.
pub(crate) fn producer(peer: &mut Peer) {
    let queue = open();
    peer.say("here");
    for round in 0_u64.. {
        let mut jobs = mended(queue.jobs.lock());
        if jobs.stop {
            break;
        }
        assert_eq!(jobs.made, jobs.open + jobs.done, "half done, and nobody was told");
        jobs.made += 1;
        std::hint::spin_loop();
        jobs.open += 1;
        drop(jobs);
        let notified =
            if round % 8 == 0 { queue.more.notify_all() } else { queue.more.notify_one() };
        notified.expect("an object");
        if round % 16 == 0 {
            std::thread::yield_now();
        }
    }
}

/// Does jobs until it is killed, or all are done.
pub(crate) fn consumer(peer: &mut Peer) {
    let queue = open();
    let timed = peer.argument(0) == "timed";
    peer.say("here");
    loop {
        let mut jobs = mended(queue.jobs.lock());
        while jobs.open == 0 {
            if jobs.stop {
                return;
            }
            jobs = if timed {
                let waited = queue.more.wait_timeout(jobs, Duration::from_micros(500));
                match waited {
                    Ok((jobs, _)) => jobs,
                    Err(LockError::OwnerDied((jobs, _))) => mended(Err(LockError::OwnerDied(jobs))),
                    Err(error) => panic!("{error}"),
                }
            } else {
                mended(queue.more.wait(jobs))
            };
        }
        jobs.open -= 1;
        std::hint::spin_loop();
        jobs.done += 1;
    }
}

#[test]
fn a_storm_of_kills_loses_no_job_and_no_notification() {
    // A process takes a quarter of a second to start there.
    let kills = if windows() { 60 } else { 200 };
    let world = World::new();
    let start = |index: usize| {
        let (role, how) = match index {
            0 | 1 => ("producer", ""),
            2 => ("consumer", "timed"),
            _ => ("consumer", "patient"),
        };
        let mut child = world.child_with(role, &[how]);
        child.expect_next("here");
        child
    };
    let options = Shared::<Queue>::options().scope(world.scope());
    // Held here, so that the queue is there when all of them are dead.
    let queue = options.open_or_create("queue", Queue::default).expect("the queue");
    let mut workers: Vec<Child> = (0..6).map(start).collect();
    let mut noise = 0xcafe_u64;
    for _ in 0..kills {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        let victim = noise as usize % workers.len();
        std::thread::sleep(Duration::from_micros(noise >> 20 & 0xfff));
        std::mem::replace(&mut workers[victim], start(victim)).kill();
    }
    mended(queue.jobs.lock()).stop = true;
    queue.more.notify_all().expect("an object");
    // All come to their end by themselves: none waits for what was said already.
    workers.into_iter().for_each(Child::finish);
    let jobs = mended(queue.jobs.lock());
    println!("{kills} kills, {} jobs", jobs.made);
    assert!(
        jobs.open == 0 && jobs.made == jobs.done && jobs.made > 0,
        "{} {}",
        jobs.made,
        jobs.done
    );
    drop(jobs);
    drop(queue);
    until(|| world.names().is_empty());
}

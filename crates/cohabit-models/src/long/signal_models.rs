//! Events and condition variables: no set and no notification is lost, and what was done before is seen.

use std::sync::Arc;

use super::process::{start, start_mortal};
use super::{Time, explore};
use crate::bell;
use crate::condvar::Condvar;
use crate::event::Event;
use crate::lock::Patience;
use crate::mutex::Mutex;
use crate::outcome::LockError;
use crate::primitive::{AtomicU64, Ordering, spin_loop, wait};
use crate::waiting::LOOK_AGAIN_LATER;

/// An event, and what is done before it is set.
#[derive(Debug)]
struct Signal {
    event: Event,
    done: AtomicU64,
    taken: Event,
}

impl Signal {
    fn new(event: Event) -> Arc<Self> {
        Arc::new(Self { event, done: AtomicU64::new(0), taken: Event::auto() })
    }

    fn wait(&self) -> u64 {
        self.event.wait().unwrap();
        // Relaxed: it is the event that orders it.
        self.done.load(Ordering::Relaxed)
    }
}

#[test]
fn an_automatic_event_is_taken_by_one_for_each_set() {
    explore(Time::StandsStill, || {
        let signal = Signal::new(Event::auto());
        let waiters = [1, 2].map(|slot| {
            let signal = Arc::clone(&signal);
            start(slot, move || {
                let seen = signal.wait();
                signal.taken.set().unwrap();
                seen
            })
        });
        for set in 1..=2 {
            signal.done.store(set, Ordering::Relaxed);
            signal.event.set().unwrap();
            signal.taken.wait().unwrap();
        }
        let mut seen = waiters.map(|waiter| waiter.join().unwrap());
        seen.sort_unstable();
        assert!(seen[0] >= 1 && seen[1] == 2, "what was done before the set is not seen: {seen:?}");
        assert!(!signal.event.try_wait().unwrap(), "it was taken twice, or set for nobody");
    });
}

#[test]
fn who_waits_passes_a_manual_event_though_it_is_reset_at_once() {
    explore(Time::StandsStill, || {
        let signal = Signal::new(Event::manual());
        let waiter = {
            let signal = Arc::clone(&signal);
            start(1, move || signal.wait())
        };
        // The waiter has said so, and falls asleep, or will.
        while signal.event.word.load(Ordering::Relaxed) & 1 == 0 {
            spin_loop();
        }
        signal.done.store(1, Ordering::Relaxed);
        signal.event.set().unwrap();
        signal.event.reset().unwrap();
        let late = {
            let signal = Arc::clone(&signal);
            start(2, move || signal.wait())
        };
        assert_eq!(waiter.join(), Some(1));
        signal.event.set().unwrap();
        assert_eq!(late.join(), Some(1));
        assert!(signal.event.try_wait().unwrap(), "it stays set");
    });
}

#[test]
fn a_set_is_not_lost_with_the_waiter_that_it_woke() {
    explore(Time::Passes, || {
        let signal = Signal::new(Event::auto());
        let victim = {
            let signal = Arc::clone(&signal);
            start_mortal(1, 12, move || signal.wait())
        };
        let waiter = {
            let signal = Arc::clone(&signal);
            start(2, move || signal.wait())
        };
        signal.done.store(1, Ordering::Relaxed);
        signal.event.set().unwrap();
        // Who was killed behind the exchange has taken it: then it is set once more.
        if victim.join().is_some() || !signal.event.is_set().unwrap() {
            signal.event.set().unwrap();
        }
        assert_eq!(waiter.join(), Some(1));
    });
}

#[test]
fn who_falls_asleep_while_the_bell_rings_for_nobody_hears_the_next_ring() {
    explore(Time::StandsStill, || {
        // The flag was left by one who waits no more.
        let bell = Arc::new((AtomicU64::new(bell::WAITERS), AtomicU64::new(0)));
        let waiter = {
            let bell = Arc::clone(&bell);
            start(1, move || {
                loop {
                    let seen = bell::listen(&bell.0);
                    // Relaxed: it is the bell that orders it.
                    if bell.1.load(Ordering::Relaxed) == 2 {
                        return;
                    }
                    if let Some(word) = bell::to_sleep_on(&bell.0, seen) {
                        let until = Patience::Forever.step(LOOK_AGAIN_LATER);
                        wait::wait(&bell.0, word as u32, until);
                    }
                }
            })
        };
        for rung in 1..=2 {
            bell.1.store(rung, Ordering::Relaxed);
            bell::ring_one(&bell.0);
        }
        waiter.join().unwrap();
    });
}

/// A number of things to take, under a mutex; who finds none waits.
#[derive(Debug)]
struct Queue {
    mutex: Mutex<()>,
    more: Condvar,
    count: AtomicU64,
}

impl Queue {
    fn new() -> Arc<Self> {
        let (mutex, more) = (Mutex::new(), Condvar::new());
        Arc::new(Self { mutex, more, count: AtomicU64::new(0) })
    }

    fn put(&self, all: bool, many: u64) {
        let guard = self.mutex.lock();
        // Relaxed: it is the mutex that orders it.
        let count = self.count.load(Ordering::Relaxed);
        self.count.store(count + many, Ordering::Relaxed);
        drop(guard);
        let notified = if all { self.more.notify_all() } else { self.more.notify_one() };
        notified.unwrap();
    }

    fn take(&self) {
        let mut guard = whole(self.mutex.lock());
        loop {
            let count = self.count.load(Ordering::Relaxed);
            if count > 0 {
                self.count.store(count - 1, Ordering::Relaxed);
                return;
            }
            guard = whole(self.more.wait(guard));
        }
    }
}

/// The guard, also where a holder died: one word is always whole.
fn whole<G>(locked: Result<G, LockError<G>>) -> G {
    locked.or_else(LockError::into_inner).expect("the lock")
}

#[test]
fn no_notification_is_lost() {
    explore(Time::StandsStill, || {
        let queue = Queue::new();
        let takers = [1, 2].map(|slot| {
            let queue = Arc::clone(&queue);
            start(slot, move || queue.take())
        });
        queue.put(false, 1);
        queue.put(false, 1);
        takers.into_iter().for_each(|taker| taker.join().unwrap());
        assert_eq!(queue.count.last(), 0);
    });
}

#[test]
fn a_notification_for_all_wakes_all() {
    explore(Time::StandsStill, || {
        let queue = Queue::new();
        let takers = [1, 2, 3].map(|slot| {
            let queue = Arc::clone(&queue);
            start(slot, move || queue.take())
        });
        queue.put(true, 3);
        takers.into_iter().for_each(|taker| taker.join().unwrap());
        assert_eq!(queue.count.last(), 0);
    });
}

#[test]
fn a_notification_is_not_lost_with_the_waiter_that_it_woke() {
    explore(Time::Passes, || {
        let queue = Queue::new();
        let victim = {
            let queue = Arc::clone(&queue);
            start_mortal(1, 30, move || queue.take())
        };
        let taker = {
            let queue = Arc::clone(&queue);
            start(2, move || queue.take())
        };
        queue.put(false, 2);
        taker.join().unwrap();
        let took = victim.join().is_some();
        assert!(queue.count.last() == u64::from(!took) || !took && queue.count.last() == 0);
    });
}

//! Wakers that misbehave, futures that go from task to task or are forgotten: nobody else suffers.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use cohabit::changed::Changed;
use cohabit::{SharedValue, Version};

use crate::executor::{Counter, block_on, poll_once};
use crate::support::user::Pair;
use crate::support::{Peer, World, sys, until};

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        std::panic::panic_any(PanicsAgain);
    }
}

/// What the panic carries, and whoever drops it regrets it.
struct PanicsAgain;

impl Drop for PanicsAgain {
    fn drop(&mut self) {
        panic!("a second time");
    }
}

/// Drops its own future when it is called, and polls others.
struct Drops {
    future: Mutex<Option<Changed<'static, Pair>>>,
    object: &'static SharedValue<Pair>,
    seen: Version,
    called: AtomicUsize,
}

impl Wake for Drops {
    fn wake(self: Arc<Self>) {
        drop(self.future.lock().expect("nobody panics").take());
        let another = Counter::new();
        assert!(poll_once(&mut self.object.changed(self.seen), &another).is_ready());
        let now = self.object.version().expect("a version");
        assert!(poll_once(&mut self.object.changed(now), &another).is_pending());
        self.called.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll(future: &mut Changed<'_, Pair>, waker: &Waker) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(waker)).is_pending()
}

/// All of it, in a process of its own.
pub(crate) fn wakers(peer: &mut Peer) {
    std::panic::set_hook(Box::new(|_| ()));
    let object = SharedValue::<Pair>::create("rpm", || Pair::of(1)).expect("an object");
    let object: &'static SharedValue<Pair> = Box::leak(Box::new(object));
    panicking(object);
    dropping(object);
    changing(object);
    forgotten(object);
    cancelled(object);
    assert_eq!(sys::threads(), 2, "it is one thread all the time");
    peer.say("done");
    std::process::exit(0);
}

fn seen(object: &SharedValue<Pair>) -> Version {
    object.version().expect("a version")
}

fn change(object: &SharedValue<Pair>) {
    object.update(|pair| *pair = Pair::of(pair.number + 1)).expect("an update");
}

fn panicking(object: &SharedValue<Pair>) {
    let (seen, good) = (seen(object), Counter::new());
    let panics = Waker::from(Arc::new(Panics));
    let mut futures: Vec<_> = (0..10).map(|_| object.changed(seen)).collect();
    for (index, future) in futures.iter_mut().enumerate() {
        let waits = if index % 2 == 0 {
            poll(future, &panics)
        } else {
            poll_once(future, &good).is_pending()
        };
        assert!(waits);
    }
    change(object);
    until(|| good.count() == 5);
    // Those whose waker panicked were told, too.
    assert!(futures.iter_mut().all(|future| poll_once(future, &good).is_ready()));
}

fn dropping(object: &'static SharedValue<Pair>) {
    let seen = seen(object);
    let make = |_| {
        let future = Mutex::new(None);
        Arc::new(Drops { future, object, seen, called: AtomicUsize::new(0) })
    };
    let all: Vec<_> = (0..5).map(make).collect();
    for drops in &all {
        let mut future = object.changed(seen);
        assert!(poll(&mut future, &Waker::from(Arc::clone(drops))));
        *drops.future.lock().expect("nobody panics") = Some(future);
    }
    change(object);
    until(|| all.iter().all(|drops| drops.called.load(Ordering::SeqCst) == 1));
    assert!(all.iter().all(|drops| drops.future.lock().expect("nobody panics").is_none()));
}

fn changing(object: &SharedValue<Pair>) {
    let wakers = [Counter::new(), Counter::new(), Counter::new()];
    let mut future = object.changed(seen(object));
    for waker in wakers.iter().cycle().take(31) {
        assert!(poll_once(&mut future, waker).is_pending());
    }
    change(object);
    until(|| wakers[0].count() == 1);
    assert_eq!((wakers[1].count(), wakers[2].count()), (0, 0), "only the last one counts");
    assert!(wakers.iter().all(|waker| Arc::strong_count(waker) == 1), "none is kept");
    // From thread to thread.
    let mut future = object.changed(seen(object));
    for waker in &wakers {
        future = std::thread::scope(|threads| {
            let moved = threads.spawn(|| {
                assert!(poll_once(&mut future, waker).is_pending());
                future
            });
            moved.join().expect("no panic")
        });
    }
    change(object);
    until(|| wakers[2].count() == 1);
    block_on(future).expect("a value");
}

fn forgotten(object: &SharedValue<Pair>) {
    let (seen, wakes) = (seen(object), Counter::new());
    for _ in 0..10 {
        let mut future = object.changed(seen);
        assert!(poll_once(&mut future, &wakes).is_pending());
        std::mem::forget(future);
    }
    let mut last = object.changed(seen);
    assert!(poll_once(&mut last, &wakes).is_pending());
    change(object);
    // Nobody knows that they were forgotten, so they are called, once.
    until(|| wakes.count() == 11);
    block_on(last).expect("a value");
    change(object);
    let told = Counter::new();
    let mut next = object.changed(self::seen(object));
    assert!(poll_once(&mut next, &told).is_pending());
    change(object);
    until(|| told.count() == 1);
    assert_eq!(wakes.count(), 11);
}

/// Who drops a future is not woken by it any more.
fn cancelled(object: &SharedValue<Pair>) {
    for _ in 0..100 {
        let (dropped, kept) = (Counter::new(), Counter::new());
        let mut futures: Vec<_> = (0..4).map(|_| object.changed(seen(object))).collect();
        let (last, rest) = futures.split_last_mut().expect("four");
        assert!(rest.iter_mut().all(|future| poll_once(future, &dropped).is_pending()));
        assert!(poll_once(last, &kept).is_pending());
        futures.drain(..3);
        assert_eq!(Arc::strong_count(&dropped), 1, "it is forgotten at once");
        change(object);
        until(|| kept.count() == 1);
        assert_eq!(dropped.count(), 0);
    }
}

#[test]
fn wakers_and_futures_that_misbehave_cost_nobody_else() {
    let world = World::new();
    let mut child = world.child("wakers");
    child.expect_next("done");
    child.finish();
}

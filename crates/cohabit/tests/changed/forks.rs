//! A forked child has no waiting thread: its parent's futures say so, its own start one.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use cohabit::{SharedValue, Version};

use crate::executor::{Counter, block_on, poll_once};
use crate::support::user::Pair;
use crate::support::{Peer, World, sys, until};

fn code<T>(outcome: cohabit::Result<T>) -> &'static str {
    outcome.err().map_or("ok", |error| error.code())
}

/// Forks with futures and descriptors that wait.
pub(crate) fn forker(peer: &mut Peer) {
    let object = SharedValue::<Pair>::create("rpm", || Pair::of(1)).expect("an object");
    let view = SharedValue::<Pair>::open_read_only("rpm").expect("a view");
    let seen = object.version().expect("a version");
    let wakes = [Counter::new(), Counter::new()];
    let (mut of_user, mut of_view) = (object.changed(seen), view.changed(seen));
    assert!(poll_once(&mut of_user, &wakes[0]).is_pending());
    assert!(poll_once(&mut of_view, &wakes[1]).is_pending());
    let fd = object.change_fd(seen).expect("a descriptor");
    let view_fd = view.change_fd(seen).expect("a descriptor");
    // The child takes its copies, the parent keeps its own.
    let mut waits = Some((of_user, of_view, fd, view_fd));
    assert_eq!(sys::threads(), 2);

    let child = sys::forked(|| {
        let (mut of_user, mut of_view, mut fd, mut view_fd) = waits.take().expect("its copies");
        assert_eq!(sys::threads(), 1);
        assert_eq!(code(block_on(object.changed(seen))), "forked");
        assert_eq!(code(object.change_fd(seen)), "forked");
        assert_eq!((code(fd.rearm(seen)), code(view_fd.rearm(seen))), ("forked", "forked"));
        let Poll::Ready(told) = poll_once(&mut of_user, &Counter::new()) else {
            panic!("it is the parent's");
        };
        assert_eq!(code(told), "forked");
        assert_eq!(sys::threads(), 1, "nothing of that started a thread");
        // What is the child's own works; the views that it inherited are as good as its own.
        let again = SharedValue::<Pair>::open("rpm").expect("the child opens anew");
        let its = [Counter::new(), Counter::new(), Counter::new()];
        let mut new = again.changed(seen);
        let mut new_of_view = view.changed(seen);
        assert!(poll_once(&mut new, &its[0]).is_pending());
        assert!(poll_once(&mut of_view, &its[1]).is_pending());
        assert!(poll_once(&mut new_of_view, &its[2]).is_pending());
        assert_eq!(sys::threads(), 2, "a thread of its own");
        again.set(Pair::of(2)).expect("a set");
        until(|| its.iter().all(|its| its.count() == 1));
        assert_eq!(block_on(new).expect("a value").0.whole(), 2);
        assert_eq!(block_on(of_view).expect("a value").0.whole(), 2);
        drop((of_user, new_of_view, fd, view_fd));
        0
    });
    assert_eq!(sys::code_of(child), 0);
    // The parent's waits were not disturbed, and its thread hears of what the child wrote.
    until(|| wakes.iter().all(|wakes| wakes.count() == 1));
    let (of_user, of_view, mut fd, mut view_fd) = waits.expect("the parent's");
    assert_eq!(block_on(of_user).expect("a value").0.whole(), 2);
    assert_eq!(block_on(of_view).expect("a value").0.whole(), 2);
    assert!(fd.rearm(seen).expect("a version") > seen);
    assert!(view_fd.rearm(seen).expect("a version") > seen);
    assert_eq!(sys::threads(), 2);
    peer.say("done");
}

#[test]
fn a_forked_child_is_told_and_waits_with_a_thread_of_its_own() {
    let world = World::new();
    let mut parent = world.child("fork");
    parent.expect_next("done");
    parent.finish();
}

/// Forks again and again while threads make and drop futures, so that the book is often locked.
pub(crate) fn storm(peer: &mut Peer) {
    let object = SharedValue::<Pair>::create("rpm", || Pair::of(1)).expect("an object");
    let view = SharedValue::<Pair>::open_read_only("rpm").expect("a view");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                let wakes = Counter::new();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let seen = object.version().expect("a version");
                    drop(poll_once(&mut object.changed(seen), &wakes));
                    drop(poll_once(&mut view.changed(seen), &wakes));
                }
            });
        }
        for round in 0..200 {
            let child = sys::forked(|| {
                let seen = view.version();
                let wakes = Counter::new();
                let mut future = view.changed_version(seen);
                let waits = poll_once(&mut future, &wakes).is_pending();
                let told = code(block_on(object.changed(seen))) == "forked";
                drop(future);
                u8::from(!waits || !told)
            });
            if round % 10 == 0 {
                // Between the forks, so that no child sees a version go by.
                assert_eq!(sys::code_of(child), 0);
                object.set(Pair::of(round)).expect("a set");
            } else {
                assert_eq!(sys::code_of(child), 0);
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    peer.say("done");
}

#[test]
fn forks_at_any_moment_leave_nobody_locked_out() {
    let world = World::new();
    let mut parent = world.child("fork-storm");
    parent.expect_next("done");
    parent.finish();
}

/// A waker that forks, on the waiting thread: the child ends there.
struct Forks(std::sync::Mutex<Option<u32>>);

impl Wake for Forks {
    fn wake(self: Arc<Self>) {
        let child = sys::forked_into_both();
        *self.0.lock().expect("nobody panics") = child;
    }
}

/// Has a waker fork, whose child comes out of it.
pub(crate) fn inside_waker(peer: &mut Peer) {
    let object = SharedValue::<Pair>::create("rpm", || Pair::of(1)).expect("an object");
    let seen = object.version().expect("a version");
    let forks = Arc::new(Forks(std::sync::Mutex::new(None)));
    let waker = Waker::from(Arc::clone(&forks));
    let mut future = object.changed(seen);
    let mut context = Context::from_waker(&waker);
    assert!(std::pin::Pin::new(&mut future).poll(&mut context).is_pending());
    let wakes = Counter::new();
    let mut after = object.changed(seen);
    assert!(poll_once(&mut after, &wakes).is_pending());
    object.set(Pair::of(2)).expect("a set");
    until(|| forks.0.lock().expect("nobody panics").is_some() && wakes.count() > 0);
    let child = forks.0.lock().expect("nobody panics").expect("a child");
    // Its only thread is a copy of the waiting one, which has nothing to serve there.
    assert_eq!(sys::code_of(child), 0);
    assert_eq!(block_on(object.changed(Version::NONE)).expect("a value").0.whole(), 2);
    assert_eq!(sys::threads(), 2);
    peer.say("done");
}

#[test]
fn a_waker_that_forks_leaves_no_second_server() {
    let world = World::new();
    let mut parent = world.child("fork-in-waker");
    parent.expect_next("done");
    parent.finish();
}

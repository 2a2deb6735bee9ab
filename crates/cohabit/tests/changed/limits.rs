//! Where the system refuses: no futex_waitv, no thread, no descriptor; and nothing piles up.

use cohabit::SharedValue;

#[cfg(unix)]
use crate::executor::block_on;
use crate::executor::{Counter, poll_once};
use crate::support::user::Pair;
use crate::support::{Census, Peer, World, sys, until};

/// Waits on a kernel without futex_waitv, as far as this process can tell.
#[cfg(unix)] // It forbids a call of Linux.
pub(crate) fn without_waitv(peer: &mut Peer) {
    sys::forbid(&[sys::SYS_FUTEX_WAITV], sys::ENOSYS);
    let objects: Vec<_> = (0..3)
        .map(|index| SharedValue::<Pair>::open(&format!("rpm-{index}")).expect("an object"))
        .collect();
    let mut seen: Vec<_> = objects.iter().map(|o| o.version().expect("a version")).collect();
    peer.say("here");
    loop {
        for (object, seen) in objects.iter().zip(&mut seen) {
            let (pair, version) = block_on(object.changed(*seen)).expect("a value");
            peer.say(pair.whole());
            if pair.number == 0 {
                return;
            }
            *seen = version;
        }
    }
}

#[cfg(unix)] // It forbids a call of Linux.
#[test]
fn without_futex_waitv_changes_are_seen_all_the_same() {
    let world = World::new();
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let create = |index| options.create(&format!("rpm-{index}"), || Pair::of(1));
    let objects: Vec<_> = (0..3).map(|index| create(index).expect("an object")).collect();
    let mut reader = world.child("no-waitv");
    reader.expect_next("here");
    for number in (0..30).rev() {
        let index = (29 - number) % 3;
        objects[index].set(Pair::of(u64::try_from(number).expect("small"))).expect("a set");
        assert_eq!(reader.hear(), number.to_string());
    }
    reader.finish();
}

/// Waits where no thread can be started, then where it can, and where no descriptor can be had.
#[cfg(unix)] // It forks, and sets limits.
pub(crate) fn without_threads(peer: &mut Peer) {
    let object = SharedValue::<Pair>::create("rpm", || Pair::of(1)).expect("an object");
    let seen = object.version().expect("a version");
    let child = sys::forked(|| {
        let again = SharedValue::<Pair>::open("rpm").expect("an object");
        sys::forbid(&[sys::SYS_CLONE, sys::SYS_CLONE3], sys::EAGAIN);
        for _ in 0..2 {
            let refused = block_on(again.changed(seen)).expect_err("no thread");
            assert_eq!((refused.code(), refused.object()), ("system", "rpm"));
            assert!(refused.detail().contains("starting the thread"), "{refused}");
            assert_eq!(again.change_fd(seen).expect_err("no thread").code(), "system");
        }
        // What needs no thread goes on.
        again.set(Pair::of(1)).expect("a set");
        assert_eq!(block_on(again.changed(seen)).expect("a value").0.whole(), 1);
        0
    });
    assert_eq!(sys::code_of(child), 0);
    let seen = object.version().expect("a version");
    let before = sys::limit(sys::RLIMIT_NOFILE, 0);
    let refused = object.change_fd(seen).expect_err("no descriptor");
    assert_eq!((refused.code(), refused.object()), ("no-descriptors", "rpm"));
    sys::limit(sys::RLIMIT_NOFILE, before);
    object.change_fd(seen).expect("a descriptor");
    peer.say("done");
}

#[cfg(unix)] // It forks, and sets limits.
#[test]
fn a_system_that_refuses_is_an_error() {
    let world = World::new();
    let mut child = world.child("no-threads");
    child.expect_next("done");
    child.finish();
}

/// Awaits, cancels and leaves, many times.
pub(crate) fn leaks(peer: &mut Peer) {
    let host = SharedValue::<Pair>::create("host", || Pair::of(1)).expect("an object");
    let round = || {
        let object = SharedValue::<Pair>::create("rpm", || Pair::of(1)).expect("an object");
        let view = SharedValue::<Pair>::open_read_only("rpm").expect("a view");
        let seen = object.version().expect("a version");
        let wakes = Counter::new();
        let mut futures = [object.changed(seen), view.changed(seen), host.changed(seen)];
        assert!(futures.iter_mut().all(|future| poll_once(future, &wakes).is_pending()));
        let fds = [object.change_fd(seen), view.change_fd(seen)];
        assert!(fds.iter().all(Result::is_ok));
        object.set(Pair::of(2)).expect("a set");
        until(|| wakes.count() == 2);
    };
    let seen = host.version().expect("a version");
    assert!(poll_once(&mut host.changed(seen), &Counter::new()).is_pending());
    let before = Census::now();
    (0..300).for_each(|_| round());
    // The thread lets go of what it looked at a little later.
    until(|| Census::now() == before);
    assert_eq!(sys::threads(), 2);
    peer.say("done");
}

#[test]
fn nothing_piles_up() {
    let world = World::new();
    let mut child = world.child("leaks");
    child.expect_next("done");
    child.finish();
}

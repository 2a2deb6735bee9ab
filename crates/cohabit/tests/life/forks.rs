//! A forked child is not attached: its cells say so, its atomics and views go on, and nothing that it
//! does or keeps is its parent's loss.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cohabit::untyped::Untyped;
use cohabit::{Scope, Shared, SharedValue, Version};

use crate::support::user::Pair;
use crate::support::{Peer, World, sys};

fn code<T>(outcome: cohabit::Result<T>) -> &'static str {
    outcome.err().map_or("ok", |error| error.code())
}

/// Attaches, forks, and has the child try everything; then forks one that only stays.
pub(crate) fn forker(peer: &mut Peer) {
    let object = SharedValue::<Pair>::open_or_create("rpm", || Pair::of(1)).expect("an object");
    let count = Shared::<AtomicU64>::open_or_create("count", || AtomicU64::new(0));
    let count = count.expect("an object");
    let view = SharedValue::<Pair>::open_read_only("rpm").expect("a view");
    let child = sys::forked(|| {
        let wait = Duration::from_millis(1);
        let pair = Pair::of(2);
        let codes = [
            code(object.get()),
            code(object.read()),
            code(object.get_boxed()),
            code(object.get_part(Pair::NUMBER)),
            code(object.set(pair)),
            code(object.try_set(pair)),
            code(object.set_timeout(pair, wait)),
            code(object.set_from(&pair)),
            code(object.set_part(Pair::NUMBER, 9)),
            code(object.update(|pair| pair.number += 1)),
            code(object.pin()),
            code(object.version()),
            code(object.wait_changed(Version::NONE, wait)),
            code(object.wait_version(Version::NONE, wait)),
        ];
        assert_eq!(codes, ["forked"; 14]);
        assert_eq!(view.get().expect("views go on").whole(), 1);
        assert_eq!(view.wait_version(Version::NONE, wait).expect("a version").number(), 1);
        assert_eq!(count.fetch_add(1, Ordering::Relaxed), 0);
        drop((object.clone(), count.clone(), view.clone()));
        let again = SharedValue::<Pair>::open("rpm").expect("the child opens anew");
        assert!(!again.created());
        assert_eq!(again.users().expect("users").len(), 2);
        again.set(Pair::of(3)).expect("a set");
        assert_eq!(code(object.get()), "forked");
        drop(again);
        drop(object.clone());
        0
    });
    assert_eq!(sys::code_of(child), 0);
    assert_eq!(object.get().expect("a value").whole(), 3);
    assert_eq!(object.users().expect("users").len(), 1);
    assert_eq!(count.load(Ordering::Relaxed), 1);
    let quiet = sys::forked(|| {
        drop((object.clone(), count.clone(), view.clone()));
        loop {
            std::thread::park();
        }
    });
    peer.say(quiet);
    if peer.hear() == "leave" {
        sys::signal(quiet, sys::SIGKILL);
        sys::reap(quiet);
    }
}

#[test]
fn a_forked_child_is_told_and_can_open_anew() {
    let world = World::new();
    let mut parent = world.child("forker");
    parent.hear();
    parent.leave();
}

#[test]
fn a_forked_child_does_not_keep_its_parents_slot() {
    let world = World::new();
    let mut parent = world.child("forker");
    let quiet: u32 = parent.hear().parse().expect("a pid");
    world.until_users("rpm", 1);
    parent.kill();
    world.until_users("rpm", 0);
    let mut next = world.child("user");
    next.expect("open rpm", "err not-found");
    assert!(sys::exists(quiet), "the forked child lives all the time");
    sys::signal(quiet, sys::SIGKILL);
    assert_eq!(cohabit::collect(&world.scope()).expect("tidied").removed, ["count"]);
}

/// A child drops its copy of the only handle.
pub(crate) fn last_handle(_peer: &mut Peer) {
    let object = SharedValue::<Pair>::open_or_create("rpm", || Pair::of(1)).expect("an object");
    let object = Cell::new(Some(object));
    let child = sys::forked(|| {
        drop(object.take());
        0
    });
    assert_eq!(sys::code_of(child), 0);
    let object = object.take().expect("the parent's");
    let again = SharedValue::<Pair>::open("rpm").expect("its name still stands");
    assert_eq!(again.get().expect("a value").whole(), 1);
    assert_eq!(object.users().expect("users").len(), 1);
}

#[test]
fn a_forked_child_that_drops_the_last_handle_does_not_leave_for_its_parent() {
    let world = World::new();
    world.run("fork-last-handle", &[]);
    world.assert_empty();
}

/// Forks inside an update: the child comes out of the closure too, and must not commit or let go.
pub(crate) fn inside_update(peer: &mut Peer) {
    let object = SharedValue::<Pair>::open("rpm").expect("an object");
    let mut child = None;
    let parent = std::process::id();
    let outcome = object.update(|pair| {
        *pair = Pair::of(2);
        child = Some(sys::forked_into_both());
        if std::process::id() == parent {
            let child = child.flatten().expect("the parent");
            assert_eq!(sys::code_of(child), 0);
            peer.say("child is done");
            peer.hear();
        } else {
            *pair = Pair::of(666);
        }
    });
    if std::process::id() != parent {
        let told = outcome.is_err_and(|error| error.code() == "forked");
        sys::leave_at_once(u8::from(!told));
    }
    outcome.expect("the parent's update");
    peer.say("committed");
    peer.hear();
}

#[test]
fn a_fork_inside_an_update_leaves_it_to_the_parent() {
    let world = World::new();
    let mut user = world.child("user");
    user.expect("create rpm", "ok");
    let mut forker = world.child("fork-inside-update");
    forker.expect_next("child is done");
    // The child is out of the closure, and nothing is committed, and the lock is not let go.
    user.expect("read", "ok 0@1");
    let busy = user.expect("try_set 5", "err busy");
    assert!(busy.contains(&format!("pid {}", forker.pid())), "{busy}");
    forker.expect("go", "committed");
    user.expect("read", "ok 2@2");
    forker.leave();
}

/// Forks inside a constructor: the child comes out of it too, and the object is the parent's.
pub(crate) fn inside_constructor(peer: &mut Peer) {
    let parent = std::process::id();
    let outcome = SharedValue::<Pair>::create("rpm", || {
        if let Some(child) = sys::forked_into_both() {
            assert_eq!(sys::code_of(child), 0);
            peer.say("child is done");
            peer.hear();
        }
        Pair::of(4)
    });
    if std::process::id() != parent {
        let told = outcome.is_err_and(|error| error.code() == "forked");
        sys::leave_at_once(u8::from(!told));
    }
    let object = outcome.expect("the parent's object");
    assert!(object.created());
    assert_eq!(object.get().expect("a value").whole(), 4);
}

#[test]
fn a_fork_inside_a_constructor_leaves_it_to_the_parent() {
    let world = World::new();
    let mut forker = world.child("fork-inside-constructor");
    forker.expect_next("child is done");
    assert_eq!(world.entry("rpm").expect("it is there").state, cohabit::EntryState::Building);
    forker.say("go");
    forker.finish();
}

/// The same without the type, for a value and for an atomic.
pub(crate) fn inside_untyped_update(peer: &mut Peer) {
    let parent = std::process::id();
    for name in ["rpm", "count"] {
        let raw = Untyped::open(name, &Scope::User).expect("an object");
        let outcome = raw.update(Duration::MAX, |bytes| {
            if let Some(child) = sys::forked_into_both() {
                assert_eq!(sys::code_of(child), 0);
                peer.say("child is done");
                peer.hear();
                bytes[0] = 2;
            } else {
                bytes.fill(66);
            }
            Ok::<(), ()>(())
        });
        if std::process::id() != parent {
            let told = outcome.is_err_and(|error| error.code() == "forked");
            sys::leave_at_once(u8::from(!told));
        }
        outcome.expect("the parent's update").expect("as it said");
        peer.say("committed");
        peer.hear();
    }
}

#[test]
fn a_fork_inside_an_untyped_update_leaves_it_to_the_parent() {
    let world = World::new();
    let mut user = world.child("user");
    user.expect("create rpm", "ok");
    let count = Shared::<AtomicU64>::options().scope(world.scope());
    let count = count.create("count", || AtomicU64::new(1)).expect("an object");
    let mut forker = world.child("fork-inside-untyped-update");
    forker.expect_next("child is done");
    // The child is out of the closure, and nothing is committed, and the lock is not let go.
    user.expect("read", "ok 0@1");
    let busy = user.expect("try_set 5", "err busy");
    assert!(busy.contains(&format!("pid {}", forker.pid())), "{busy}");
    forker.expect("go", "committed");
    user.expect("peek", "ok 2");
    user.expect("version", "ok 2");
    user.expect("try_set 5", "ok 3");
    forker.expect("go on", "child is done");
    assert_eq!(count.load(Ordering::Relaxed), 1);
    forker.expect("go", "committed");
    assert_eq!(count.load(Ordering::Relaxed), 2);
    forker.leave();
}

/// Forks with a pin: it stays the parent's.
pub(crate) fn with_pin(_peer: &mut Peer) {
    let object = SharedValue::<Pair>::create("rpm", || Pair::of(0)).expect("an object");
    let mut pin = Some(object.pin().expect("a pin"));
    let child = sys::forked(|| {
        let held = pin.take().expect("a pin");
        assert_eq!(code(held.get_part(Pair::NUMBER)), "forked");
        let error = held.get_part(Pair::TWIN).expect_err("it is the parent's");
        assert_eq!((error.code(), error.object()), ("forked", "rpm"));
        drop(held);
        0
    });
    assert_eq!(sys::code_of(child), 0);
    for number in 1..100 {
        object.set(Pair::of(number)).expect("a set");
    }
    let pin = pin.expect("the parent's");
    let part = |part| pin.get_part(part).expect("a pinned part");
    assert_eq!((part(Pair::NUMBER), part(Pair::TWIN)), (0, !0));
}

#[test]
fn a_pin_is_not_read_in_a_forked_child() {
    World::new().run("fork-with-pin", &[]);
}

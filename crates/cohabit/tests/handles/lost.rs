//! What a process can lose: its descriptors, itself in a fork, and /proc.

use std::time::Duration;

use cohabit::{SharedValue, SharedView, Value};

use super::handing::hand;
use crate::support::user::Pair;
use crate::support::{Peer, World, has_handles, is_root, sys};

#[test]
fn who_closed_all_descriptors_judges_nobody_dead() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let [mut a, mut b, mut c] = [world.child("user"), world.child("user"), world.child("user")];
    a.expect("anonymous", "ok created=true");
    hand(&world, &mut a, &mut b, ["give", "take"]);
    hand(&world, &mut a, &mut c, ["give", "take"]);
    b.expect("close_all", "ok");
    // What asks nobody goes on.
    b.expect("set 5", "ok 2");
    a.expect("get", "ok 5");
    b.expect("get", "ok 5");
    b.expect("users", "err liveness-lost");
    b.expect("status", "err liveness-lost");
    let socket = super::handing::socket(&world);
    b.expect(format!("give {socket}"), "listening");
    drop(std::os::unix::net::UnixStream::connect(&socket).expect("a socket"));
    b.expect_next("err liveness-lost");
    // It lives: its byte is no descriptor's.
    a.expect("users", &format!("ok {}:false {}:false {}:false", a.pid(), b.pid(), c.pid()));
    // Somebody who is dead holds the value: who cannot ask does not take it; who can, does.
    c.expect("hold", "inside");
    c.kill();
    b.expect("set_timeout 6 50", "err liveness-lost");
    a.expect("set 7", "ok 3");
    b.expect("get", "ok 7");
    b.expect("set 8", "ok 4");
    // It cannot leave cleanly, and is as if killed.
    b.leave();
    a.expect("users", &format!("ok {}:false", a.pid()));
}

#[test]
fn a_builder_that_closed_all_descriptors_and_is_alone_leaves_without_waiting() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let mut a = world.child("user");
    a.expect("anonymous", "ok created=true");
    a.expect("close_all", "ok");
    a.expect("drop", "ok");
    a.expect("anonymous", "ok created=true");
    a.leave();
}

/// A child is not attached, and joins by what its parent had.
pub(crate) fn forker(_peer: &mut Peer) {
    let object = SharedValue::<Pair>::anonymous(|| Pair::of(1)).expect("an object");
    let handle = object.to_fd().expect("a handle");
    let view = SharedView::<Value<Pair>>::from_fd(&handle).expect("a view");
    let child = sys::forked(|| {
        assert_eq!(object.get().expect_err("not attached").code(), "forked");
        assert_eq!(view.get().expect("views go on").whole(), 1);
        let mine = SharedValue::<Pair>::from_fd(object.to_fd().expect("a handle"));
        let mine = mine.expect("an object");
        assert_eq!(mine.users().expect("users").len(), 2);
        mine.set(Pair::of(2)).expect("a set");
        drop((mine, object.clone()));
        0
    });
    assert_eq!(sys::code_of(child), 0);
    assert_eq!(object.get().expect("a value").whole(), 2);
    assert_eq!(object.users().expect("users").len(), 1);

    // The constructor forks: the child finishes nothing.
    let built = SharedValue::<Pair>::anonymous(|| match sys::forked_into_both() {
        Some(child) => {
            assert_eq!(sys::code_of(child), 7);
            Pair::of(3)
        }
        None => Pair::of(4),
    });
    match built {
        Ok(built) => assert_eq!(built.get().expect("a value").whole(), 3),
        Err(error) => {
            assert_eq!(error.code(), "forked");
            sys::leave_at_once(7);
        }
    }
}

#[test]
fn a_forked_child_joins_by_itself() {
    if !has_handles() {
        return;
    }
    World::new().run("forker", &[]);
}

/// Where /proc is not mounted, it says so; what is attached goes on.
pub(crate) fn without_proc(_peer: &mut Peer) {
    let object = SharedValue::<Pair>::anonymous(|| Pair::of(1)).expect("an object");
    let handle = object.to_fd().expect("a handle");
    let mounts = sys::cover_proc();
    let says_so = |error: cohabit::Error| {
        assert_eq!(error.code(), "unsupported", "{error}");
        assert!(error.to_string().contains("/proc is not mounted"), "{error}");
    };
    says_so(object.to_fd().expect_err("no way"));
    says_so(SharedValue::<Pair>::from_fd(&handle).expect_err("no way"));
    let view = SharedView::<Value<Pair>>::from_fd(&handle).expect("a view needs no /proc");
    object.set(Pair::of(2)).expect("a set");
    assert_eq!(view.get().expect("a value").whole(), 2);
    assert_eq!(object.users().expect("users").len(), 1);
    drop(object); // as if killed, and at once
    assert!(view.wait_changed(cohabit::Version::NONE, Duration::ZERO).is_ok());
    drop(mounts);
}

#[test]
fn unsupported_without_proc() {
    if !has_handles() {
        return;
    }
    if is_root() {
        World::new().run("without-proc", &[]);
    }
}

//! A stopped process is not a dead one: others with a deadline are told who it is, and nobody robs it.

use std::path::PathBuf;

use cohabit_os::liveness::{Entered, LifeSection, Way};
use cohabit_os::mapping::status_of;

use crate::support::{Peer, World};

/// Enters the life section of a file, and stays in it.
pub(crate) fn section(peer: &mut Peer) {
    let path = PathBuf::from(peer.argument(0));
    let id = status_of(&path).expect("a file").id;
    let entered = LifeSection::enter(Way::Name(&path), id, None).expect("the section");
    assert!(matches!(entered, Entered::Yes(_)));
    peer.say("inside");
    peer.hear();
}

#[test]
fn a_stopped_builder_is_waited_for_and_not_robbed() {
    let world = World::new();
    let mut builder = world.child("user");
    builder.expect("open_or_create rpm constructor=hold", "building");
    builder.stop();
    let mut other = world.child("user");
    for verb in ["open", "open_or_create", "view"] {
        let busy = other.expect(format!("{verb} rpm timeout=30"), "err busy");
        assert!(busy.contains("rpm") && busy.contains(&builder.pid().to_string()), "{busy}");
    }
    other.expect("create rpm timeout=30", "err already-exists");
    other.say("open_or_create rpm");
    world.until_users("rpm", 2);
    builder.resume();
    builder.expect("go", "ok created=true");
    other.expect_next("ok created=false");
}

#[test]
fn a_stopped_process_inside_the_life_section_is_named_and_not_robbed() {
    let world = World::new();
    let mut user = world.child("user");
    user.expect("create rpm", "ok created=true");
    let path = world.path("rpm");
    let mut inside = world.child_with("section", &[path.to_str().expect("a path")]);
    inside.expect_next("inside");
    inside.stop();
    let mut other = world.child("user");
    for verb in ["open", "open_or_create"] {
        let busy = other.expect(format!("{verb} rpm timeout=30"), "err busy");
        assert!(busy.contains("rpm") && busy.contains("pid "), "{busy}");
    }
    // Who needs no byte is not delayed.
    other.expect("view rpm", "ok");
    user.expect("set 5", "ok 2");
    other.expect("view_get", "ok 5");
    assert_eq!(cohabit::collect(&world.scope()).expect("a look").problems.len(), 1);
    let busy = cohabit::remove(&world.scope(), "rpm", true).expect_err("it is in the section");
    assert_eq!(busy.code(), "busy");
    // Leaving does not wait: it leaves as if killed.
    let id = status_of(&path).expect("an object").id;
    user.expect("drop", "ok");
    assert_eq!(status_of(&path).expect("an object").id, id);
    other.say("open_or_create rpm");
    inside.resume();
    inside.leave();
    other.expect_next("ok created=true");
    assert_ne!(status_of(&path).expect("an object").id, id);
}

#[test]
fn a_stopped_process_in_the_section_of_a_failed_builder_does_not_outlast_a_deadline() {
    let world = World::new();
    let mut builder = world.child("user");
    builder.expect("open_or_create rpm constructor=hold", "building");
    let mut waiter = world.child("user");
    waiter.say("open_or_create rpm timeout=2000");
    world.until_users("rpm", 2);
    let path = world.path("rpm");
    let mut inside = world.child_with("section", &[path.to_str().expect("a path")]);
    inside.expect_next("inside");
    inside.stop();
    builder.kill();
    // It cannot tidy, since the stopped one is in the way.
    waiter.expect_next("err busy");
    inside.resume();
    inside.leave();
    waiter.expect("open_or_create rpm", "ok created=true");
}

#[test]
fn a_stopped_user_keeps_its_object_alive() {
    let world = World::new();
    let mut stopped = world.child("user");
    stopped.expect("create rpm", "ok created=true");
    stopped.expect("set 5", "ok 2");
    stopped.stop();
    let mut other = world.child("user");
    other.expect("open rpm", "ok created=false");
    other.expect("drop", "ok");
    assert!(cohabit::collect(&world.scope()).expect("a look").removed.is_empty());
    other.expect("open_or_create rpm", "ok created=false");
    other.expect("get", "ok 5");
    stopped.resume();
}

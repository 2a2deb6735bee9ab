//! Waiting for an object that is not there yet, not finished, or only left behind by the dead.

use std::time::Duration;

use cohabit::SharedValue;

use crate::support::user::Pair;
use crate::support::{Child, World, until};

/// Returns once a process that waits by looking again has looked a few times since.
#[cfg(unix)]
fn looks_again(child: &Child) {
    let naps = || crate::support::world::status_of(child.pid(), "voluntary_ctxt_switches:");
    let before = naps();
    until(|| naps() > before + 3);
}

/// How often another process has looked is not shown there: so it may not have, and what follows holds as well.
#[cfg(windows)]
fn looks_again(_child: &Child) {}

/// Two that wait for `rpm`: one that would use it, one that would look only.
fn waiting(world: &World) -> [Child; 2] {
    let mut waiters = [world.child("user"), world.child("user")];
    waiters[0].say("open_wait rpm");
    waiters[1].say("await_view rpm");
    waiters.iter().for_each(looks_again);
    waiters
}

/// Both have come to the object, which has this value.
fn have(waiters: &mut [Child; 2], number: u64) {
    let [user, observer] = waiters;
    user.expect_next("ok created=false");
    observer.expect_next("ok view");
    user.expect("get", &format!("ok {number}"));
    observer.expect("view_get", &format!("ok {number}"));
}

#[test]
fn an_object_is_awaited_before_its_folder_is_there() {
    let world = World::new();
    std::fs::remove_dir(world.folder()).expect("an empty folder");
    let mut waiters = waiting(&world);
    let mut creator = world.child("user");
    creator.expect("create rpm", "ok created=true");
    have(&mut waiters, 0);
    creator.leave();
    waiters.into_iter().for_each(Child::leave);
    world.assert_empty();
}

#[test]
fn an_object_is_awaited_while_it_is_constructed() {
    let world = World::new();
    let mut waiters = waiting(&world);
    let mut builder = world.child("user");
    builder.expect("create rpm constructor=hold", "building");
    waiters.iter().for_each(looks_again);
    builder.expect("go", "ok created=true");
    have(&mut waiters, 0);
}

#[test]
fn a_constructor_that_fails_or_is_killed_is_awaited_further() {
    let world = World::new();
    let mut waiters = waiting(&world);
    let mut failing = world.child("user");
    failing.expect("create rpm constructor=fail", "err constructor-failed");
    let mut killed = world.child("user");
    killed.expect("create rpm constructor=hold", "building");
    waiters.iter().for_each(looks_again);
    killed.kill();
    waiters.iter().for_each(looks_again);
    failing.expect("open_or_create rpm", "ok created=true");
    have(&mut waiters, 0);
}

#[test]
fn what_the_dead_left_is_awaited_past() {
    let world = World::new();
    let mut dead = world.child("user");
    dead.expect("create rpm", "ok created=true");
    dead.kill();
    let mut observer = world.child("user");
    observer.say("await_view rpm");
    looks_again(&observer);
    // An observer tidies nothing; a user that waits does, as every opener.
    world.is_left_behind("rpm");
    let mut user = world.child("user");
    user.say("open_wait rpm");
    until(|| world.names().is_empty());
    let mut creator = world.child("user");
    creator.expect("create rpm", "ok created=true");
    have(&mut [user, observer], 0);
}

#[test]
fn waiting_in_vain_says_for_what_and_where() {
    let world = World::new();
    let folder = world.folder().to_str().expect("a path").to_owned();
    let mut waiter = world.child("user");
    for verb in ["open_wait", "await_view"] {
        let late = waiter.expect(format!("{verb} rpm within=5"), "err timed-out");
        assert!(late.contains("`rpm`") && late.contains("5ms") && late.contains(&folder), "{late}");
    }
    let mut builder = world.child("user");
    builder.expect("create rpm constructor=hold", "building");
    for verb in ["open_wait", "await_view"] {
        let late = waiter.expect(format!("{verb} rpm within=5"), "err timed-out");
        let pid = format!("pid {}", builder.pid());
        assert!(late.contains("still constructing") && late.contains(&pid), "{late}");
        assert!(late.contains(&folder), "{late}");
    }
    builder.expect("go", "ok created=true");
    builder.leave();
    std::fs::remove_dir(world.folder()).expect("an empty folder");
    let late = waiter.expect("open_wait rpm within=5", "err timed-out");
    let root = world.root().to_str().expect("a path");
    assert!(late.contains(root), "{late}");
}

#[test]
fn what_will_not_do_is_refused_at_once() {
    let world = World::new();
    let options = SharedValue::<[u8; 3]>::options().scope(world.scope());
    let _other = options.create("rpm", || [1, 2, 3]).expect("an object");
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let forever = Duration::MAX;
    assert_eq!(options.open_wait("rpm", forever).expect_err("a type").code(), "type-mismatch");
    let view = options.open_read_only_wait("rpm", forever);
    assert_eq!(view.expect_err("a type").code(), "type-mismatch");
    assert_eq!(options.open_wait("a/b", forever).expect_err("a name").code(), "name-slash");
}

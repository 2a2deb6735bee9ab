//! Waiting for a change: none is lost, and an end is told.

use crate::support::{Child, World};

#[test]
fn every_change_is_seen_by_a_user_and_by_a_view() {
    let world = World::new();
    let mut writer = world.child("user");
    let mut user = world.child("user");
    let mut observer = world.child("user");
    writer.expect("create rpm", "ok");
    user.expect("open rpm", "ok");
    observer.expect("view rpm", "ok");
    user.expect("read", "ok 0@1");
    observer.expect("view_read", "ok 0@1");
    for n in 1..=300_u64 {
        // Sometimes the change comes first, sometimes the wait.
        user.say("wait 1000000");
        if n % 10 == 0 {
            observer.say("view_wait 1000000");
        }
        writer.expect(format!("set {n}"), "ok");
        assert_eq!(user.hear(), format!("ok {n}@{}", n + 1));
        if n % 10 == 0 {
            let seen = observer.hear();
            assert!(seen.starts_with("ok "), "{seen}");
        }
    }
}

#[test]
fn two_that_wait_for_each_other_in_turn_lose_no_change() {
    let world = World::new();
    let mut a = world.child("user");
    let mut b = world.child("user");
    a.expect("create rpm", "ok");
    b.expect("open rpm", "ok");
    a.expect("read", "ok 0@1");
    b.expect("read", "ok 0@1");
    for n in 1..=200_u64 {
        let (setter, waiter): (&mut Child, &mut Child) =
            if n % 2 == 0 { (&mut a, &mut b) } else { (&mut b, &mut a) };
        waiter.say("wait 1000000");
        setter.expect(format!("set {n}"), "ok");
        assert_eq!(waiter.hear(), format!("ok {n}@{}", n + 1));
        setter.expect("read", "ok");
    }
}

#[test]
fn a_writer_killed_after_its_commit_is_seen_all_the_same() {
    let world = World::new();
    let mut waiter = world.child("user");
    waiter.expect("create rpm", "ok");
    waiter.expect("read", "ok 0@1");
    for round in 0..10 {
        let mut writer = world.child("user");
        writer.expect("open rpm", "ok");
        waiter.say("wait 1000000");
        writer.say(format!("set {round}"));
        waiter.expect_next(&format!("ok {round}@"));
        writer.kill();
    }
}

#[test]
fn nothing_changed_is_timed_out() {
    let world = World::new();
    let mut user = world.child("user");
    user.expect("create rpm", "ok");
    user.expect("view rpm", "ok");
    user.expect("read", "ok 0@1");
    for wait in ["wait 0", "wait 20", "view_wait 0", "view_wait 20"] {
        let told = user.expect(wait, "err timed-out");
        assert!(told.contains("rpm") && told.contains("version 1"), "{told}");
    }
    user.expect("set 5", "ok 2");
    user.expect("wait 0", "ok 5@2");
}

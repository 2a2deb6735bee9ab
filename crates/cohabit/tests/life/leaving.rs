//! Leaving, cleanly and by death; objects that are kept; names and instances that end.

use cohabit::{EntryState, Scope, SharedValue, Standing, User};

use crate::support::user::Pair;
use crate::support::{Child, Peer, World, keeps_what_nobody_uses, raw};

#[test]
fn the_last_one_out_leaves_no_file() {
    let world = World::new();
    let mut users: Vec<_> = (0..4).map(|_| world.child("user")).collect();
    for (index, user) in users.iter_mut().enumerate() {
        user.expect("open_or_create rpm", &format!("ok created={}", index == 0));
    }
    let mut observer = world.child("user");
    observer.expect("view rpm", "ok");
    users[0].expect("set 5", "ok 2");
    for user in &mut users {
        assert_eq!(world.names(), ["rpm"]);
        user.expect("get", "ok 5");
        user.expect("drop", "ok");
    }
    world.assert_empty();
    observer.expect("view_status", "ok Ended");
    observer.expect("view_get", "ok 5");
}

#[test]
fn an_orphan_is_reclaimed_by_the_next_opener() {
    let world = World::new();
    let kill_all = |count: usize| {
        let mut users: Vec<_> = (0..count).map(|_| world.child("user")).collect();
        users.iter_mut().for_each(|user| drop(user.expect("open_or_create rpm", "ok")));
        users[0].expect("set 5", "ok 2");
        users.into_iter().for_each(Child::kill);
        world.is_left_behind("rpm")
    };
    let is_there = kill_all(3);
    let mut next = world.child("user");
    next.expect("view rpm", "err not-found");
    assert_eq!(world.names().len(), usize::from(is_there), "an observer changes nothing");
    next.expect("open rpm", "err not-found");
    world.assert_empty();
    kill_all(2);
    next.expect("open_or_create rpm", "ok created=true");
    next.expect("get", "ok 0");
    next.expect("drop", "ok");
    kill_all(1);
    next.expect("create rpm", "ok created=true");
    next.expect("drop", "ok");
    kill_all(1);
    world.collects_left_behind("rpm");
}

#[test]
fn one_of_two_users_killed_costs_nothing() {
    let world = World::new();
    let mut users = [world.child("user"), world.child("user")];
    users.iter_mut().for_each(|user| drop(user.expect("open_or_create rpm", "ok")));
    let [mut dead, mut live] = users;
    dead.expect("set 5", "ok 2");
    dead.kill();
    live.expect("get", "ok 5");
    let me = format!("ok {}:false", live.pid());
    assert_eq!(live.ask("users"), me);
    live.expect("status", "ok Live");
    live.expect("drop", "ok");
    world.assert_empty();
}

#[test]
fn a_kept_object_waits_with_its_last_value() {
    if !keeps_what_nobody_uses() {
        return;
    }
    let world = World::new();
    let mut first = world.child("user");
    first.expect("open_or_create rpm keep=reboot", "ok created=true");
    first.expect("set 5", "ok 2");
    first.expect("drop", "ok");
    assert_eq!(world.entry("rpm").expect("an idle one").state, EntryState::Idle);
    let mut second = world.child("user");
    second.expect("view rpm", "ok");
    second.expect("view_get", "ok 5");
    second.expect("open rpm", "ok created=false");
    second.expect("read", "ok 5@2");
    assert_eq!(world.entry("rpm").expect("a live one").state, EntryState::Live);
    second.kill();
    first.expect("open_or_create rpm", "ok created=false");
    first.expect("get", "ok 5");
    first.leave();
    assert!(cohabit::collect(&world.scope()).expect("tidied").removed.is_empty());
    cohabit::remove(&world.scope(), "rpm", false).expect("nobody uses it");
}

/// Makes a kept object look as if it were left over from before the last start of the machine.
fn of_an_earlier_boot(world: &World) -> Child {
    let mut user = world.child("user");
    user.expect("open_or_create rpm keep=reboot", "ok created=true");
    user.expect("set 5", "ok 2");
    user.expect("drop", "ok");
    let file = raw::open(&world.path("rpm"));
    raw::put(&file, 120, raw::word(&file, 120) ^ 0xff);
    assert_eq!(world.entry("rpm").expect("it is there").state, EntryState::Orphan);
    user
}

#[test]
fn an_object_of_an_earlier_boot_is_reclaimed() {
    if !keeps_what_nobody_uses() {
        return;
    }
    let world = World::new();
    let mut user = of_an_earlier_boot(&world);
    user.expect("view rpm", "err not-found");
    user.expect("open rpm", "err not-found");
    world.assert_empty();
    let mut user = of_an_earlier_boot(&world);
    user.expect("open_or_create rpm", "ok created=true");
    user.expect("get", "ok 0");
    user.expect("drop", "ok");
    of_an_earlier_boot(&world);
    world.run("other-type", &["true"]);
    of_an_earlier_boot(&world);
    assert_eq!(cohabit::collect(&world.scope()).expect("tidied").removed, ["rpm"]);
}

#[test]
fn a_lost_name_is_told_and_the_users_go_on() {
    let world = World::new();
    let mut users = [world.child("user"), world.child("user")];
    users.iter_mut().for_each(|user| drop(user.expect("open_or_create rpm", "ok")));
    let [mut a, mut b] = users;
    let mut observer = world.child("user");
    observer.expect("view rpm", "ok");
    observer.expect("view_read", "ok 0@1");
    b.expect("read", "ok 0@1");
    b.say("wait 100000");
    observer.say("view_wait 100000");
    world.lose("rpm");
    b.expect_next("err name-lost");
    observer.expect_next("err name-lost");
    a.expect("status", "ok NameLost");
    observer.expect("view_status", "ok NameLost");
    a.expect("set 5", "ok 2");
    b.expect("get", "ok 5");
    b.expect("read", "ok 5@2");
    // A change is told before the loss of the name.
    a.expect("set 6", "ok 3");
    b.expect("wait 0", "ok 6@3");
    // Locks are taken over as ever.
    a.expect("hold", "inside");
    a.kill();
    b.expect("set 7", "ok 4");
    // The name stands for another instance now, which the old one's end leaves alone.
    let mut next = world.child("user");
    next.expect("open_or_create rpm", "ok created=true");
    b.expect("drop", "ok");
    next.expect("status", "ok Live");
    b.expect("open_or_create rpm", "ok created=false");
    b.expect("get", "ok 0");
}

#[test]
fn a_forced_end_is_told_and_a_new_instance_stands_beside() {
    let world = World::new();
    let mut users = [world.child("user"), world.child("user")];
    users.iter_mut().for_each(|user| drop(user.expect("open_or_create rpm", "ok")));
    let [mut a, mut b] = users;
    let mut observer = world.child("user");
    observer.expect("view rpm", "ok");
    observer.expect("view_read", "ok 0@1");
    b.expect("read", "ok 0@1");
    let refused = cohabit::remove(&world.scope(), "rpm", false).expect_err("it is in use");
    assert_eq!(refused.code(), "busy");
    for user in [&a, &b] {
        assert!(refused.detail().contains(&format!("pid {}", user.pid())), "{refused}");
    }
    b.say("wait 100000");
    observer.say("view_wait 100000");
    cohabit::remove(&world.scope(), "rpm", true).expect("by force");
    world.assert_empty();
    b.expect_next("err ended");
    observer.expect_next("err ended");
    a.expect("status", "ok Ended");
    observer.expect("view_status", "ok Ended");
    a.expect("set 5", "ok 2");
    b.expect("get", "ok 5");
    a.expect("drop", "ok");
    a.expect("open_or_create rpm", "ok created=true");
    b.expect("get", "ok 5");
    b.expect("drop", "ok");
    b.expect("open rpm", "ok created=false");
    b.expect("get", "ok 0");
}

#[test]
fn an_object_that_was_ended_inside_an_update_says_so() {
    let world = World::new();
    let mut users = [world.child("user"), world.child("user")];
    users.iter_mut().for_each(|user| drop(user.expect("open_or_create rpm", "ok")));
    let [mut writer, mut other] = users;
    writer.expect("hold", "inside");
    cohabit::remove(&world.scope(), "rpm", true).expect("by force");
    other.expect("status", "ok Ended");
    writer.expect("commit", "ok 1");
    other.expect("get", "ok 1");
}

#[test]
fn an_object_removed_while_it_is_constructed_has_ended() {
    let world = World::new();
    let mut builder = world.child("user");
    builder.expect("create rpm constructor=hold", "building");
    cohabit::remove(&world.scope(), "rpm", true).expect("by force");
    let mut next = world.child("user");
    next.expect("create rpm", "ok created=true");
    builder.expect("go", "err ended");
    next.expect("status", "ok Live");
}

#[test]
fn users_and_status_say_who_and_how() {
    let world = World::new();
    let mut a = world.child("user");
    let mut b = world.child("user");
    a.expect("create rpm", "ok");
    b.expect("open rpm", "ok");
    let pids = format!("ok {}:false {}:false", a.pid(), b.pid());
    assert_eq!(a.ask("users"), pids);
    assert_eq!(b.ask("users"), pids);
    let entry = world.entry("rpm").expect("an entry");
    assert_eq!((entry.users, entry.state), (2, EntryState::Live));
    assert_eq!(entry.type_name, "Pair");
    assert_eq!(entry.size, raw::bytes(&world.path("rpm")).len() as u64);
    assert!(entry.created_ns > 0 && entry.problem.is_none());
}

#[test]
fn of_many_that_leave_at_once_one_finds_itself_the_last() {
    let (world, mut left_over) = (World::new(), 0);
    let mut users: Vec<_> = (0..12).map(|_| world.child("user")).collect();
    for _ in 0..40 {
        users.iter_mut().for_each(|user| drop(user.expect("open_or_create rpm", "ok")));
        users.iter_mut().for_each(|user| user.say("drop"));
        users.iter_mut().for_each(|user| assert_eq!(user.hear(), "ok"));
        left_over += cohabit::collect(&world.scope()).expect("a tidy folder").removed.len();
        world.assert_empty();
    }
    // Who is kept from running for longer than the others try leaves as if killed: rarely.
    assert!(left_over <= 4, "{left_over} of 40 rounds left a file");
}

/// Moves to another folder with an object of a folder that was named from the old one.
pub(crate) fn mover(peer: &mut Peer) {
    std::env::set_current_dir(peer.argument(0)).expect("the root");
    let scope = Scope::Folder(peer.argument(1).into());
    let options = || SharedValue::<Pair>::options().scope(scope.clone());
    let object = options().create("rpm", || Pair::of(1)).expect("an object");
    let view = options().open_read_only("rpm").expect("a view");
    std::env::set_current_dir("/").expect("another folder");
    let pids = |users: cohabit::Result<Vec<User>>| {
        users.expect("users").iter().map(|user| user.pid).collect::<Vec<_>>()
    };
    assert_eq!(pids(object.users()), [std::process::id()]);
    assert_eq!(object.standing().expect("a standing"), Standing::Live);
    assert_eq!(view.standing().expect("a standing"), Standing::Live);
    drop(object);
    assert_eq!(view.standing().expect("a standing"), Standing::Ended);
}

#[test]
fn a_relative_folder_is_left_from_anywhere() {
    let world = World::new();
    let folder = world.folder().file_name().and_then(|name| name.to_str()).expect("a name");
    world.run("mover", &[world.root().to_str().expect("a path"), folder]);
    world.assert_empty();
}

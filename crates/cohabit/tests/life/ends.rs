//! Types with an end: `last_one_out` is run by the last user that leaves cleanly, and else never.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use cohabit::untyped::Untyped;
use cohabit::{Keep, LastOneOut, Scope, Shared, Value, shareable};

use crate::support::{Peer, World, keeps_what_nobody_uses, line, world};

/// What the next end does: 0 only logs, 1 panics, 2 waits for the test, 3 opens its own name.
static MANNER: AtomicU64 = AtomicU64::new(0);

#[shareable]
#[derive(Debug)]
struct Ending {
    value: Value<u64>,
}

impl LastOneOut for Ending {
    fn last_one_out(&self) {
        world::log("end");
        let last = self.value.update(|value| std::mem::replace(value, 99)).expect("its own cell");
        world::log(&format!("last value {last}"));
        match MANNER.load(Ordering::Relaxed) {
            1 => std::panic::panic_any("as the test asked"),
            2 => {
                println!("> ending");
                let mut word = String::new();
                std::io::stdin().read_line(&mut word).expect("the test");
            }
            3 => open_itself(),
            _ => {}
        }
        world::log("ended");
    }
}

/// Opens the object that ends, in all forms.
fn open_itself() {
    let code = |outcome: cohabit::Result<bool>| world::log(outcome.unwrap_err().code());
    let options = Shared::<Ending>::options;
    let new = || Ending { value: Value::new(0) };
    // First with a bound, were it taken for a wait.
    let hasty = options().timeout(std::time::Duration::from_millis(1)).open("ending");
    let hasty = hasty.expect_err("it ends on this thread").code();
    assert_eq!(hasty, "constructor-reentered");
    code(options().open("ending").map(|object| object.created()));
    code(options().open_or_create("ending", new).map(|object| object.created()));
    code(options().open_read_only("ending").map(|_| false));
    code(Untyped::open("ending", &Scope::User).map(|_| false));
}

/// Uses one object of a type with an end: attach [keep], set N, drop [panic|hold|own], exit.
pub(crate) fn ender(peer: &mut Peer) {
    let mut object: Option<Shared<Ending>> = None;
    loop {
        let said = peer.hear();
        let words: Vec<_> = said.split(' ').collect();
        let answer = match words[..] {
            ["attach", ref rest @ ..] => {
                let mut options = Shared::<Ending>::options();
                for word in rest {
                    options = match *word {
                        "keep" => options.keep(Keep::UntilReboot),
                        _ => options.timeout(std::time::Duration::from_millis(1)),
                    };
                }
                let attached = options.open_or_create("ending", || Ending { value: Value::new(0) });
                line(attached.map(|attached| object.insert(attached).created()))
            }
            ["set", number] => {
                let value = &object.as_ref().expect("an object").value;
                line(value.set(number.parse().expect("a number")))
            }
            ["users"] => {
                let users = object.as_ref().expect("an object").users().expect("users");
                users.iter().map(|user| format!("{} ", user.guest)).collect()
            }
            ["drop", ref manner @ ..] => {
                let manner = match manner {
                    ["panic"] => 1,
                    ["hold"] => 2,
                    ["own"] => 3,
                    _ => 0,
                };
                MANNER.store(manner, Ordering::Relaxed);
                match catch_unwind(AssertUnwindSafe(|| drop(object.take()))) {
                    Ok(()) => "ok".to_owned(),
                    Err(panic) => format!("panic {:?}", panic.downcast_ref::<&str>()),
                }
            }
            ["exit"] => {
                std::mem::forget(object);
                std::process::exit(0);
            }
            _ => return,
        };
        peer.say(answer);
    }
}

/// Attaches without the type.
pub(crate) fn guest(peer: &mut Peer) {
    let guest = Untyped::open("ending", &Scope::User).expect("a guest");
    peer.say("here");
    loop {
        let answer = match &peer.hear()[..] {
            "status" => line(guest.status().map(|status| format!("{:?}", status.standing))),
            "read" => {
                let cell = guest.cell_at(0).expect("the value");
                line(cell.read().map(|(bytes, version)| format!("{bytes:?}@{version}")))
            }
            "whole" => line(guest.read().map(|_| "read")),
            _ => return,
        };
        peer.say(answer);
    }
}

/// A user that is a guest too has two mappings of one cell: that it waits for itself is seen.
pub(crate) fn user_and_guest(peer: &mut Peer) {
    let new = || Ending { value: Value::new(0) };
    let user = Shared::<Ending>::create("ending", new).expect("an object");
    let guest = Untyped::open("ending", &Scope::User).expect("a guest");
    assert_eq!(user.users().expect("users").len(), 2);
    let cell = guest.cell_at(0).expect("the value");
    let wait = std::time::Duration::from_secs(100);
    let keep = |_: &mut [u8]| Ok::<(), ()>(());
    let inside = || {
        let hasty = [
            user.value.try_set(1).unwrap_err().code(),
            user.value.set_timeout(1, std::time::Duration::from_millis(1)).unwrap_err().code(),
            cell.update(std::time::Duration::ZERO, keep).unwrap_err().code(),
        ];
        let patient = [
            user.value.set(1).unwrap_err().code(),
            user.value.update(|_| ()).unwrap_err().code(),
            cell.update(wait, keep).unwrap_err().code(),
        ];
        assert_eq!((hasty, patient), (["deadlock"; 3], ["deadlock"; 3]));
    };
    let updated = cell.update(wait, |_| {
        inside();
        Ok::<(), ()>(())
    });
    updated.expect("it ran").expect("as it said");
    user.value.update(|_| inside()).expect("an update");
    assert_eq!(user.value.version().expect("a version").number(), 3);
    peer.say("done");
}

#[test]
fn a_user_that_is_a_guest_too_does_not_wait_for_itself() {
    let world = World::new();
    world.child("user-and-guest").expect_next("done");
}

#[test]
fn the_last_clean_leaver_runs_the_end_once() {
    let world = World::new();
    let mut users: Vec<_> = (0..3).map(|_| world.child("ender")).collect();
    for (index, user) in users.iter_mut().enumerate() {
        user.expect("attach", &format!("ok {}", index == 0));
    }
    users[1].expect("set 41", "ok 2");
    for user in &mut users {
        assert_eq!(world.logged("end"), 0);
        user.expect("drop", "ok");
    }
    assert_eq!((world.logged("end"), world.logged("ended")), (1, 1));
    assert_eq!(world.logged("last value 41"), 1);
    world.assert_empty();
}

#[test]
fn the_survivor_of_a_killed_user_runs_the_end() {
    let world = World::new();
    let mut users = [world.child("ender"), world.child("ender")];
    users.iter_mut().for_each(|user| drop(user.expect("attach", "ok")));
    let [dead, mut live] = users;
    dead.kill();
    live.expect("drop", "ok");
    assert_eq!(world.logged("ended"), 1);
}

#[test]
fn an_orphan_an_exit_and_a_kept_object_have_no_end() {
    let world = World::new();
    // By the next opener, and by gc.
    let mut orphan = world.child("ender");
    orphan.expect("attach", "ok true");
    orphan.kill();
    let mut next = world.child("ender");
    next.expect("attach", "ok true");
    next.kill();
    world.collects_left_behind("ending");
    // At the process's exit.
    let mut leaver = world.child("ender");
    leaver.expect("attach", "ok true");
    leaver.say("exit");
    leaver.finish();
    world.assert_empty();
    // Of a kept object, by leaving and by removing.
    let mut keeper = world.child("ender");
    if keeps_what_nobody_uses() {
        keeper.expect("attach keep", "ok true");
        keeper.expect("drop", "ok");
        cohabit::remove(&world.scope(), "ending", false).expect("nobody uses it");
    }
    // By force.
    keeper.expect("attach", "ok true");
    cohabit::remove(&world.scope(), "ending", true).expect("by force");
    keeper.expect("drop", "ok");
    assert_eq!(world.logged("end"), 0);
}

#[test]
fn an_end_that_panics_ends_the_object_all_the_same() {
    let world = World::new();
    let mut user = world.child("ender");
    user.expect("attach", "ok true");
    user.expect("drop panic", "panic Some(\"as the test asked\")");
    world.assert_empty();
    user.expect("attach", "ok true");
    user.expect("drop", "ok");
    assert_eq!((world.logged("end"), world.logged("ended")), (2, 1));
}

#[test]
fn killed_inside_its_end_the_object_is_gone_with_the_next_opener() {
    let world = World::new();
    let mut last = world.child("ender");
    last.expect("attach", "ok true");
    last.expect("drop hold", "ending");
    let mut patient = world.child("ender");
    patient.say("attach");
    world.until_users("ending", 2);
    let mut hasty = world.child("ender");
    let busy = hasty.expect("attach hasty", "err busy");
    assert!(busy.contains(&format!("pid {}", last.pid())), "{busy}");
    last.kill();
    patient.expect_next("ok true");
    patient.expect("drop", "ok");
    assert_eq!((world.logged("end"), world.logged("ended")), (2, 1));
}

#[test]
fn who_comes_during_an_end_gets_a_new_instance_after_it() {
    let world = World::new();
    let mut last = world.child("ender");
    last.expect("attach", "ok true");
    last.expect("set 5", "ok 2");
    last.expect("drop hold", "ending");
    let mut next = world.child("ender");
    next.say("attach");
    world.until_users("ending", 2);
    last.expect("go on", "ok");
    next.expect_next("ok true");
    next.expect("drop", "ok");
    assert_eq!((world.logged("last value 5"), world.logged("last value 0")), (1, 1));
}

#[test]
fn a_guest_is_not_counted_and_does_not_end_it() {
    let world = World::new();
    let mut user = world.child("ender");
    user.expect("attach", "ok true");
    user.expect("set 5", "ok 2");
    let mut guest = world.child("guest");
    guest.expect_next("here");
    guest.expect("read", "ok [5, 0, 0, 0, 0, 0, 0, 0]@2");
    guest.expect("whole", "err unsupported");
    assert_eq!(user.ask("users").trim(), "false true");
    user.expect("drop", "ok");
    assert_eq!(world.logged("ended"), 1);
    world.assert_empty();
    guest.expect("status", "ok Ended");
    guest.leave();
    // The other way round, the guest's leaving ends nothing.
    user.expect("attach", "ok true");
    let mut guest = world.child("guest");
    guest.expect_next("here");
    guest.leave();
    assert_eq!(user.ask("users").trim(), "false");
    // A guest alone keeps nothing: the instance is an orphan.
    let mut guest = world.child("guest");
    guest.expect_next("here");
    user.kill();
    let mut user = world.child("ender");
    user.expect("attach", "ok true");
    guest.expect("status", "ok Ended");
    user.expect("drop", "ok");
    assert_eq!(world.logged("ended"), 2);
}

#[test]
fn an_end_that_opens_its_own_name_is_told() {
    let world = World::new();
    let mut user = world.child("ender");
    user.expect("attach", "ok true");
    user.expect("set 5", "ok 2");
    user.expect("drop own", "ok");
    assert_eq!(world.logged("constructor-reentered"), 4);
    assert_eq!((world.logged("end"), world.logged("ended")), (1, 1));
    world.assert_empty();
    // It is no mark on the name: the next instance can be had.
    user.expect("attach", "ok true");
    user.expect("drop", "ok");
    assert_eq!(world.logged("ended"), 2);
}

/// Whoever is last, one end runs for an instance, or none: who cannot get to the door in time leaves
/// as if killed.
#[test]
fn of_those_that_leave_at_once_at_most_one_ends_it() {
    const ROUNDS: usize = 30;
    let world = World::new();
    let mut users: Vec<_> = (0..3).map(|_| world.child("ender")).collect();
    for round in 1..=ROUNDS {
        let created = users.iter_mut().filter_map(|user| {
            user.say("attach");
            (user.expect_next("ok") == "ok true").then_some(())
        });
        assert_eq!(created.count(), 1);
        let mut guest = world.child("guest");
        guest.expect_next("here");
        users.iter_mut().for_each(|user| user.say("drop"));
        guest.say("leave");
        users.iter_mut().for_each(|user| drop(user.expect_next("ok")));
        guest.finish();
        assert!(world.logged("end") <= round, "ended twice");
        assert_eq!(world.logged("end"), world.logged("ended"));
        // What was left as if by a kill.
        cohabit::collect(&world.scope()).expect("a tidy folder");
        world.assert_empty();
    }
    assert!(world.logged("end") > 0);
}

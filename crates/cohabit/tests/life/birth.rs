//! Constructed exactly once, however many race, and whatever becomes of a constructor.

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use cohabit::{Error, SharedValue};

use crate::support::user::Pair;
use crate::support::{Child, Peer, World, keeps_what_nobody_uses, world};

const RACERS: usize = 16;
const ROUNDS: usize = 20;

/// Attaches when told, and stays until told.
pub(crate) fn racer(peer: &mut Peer) {
    loop {
        let name = peer.hear();
        let object = SharedValue::<Pair>::open_or_create(&name, || {
            world::log("constructor");
            Pair::of(7)
        });
        let object = object.expect("an object");
        let number = object.get().expect("a value").whole();
        peer.say(format!("{} {number}", object.created()));
        peer.hear();
        drop(object);
        peer.say("left");
    }
}

#[test]
fn created_is_true_once_however_many_race() {
    let world = World::new();
    let mut racers: Vec<Child> = (0..RACERS).map(|_| world.child("racer")).collect();
    for round in 1..=ROUNDS {
        racers.iter_mut().for_each(|racer| racer.say(format!("race-{round}")));
        let heard: Vec<_> = racers.iter_mut().map(Child::hear).collect();
        let created = heard.iter().filter(|said| *said == "true 7").count();
        let joined = heard.iter().filter(|said| *said == "false 7").count();
        assert_eq!((created, joined), (1, RACERS - 1), "round {round}: {heard:?}");
        assert_eq!(world.logged("constructor"), round);
        racers.iter_mut().for_each(|racer| racer.say("leave"));
        racers.iter_mut().for_each(|racer| assert_eq!(racer.hear(), "left"));
        // Whoever could not have the life byte in a few milliseconds left as if killed.
        cohabit::collect(&world.scope()).expect("a tidy folder");
        world.assert_empty();
    }
}

/// Comes and goes without any order.
pub(crate) fn churner(peer: &mut Peer) {
    let rounds: usize = peer.argument(0).parse().expect("a number");
    let mut created = 0;
    for _ in 0..rounds {
        let object = SharedValue::<Pair>::open_or_create("churn", || {
            world::log("constructor");
            Pair::of(7)
        });
        let object = object.expect("an object");
        created += usize::from(object.created());
        assert_eq!(object.get().expect("a value").whole(), 7);
    }
    peer.say(created);
}

#[test]
fn created_is_true_once_for_every_instance_of_a_churn() {
    let world = World::new();
    let mut churners: Vec<_> = (0..6).map(|_| world.child_with("churner", &["300"])).collect();
    let created = churners.iter_mut().map(|churner| churner.hear().parse::<usize>());
    let created: usize = created.map(|created| created.expect("a number")).sum();
    churners.into_iter().for_each(Child::finish);
    assert_eq!(world.logged("constructor"), created);
    // Whoever could not have the life byte in a few milliseconds left as if killed.
    cohabit::collect(&world.scope()).expect("a tidy folder");
}

/// A builder that is inside its constructor, and others that wait for it: two that would construct,
/// one that would not.
fn waiting_for_a_builder(world: &World) -> (Child, [Child; 2], Child) {
    let mut builder = world.child("user");
    builder.expect("open_or_create rpm log constructor=hold", "building");
    let mut waiters = [world.child("user"), world.child("user")];
    waiters.iter_mut().for_each(|waiter| waiter.say("open_or_create rpm log"));
    let mut opener = world.child("user");
    opener.say("open rpm");
    world.until_users("rpm", 4);
    (builder, waiters, opener)
}

/// After the builder failed in whichever way: one waiter constructs, and the others go on.
fn others_start_over(world: &World, waiters: [Child; 2], mut opener: Child) {
    let [mut a, mut b] = waiters;
    let mut heard = [a.hear(), b.hear()];
    heard.sort();
    assert_eq!(heard, ["ok created=false", "ok created=true"]);
    let opened = opener.hear();
    assert!(opened == "ok created=false" || opened.starts_with("err not-found"), "{opened}");
    assert_eq!(world.logged("constructor"), 2);
    assert_eq!(a.ask("get"), "ok 0");
    [a, b, opener].into_iter().for_each(Child::leave);
    world.assert_empty();
}

#[test]
fn a_killed_builder_is_succeeded_by_one_waiter() {
    let world = World::new();
    let (builder, waiters, opener) = waiting_for_a_builder(&world);
    builder.kill();
    others_start_over(&world, waiters, opener);
}

#[test]
fn a_failing_builder_is_succeeded_by_one_waiter() {
    let world = World::new();
    let (mut builder, waiters, opener) = waiting_for_a_builder(&world);
    let failed = builder.ask("fail");
    assert!(failed.starts_with("err constructor-failed"), "{failed}");
    assert!(failed.contains("rpm") && failed.contains("no fuel"), "{failed}");
    others_start_over(&world, waiters, opener);
}

#[test]
fn a_panicking_builder_is_succeeded_by_one_waiter() {
    let world = World::new();
    let (mut builder, waiters, opener) = waiting_for_a_builder(&world);
    builder.say("panic");
    assert_eq!(builder.end().code(), Some(101));
    others_start_over(&world, waiters, opener);
}

#[test]
fn waiters_get_the_object_of_a_builder_that_succeeds() {
    let world = World::new();
    let (mut builder, waiters, mut opener) = waiting_for_a_builder(&world);
    assert_eq!(builder.ask("go"), "ok created=true");
    for mut waiter in waiters {
        assert_eq!(waiter.hear(), "ok created=false");
    }
    assert_eq!(opener.hear(), "ok created=false");
    assert_eq!(world.logged("constructor"), 1);
}

#[test]
fn a_view_of_an_object_that_is_never_finished_is_not_found() {
    let world = World::new();
    let mut builder = world.child("user");
    builder.expect("create rpm constructor=hold", "building");
    let mut waiter = world.child("user");
    waiter.say("open rpm");
    world.until_users("rpm", 2);
    let mut observer = world.child("user");
    observer.expect("view rpm timeout=1", "err busy");
    // The builder is dead, and a bystander lives but does not move: nobody will ever finish it.
    waiter.stop();
    builder.kill();
    observer.expect("view rpm", "err not-found");
    waiter.resume();
    waiter.expect_next("err not-found");
    world.assert_empty();
}

/// What a constructor does in the process of its caller.
pub(crate) fn constructors(_peer: &mut Peer) {
    const NAME: &str = "built";
    let failed = SharedValue::<Pair>::create(NAME, || Err::<Pair, _>(std::fmt::Error));
    let failed: Error = failed.expect_err("a failing constructor");
    assert_eq!((failed.code(), failed.object()), ("constructor-failed", NAME));
    assert!(failed.source().is_some_and(|source| source.is::<std::fmt::Error>()), "its own error");

    let create = || SharedValue::<Pair>::create(NAME, || -> Pair { std::panic::panic_any(77_u32) });
    let panic = catch_unwind(AssertUnwindSafe(create)).expect_err("the panic goes on");
    assert_eq!(panic.downcast_ref::<u32>(), Some(&77));

    let object = SharedValue::<Pair>::create(NAME, || {
        let own = SharedValue::<Pair>::open(NAME).expect_err("its own name");
        assert_eq!((own.code(), own.object()), ("constructor-reentered", NAME));
        let view = SharedValue::<Pair>::open_read_only(NAME).expect_err("its own name");
        assert_eq!(view.code(), "constructor-reentered");
        let elsewhere = std::thread::spawn(|| {
            let options = SharedValue::<Pair>::options().timeout(Duration::from_millis(1));
            options.open(NAME).expect_err("not finished").code()
        });
        assert_eq!(elsewhere.join().expect("a thread"), "busy");
        let other = SharedValue::<Pair>::create("other", || Pair::of(5)).expect("another name");
        other.get().expect("a value")
    });
    assert_eq!(object.expect("an object").get().expect("a value").whole(), 5);

    let boxed = SharedValue::<Pair>::create(NAME, || Ok::<_, Error>(Box::new(Pair::of(3))));
    assert!(boxed.expect("an object").created());
}

#[test]
fn constructors_fail_panic_and_open_names_without_a_trace() {
    World::new().run("constructors", &[]);
}

#[test]
fn create_is_refused_where_one_is_in_use_or_kept() {
    let world = World::new();
    let mut first = world.child("user");
    first.expect("create rpm", "ok created=true");
    let mut second = world.child("user");
    second.expect("create rpm", "err already-exists");
    second.expect("open rpm", "ok created=false");
    // The one that created it leaves; it stays, and stays what it is.
    first.expect("drop", "ok");
    first.expect("create rpm", "err already-exists");
    first.expect("open_or_create rpm", "ok created=false");
    first.expect("drop", "ok");
    second.expect("drop", "ok");
    if !keeps_what_nobody_uses() {
        return;
    }
    first.expect("create rpm keep=reboot", "ok created=true");
    first.expect("drop", "ok");
    second.expect("create rpm", "err already-exists");
    cohabit::remove(&world.scope(), "rpm", false).expect("nobody uses it");
}

#[test]
fn opening_what_is_not_there_is_not_found_and_leaves_nothing() {
    let world = World::new();
    let mut user = world.child("user");
    user.expect("open rpm", "err not-found");
    user.expect("view rpm", "err not-found");
}

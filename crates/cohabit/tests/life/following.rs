//! Following a name across restarts, deaths and removals of those who make the object.

use std::fs;
use std::time::Duration;

use cohabit::{Follow, Options, SharedValue, Standing, Status, Value, Version};

use crate::support::user::Pair;
use crate::support::{Child, Peer, World, sys, windows};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(5);
/// What a life adds to its values, so that a value tells its life.
const MILLION: u64 = 1_000_000;

fn standing(follow: &Follow<Pair>) -> Option<Standing> {
    let status: Option<Status> = follow.status().expect("a status");
    status.map(|status| status.standing)
}

fn options(world: &World) -> Options<Value<Pair>> {
    SharedValue::<Pair>::options().scope(world.scope())
}

/// Makes or opens the object and commits without pause, until it is killed.
pub(crate) fn service(peer: &mut Peer) {
    let life: u64 = peer.argument(0).parse().expect("a number");
    let object = SharedValue::<Pair>::open_or_create("rpm", || Pair::of(life * MILLION));
    let object = object.expect("an object");
    peer.say(object.created());
    loop {
        object.update(|pair| *pair = Pair::of(pair.whole() + 1)).expect("an update");
    }
}

fn start(world: &World, life: u64) -> Child {
    let mut service = world.child_with("service", &[&life.to_string()]);
    service.expect_next("true");
    service
}

/// The next value: its life by its number, which is the follower's.
#[track_caller]
fn next(follow: &mut Follow<Pair>) -> (u64, Version) {
    let (pair, version) = follow.next(LONG).expect("a value");
    assert_eq!(pair.whole() / MILLION, follow.life(), "a value of another life");
    (pair.whole(), version)
}

/// Follows until it has seen so many values of a life; they must all be new.
fn see(follow: &mut Follow<Pair>, life: u64, mut values: u32) {
    let mut last = (0, Version::NONE);
    while values > 0 {
        let found = next(follow);
        if follow.life() == life {
            assert!(found > last && found.1 > last.1, "{found:?} after {last:?}");
            last = found;
            values -= 1;
        } else {
            assert_eq!(follow.life(), life - 1, "a life was not seen");
        }
    }
}

/// What is not returned yet of a life that is over; then how the wait for more ends.
fn rest(follow: &mut Follow<Pair>) -> String {
    loop {
        match follow.next(SHORT) {
            Ok((pair, _)) => assert_eq!(pair.whole() / MILLION, follow.life()),
            Err(error) => {
                assert_eq!((error.code(), error.object()), ("timed-out", "rpm"));
                return error.to_string();
            }
        }
    }
}

#[test]
fn every_life_of_a_service_that_is_killed_and_restarted_is_seen() {
    const LIVES: u64 = 60;
    let world = World::new();
    let mut follow = options(&world).follow("rpm").expect("a name");
    assert_eq!(follow.life(), 0);
    let nothing = rest(&mut follow);
    assert!(nothing.contains(world.folder().to_str().expect("a path")), "{nothing}");
    for life in 1..=LIVES {
        let service = start(&world, life);
        see(&mut follow, life, 3);
        service.kill();
        if life % 8 == 0 {
            let orphan = rest(&mut follow);
            assert!(orphan.contains("all its users are dead"), "{orphan}");
            assert_eq!(standing(&follow), Some(Standing::Orphan));
        }
        if life % 16 == 0 {
            cohabit::collect(&world.scope()).expect("a tidy folder");
            let gone = rest(&mut follow);
            assert!(gone.contains("no object"), "{gone}");
            assert_eq!(standing(&follow), None);
        }
    }
    assert_eq!(follow.life(), LIVES);
    drop(follow);
    cohabit::collect(&world.scope()).expect("a tidy folder");
}

#[test]
fn a_user_that_follows_keeps_the_object_over_restarts() {
    let world = World::new();
    let mut follow = options(&world).follow_as_user("rpm").expect("a name");
    let service = start(&world, 1);
    see(&mut follow, 1, 3);
    service.kill();
    rest(&mut follow);
    assert_eq!(standing(&follow), Some(Standing::Live));
    // The next service finds the object, since the follower kept it.
    let mut joins = world.child_with("service", &["7"]);
    joins.expect_next("false");
    see(&mut follow, 1, 3);
    joins.kill();
    cohabit::remove(&world.scope(), "rpm", true).expect("it goes");
    let service = start(&world, 2);
    see(&mut follow, 2, 3);
    service.kill();
}

#[test]
fn a_clean_leave_a_removal_and_a_renaming_begin_a_new_life() {
    let world = World::new();
    for as_user in [false, true] {
        let options = options(&world);
        let follow = if as_user { options.follow_as_user("rpm") } else { options.follow("rpm") };
        let mut follow = follow.expect("a name");
        let create = |life| options.create("rpm", || Pair::of(life * MILLION)).expect("an object");

        // An observer sees the end of a clean leave; a user that follows would keep the object.
        let first = create(1);
        assert_eq!(next(&mut follow), (MILLION, first.version().expect("a version")));
        if as_user {
            cohabit::remove(&world.scope(), "rpm", true).expect("it goes");
        }
        drop(first);
        rest(&mut follow);
        assert_eq!(standing(&follow), None);

        // The name is removed under its user, who lives on and commits.
        let second = create(2);
        assert_eq!(next(&mut follow).0, 2 * MILLION);
        world.lose("rpm");
        rest(&mut follow);
        let third = create(3);
        second.set(Pair::of(2 * MILLION + 1)).expect("among themselves");
        assert_eq!(next(&mut follow).0, 3 * MILLION);

        // The file is renamed: its life and its link count stay, and the name stands for another. Where a name
        // is no file, it is only lost.
        if windows() {
            world.lose("rpm");
        } else {
            fs::rename(world.path("rpm"), world.root().join("away")).expect("another name");
        }
        let fourth = create(4);
        assert_eq!(next(&mut follow).0, 4 * MILLION);
        drop((second, third, fourth));
        drop(follow);
        world.assert_empty();
    }
}

#[test]
fn the_last_commit_of_a_life_is_not_lost() {
    let world = World::new();
    let mut follow = options(&world).follow("rpm").expect("a name");
    for life in 1..=200 {
        let object = options(&world).create("rpm", || Pair::of(life * MILLION));
        let object = object.expect("an object");
        assert_eq!(next(&mut follow).0, life * MILLION);
        std::thread::scope(|scope| {
            let follower = scope.spawn(|| next(&mut follow).0);
            object.set(Pair::of(life * MILLION + 1)).expect("a commit");
            drop(object);
            assert_eq!(follower.join().expect("a thread"), life * MILLION + 1);
        });
    }
}

#[test]
fn another_type_is_told_once_and_following_goes_on() {
    let world = World::new();
    for as_user in [false, true] {
        let options = options(&world);
        let follow = if as_user { options.follow_as_user("rpm") } else { options.follow("rpm") };
        let mut follow = follow.expect("a name");
        let others = SharedValue::<[u8; 3]>::options().scope(world.scope());
        for _ in 0..2 {
            let other = others.create("rpm", || [1, 2, 3]).expect("an object");
            assert_eq!(follow.next(LONG).expect_err("another type").code(), "type-mismatch");
            let late = follow.next(SHORT).expect_err("nothing new");
            assert_eq!(late.code(), "timed-out");
            assert!(late.detail().contains("another type"), "{late}");
            drop(other);
        }
        let object = options.create("rpm", || Pair::of(MILLION)).expect("an object");
        assert_eq!(next(&mut follow).0, MILLION);
        if as_user {
            // The two of this process are one user.
            assert_eq!(object.users().expect("users").len(), 1);
        }
    }
}

#[test]
fn values_that_will_not_do_are_told_once() {
    let world = World::new();
    let options = SharedValue::<bool>::options().scope(world.scope());
    let object = options.create("flag", || false).expect("an object");
    let mut follow = options.follow("flag").expect("a name");
    assert!(!follow.next(LONG).expect("a value").0);
    let raw = cohabit::untyped::Untyped::open("flag", &world.scope()).expect("an object");
    let wrong = raw.update(LONG, |bytes| -> Result<(), ()> {
        bytes[0] = 7;
        Ok(())
    });
    assert_eq!(wrong.expect("a commit"), Ok(()));
    assert_eq!(follow.next(LONG).expect_err("no bool").code(), "bad-bits");
    assert_eq!(follow.next(SHORT).expect_err("nothing new").code(), "timed-out");
    object.set(true).expect("a commit");
    assert!(follow.next(LONG).expect("a value").0);
}

/// A child that was forked goes on following by itself.
#[cfg(unix)] // It forks.
pub(crate) fn forked(_peer: &mut Peer) {
    let object = SharedValue::<Pair>::create("rpm", || Pair::of(MILLION)).expect("an object");
    let options = SharedValue::<Pair>::options;
    for as_user in [false, true] {
        let follow =
            if as_user { options().follow_as_user("rpm") } else { options().follow("rpm") };
        let mut follow = follow.expect("a name");
        next(&mut follow);
        let child = sys::forked(|| {
            // Nothing new: the child knows what was returned before the fork.
            rest(&mut follow);
            assert_eq!(follow.life(), 1);
            let mine = SharedValue::<Pair>::open("rpm").expect("an object");
            mine.update(|pair| *pair = Pair::of(pair.whole() + 1)).expect("an update");
            assert!(next(&mut follow).0 > MILLION);
            assert_eq!(follow.life(), 1);
            drop(mine);
            0
        });
        assert_eq!(sys::code_of(child), 0);
        next(&mut follow);
    }
    drop(object);
}

#[cfg(unix)] // It forks.
#[test]
fn a_forked_child_follows_by_itself() {
    World::new().run("follow-forked", &[]);
}

/// Follows although the program closed every descriptor that it does not know.
#[cfg(unix)] // It closes descriptors by their numbers.
pub(crate) fn closer(peer: &mut Peer) {
    let mut follow = SharedValue::<Pair>::follow("rpm").expect("a name");
    let object = SharedValue::<Pair>::create("rpm", || Pair::of(MILLION)).expect("an object");
    next(&mut follow);
    sys::close_from(3);
    assert_eq!(follow.next(SHORT).expect_err("nothing new").code(), "timed-out");
    object.set(Pair::of(MILLION + 1)).expect("a commit");
    assert_eq!(next(&mut follow).0, MILLION + 1);
    drop(object);
    peer.say("left");
    see(&mut follow, 2, 3);
}

#[cfg(unix)] // It closes descriptors by their numbers.
#[test]
fn a_program_that_closes_its_descriptors_still_follows() {
    let world = World::new();
    let mut closer = world.child("follow-closer");
    closer.expect_next("left");
    let service = start(&world, 2);
    closer.finish();
    service.kill();
    cohabit::collect(&world.scope()).expect("a tidy folder");
}

#[test]
fn only_a_name_can_be_followed() {
    let refused = options(&World::new()).follow("a/b").expect_err("no name");
    assert_eq!(refused.code(), "name-slash");
}

//! How waits end that no commit ends: the instance is over, its name is gone, a writer is killed, or a
//! peer writes what nobody should.

use std::sync::atomic::{AtomicU64, Ordering};

use cohabit::{SharedValue, Version};

use crate::executor::{Counter, block_on, poll_once};
use crate::support::user::Pair;
use crate::support::{Peer, World, raw, sys, until};

/// The commit word of a value, as a peer has it that keeps to no rule.
fn commit_word(world_path: &std::path::Path) -> &'static AtomicU64 {
    const OBJECT_AT: usize = 88 / 8;
    let words = raw::words(world_path);
    let object = words[OBJECT_AT].load(Ordering::Relaxed);
    &words[usize::try_from(object).expect("an offset") / 8 + 1]
}

#[test]
fn the_end_of_the_instance_ends_every_wait() {
    let world = World::new();
    let mut host = world.child("user");
    host.expect("create rpm", "ok");
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let view = options.open_read_only("rpm").expect("a view");
    let seen = view.version();
    let ended = std::thread::scope(|threads| {
        let waits = threads.spawn(|| block_on(view.changed(seen)).map(drop));
        let too = threads.spawn(|| block_on(view.changed_version(seen)).map(drop));
        host.expect("drop", "ok");
        [waits.join().expect("no panic"), too.join().expect("no panic")]
    });
    for ended in ended {
        let ended = ended.expect_err("nobody is left");
        assert_eq!((ended.code(), ended.object()), ("ended", "rpm"));
    }
    // It is so from the first poll on, too; what was committed stays readable.
    assert_eq!(block_on(view.changed(seen)).map(drop).expect_err("it is over").code(), "ended");
    assert_eq!(block_on(view.changed(Version::NONE)).expect("the last").0.whole(), 0);
}

#[test]
fn the_loss_of_the_name_ends_a_users_wait() {
    let world = World::new();
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let object = options.create("rpm", || Pair::of(1)).expect("an object");
    let seen = object.version().expect("a version");
    let lost = std::thread::scope(|threads| {
        let waits = threads.spawn(|| block_on(object.changed(seen)).map(drop));
        world.lose("rpm");
        waits.join().expect("no panic").expect_err("the name is gone")
    });
    assert_eq!((lost.code(), lost.object()), ("name-lost", "rpm"));
}

/// Commits as a writer does, and dies before it wakes anybody.
pub(crate) fn silent(peer: &mut Peer) {
    let root = std::env::var_os("COHABIT_DIR").expect("the test's folder");
    let folder = cohabit::folder_of(&cohabit::Scope::User).expect("a folder").expect("it is there");
    assert!(folder.starts_with(root));
    let commit = commit_word(&folder.join("rpm"));
    peer.say("here");
    peer.hear();
    let was = commit.load(Ordering::Relaxed);
    assert_eq!(was & 1, 1, "somebody asked to be woken");
    let next = (was >> 8) + 1;
    commit.store((next << 8) | (was & 0xfe), Ordering::SeqCst);
    peer.say("committed");
    sys::kill_me();
}

#[test]
fn a_writer_killed_between_its_commit_and_its_wake_up_is_seen() {
    let world = World::new();
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let object = options.create("rpm", || Pair::of(1)).expect("an object");
    let mut seen = object.version().expect("a version");
    for _ in 0..3 {
        let mut writer = world.child("silent");
        writer.expect_next("here");
        let wakes = Counter::new();
        let mut future = object.changed_version(seen);
        assert!(poll_once(&mut future, &wakes).is_pending());
        writer.expect("go", "committed");
        drop(writer);
        until(|| wakes.count() == 1);
        let version = block_on(future).expect("a version");
        assert_eq!(version.number(), seen.number() + 1);
        seen = version;
    }
}

/// Writes until it is killed.
pub(crate) fn writer(peer: &mut Peer) {
    let object = SharedValue::<Pair>::open("rpm").expect("an object");
    peer.say("here");
    loop {
        object.update(|pair| *pair = Pair::of(pair.number + 1)).expect("an update");
    }
}

#[test]
fn writers_that_are_killed_in_a_loop_cost_a_waiter_nothing() {
    let world = World::new();
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let object = options.create("rpm", || Pair::of(1)).expect("an object");
    let mut seen = object.version().expect("a version");
    for round in 0..30 {
        let mut writer = world.child("writer");
        writer.expect_next("here");
        for _ in 0..=round % 3 {
            let (pair, version) = block_on(object.changed(seen)).expect("a value");
            assert_eq!(pair.whole(), version.number(), "each version is one more");
            seen = version;
        }
        writer.kill();
        // Whatever was committed last is seen, and there is no more of it.
        let last = object.version().expect("a version");
        while seen < last {
            seen = block_on(object.changed_version(seen)).expect("a version");
        }
        assert_eq!(seen, last);
        assert!(poll_once(&mut object.changed(seen), &Counter::new()).is_pending());
    }
}

/// Changes the commit word all the time, and makes no version.
pub(crate) fn noise(peer: &mut Peer) {
    let folder = cohabit::folder_of(&cohabit::Scope::User).expect("a folder").expect("it is there");
    let commit = commit_word(&folder.join("rpm"));
    peer.say("here");
    loop {
        // The waiter's bit, and copies that are not there.
        for low in [0x00, 0xff, 0x01, 0xfe, 0x80] {
            let was = commit.load(Ordering::Relaxed);
            let noisy = was & !0xff | low;
            // A version that somebody commits meanwhile stays.
            let _ = commit.compare_exchange(was, noisy, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

#[test]
fn a_peer_that_makes_noise_hides_no_commit_and_holds_no_poll() {
    let world = World::new();
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let object = options.create("rpm", || Pair::of(1)).expect("an object");
    let view = options.open_read_only("rpm").expect("a view");
    let other = options.create("other", || Pair::of(1)).expect("an object");
    let mut noise = world.child("noise");
    noise.expect_next("here");
    let mine = commit_word(&world.path("rpm"));
    let mut seen = object.version().expect("a version");
    for _ in 0..20 {
        let wakes = [Counter::new(), Counter::new()];
        let (mut of_user, mut of_view) = (object.changed_version(seen), view.changed_version(seen));
        assert!(poll_once(&mut of_user, &wakes[0]).is_pending());
        assert!(poll_once(&mut of_view, &wakes[1]).is_pending());
        mine.fetch_add(1 << 8, Ordering::SeqCst);
        until(|| wakes.iter().all(|wakes| wakes.count() > 0));
        seen = block_on(of_user).expect("a version");
        assert_eq!(block_on(of_view).expect("a version"), seen);
    }
    // Who waits for another object does not suffer.
    let (wakes, first) = (Counter::new(), other.version().expect("a version"));
    let mut future = other.changed(first);
    assert!(poll_once(&mut future, &wakes).is_pending());
    other.set(Pair::of(2)).expect("a set");
    until(|| wakes.count() > 0);
    noise.kill();
    drop((future, view));
}

//! Attaching and leaving, 100,000 times: descriptors, mappings and memory stay where they are.
//!
//! In debug builds a fifth of it is done, on Windows a fiftieth, unless `COHABIT_TEST_FULL` is set.

mod support;

use cohabit::{Keep, SharedValue, SharedView, Value};

use crate::support::user::Pair;
use crate::support::{Census, Peer, World, has_handles, sys, windows};

roles! {
    "attach" => attach_and_detach,
    "create" => create_and_leave,
    "view" => view_and_drop,
    "refuse" => be_refused,
    "follow" => follow_lives,
    "handles" => hand_over_and_join,
}

/// Memory that may come and go, in KiB: less than one byte for each round.
const SLACK_KIB: u64 = 64;

/// How often, of so many times in full.
fn rounds(full: usize) -> usize {
    let all = std::env::var_os("COHABIT_TEST_FULL").is_some() || !cfg!(debug_assertions);
    // An attach takes ten milliseconds under Wine.
    let part = if windows() { 50 } else { 5 };
    if all { full } else { full / part }
}

/// Runs `round` so often, and sees that nothing grows once the first tenth has made what is made once. Says
/// what there was.
fn stays_flat(times: usize, mut round: impl FnMut()) {
    (0..times / 10).for_each(|_| round());
    let before = (Census::now(), sys::all_maps(), sys::private_kib());
    (times / 10..times).for_each(|_| round());
    let after = (Census::now(), sys::all_maps(), sys::private_kib());
    assert_eq!(before.0, after.0);
    assert!(after.1 <= before.1 + 2, "mappings: {} and then {}", before.1, after.1);
    let (low, high) = (before.2, after.2);
    assert!(high <= low + SLACK_KIB, "private: {low} KiB and then {high} KiB in {times} rounds");
    Peer::say_late(format!(
        "{times} times: {} handles and {} views before and after, private memory {low} and then {high} KiB",
        after.0.handles, after.0.views
    ));
}

fn attach_and_detach(peer: &mut Peer) {
    // Another process has it, so that each round maps and claims a slot anew.
    stays_flat(rounds(peer.argument(0).parse().expect("a number")), || {
        let object = SharedValue::<Pair>::open("rpm").expect("an object");
        assert!(!object.created());
    });
}

fn create_and_leave(peer: &mut Peer) {
    stays_flat(rounds(peer.argument(0).parse().expect("a number")), || {
        let object = SharedValue::<Pair>::create("mine", || Pair::of(1)).expect("an object");
        assert!(object.created());
    });
}

fn view_and_drop(peer: &mut Peer) {
    stays_flat(rounds(peer.argument(0).parse().expect("a number")), || {
        let view = SharedValue::<Pair>::open_read_only("rpm").expect("a view");
        assert_eq!(view.get().expect("a value").whole(), 0);
    });
}

/// One follower through so many lives.
fn follow_lives(peer: &mut Peer) {
    let mut follow = SharedValue::<Pair>::follow("mine").expect("a name");
    let mut life = 0;
    stays_flat(rounds(peer.argument(0).parse().expect("a number")), || {
        life += 1;
        let object = SharedValue::<Pair>::create("mine", || Pair::of(life)).expect("an object");
        let (pair, _) = follow.next(std::time::Duration::MAX).expect("a value");
        assert_eq!((pair.whole(), follow.life()), (life, life));
        drop(object);
    });
}

/// An object without a name, a handle on it, and both ways to use it.
fn hand_over_and_join(peer: &mut Peer) {
    stays_flat(rounds(peer.argument(0).parse().expect("a number")), || {
        let object = SharedValue::<Pair>::anonymous(|| Pair::of(1)).expect("an object");
        let handle = object.to_fd().expect("a handle");
        let view = SharedView::<Value<Pair>>::from_fd(object.to_read_only_fd().expect("a handle"));
        let view = view.expect("a view");
        drop(object);
        assert_eq!(view.get().expect("a value").whole(), 1);
        let over = SharedValue::<Pair>::from_fd(&handle).expect_err("its last user has left");
        assert_eq!(over.code(), "ended");
    });
}

fn be_refused(peer: &mut Peer) {
    let mut round = 0;
    stays_flat(rounds(peer.argument(0).parse().expect("a number")), || {
        round += 1;
        let code = match round % 3 {
            0 => SharedValue::<u32>::open("rpm").expect_err("another type").code(),
            1 => {
                let fails = || Err::<Pair, _>("no fuel");
                SharedValue::create("mine", fails)
                    .map(|_: SharedValue<Pair>| ())
                    .expect_err("fails")
                    .code()
            }
            _ => SharedValue::<Pair>::create("rpm", || Pair::of(1)).expect_err("in use").code(),
        };
        assert_eq!(code, ["type-mismatch", "constructor-failed", "already-exists"][round % 3]);
    });
}

fn beside_a_user(role: &str, times: &str) {
    let world = World::new();
    let options = SharedValue::<Pair>::options().scope(world.scope()).keep(Keep::WhileUsed);
    let object = options.create("rpm", || Pair::of(0)).expect("an object");
    let mut child = world.child_with(role, &[times]);
    println!("{role}: {}", child.hear());
    child.finish();
    assert_eq!(object.users().expect("users").len(), 1);
    drop(object);
    // While this process starts another child, that one shares its descriptions for a moment.
    cohabit::collect(&world.scope()).expect("a tidy folder");
}

#[test]
fn attach_and_detach_100_000_times() {
    beside_a_user("attach", "100000");
}

#[test]
fn create_and_leave_10_000_times() {
    beside_a_user("create", "10000");
}

#[test]
fn view_and_drop_100_000_times() {
    beside_a_user("view", "100000");
}

#[test]
fn be_refused_10_000_times() {
    beside_a_user("refuse", "10000");
}

#[test]
fn follow_10_000_lives() {
    beside_a_user("follow", "10000");
}

#[test]
fn hand_over_and_join_10_000_times() {
    if !has_handles() {
        return;
    }
    beside_a_user("handles", "10000");
}

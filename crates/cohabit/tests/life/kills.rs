//! A storm of kills on those who make, use and leave objects without pause: each life is constructed once, its
//! numbers are whole, and at the end nothing is left.

use std::time::Duration;

use cohabit::SharedValue;

use crate::support::user::Pair;
use crate::support::{Child, Peer, World, windows};

const WORKERS: usize = 4;

/// Makes, uses and leaves two objects in turn, until it is killed.
pub(crate) fn brief(peer: &mut Peer) {
    peer.say("here");
    loop {
        for name in ["one", "two"] {
            let object = SharedValue::<Pair>::open_or_create(name, || Pair::of(1));
            let object = object.expect("an object");
            object.update(|pair| *pair = Pair::of(pair.whole() + 1)).expect("an update");
            // One life has one constructor, which makes number 1 and version 1.
            let (pair, version) = object.read().expect("a value");
            assert_eq!(pair.whole(), version.number(), "two constructors, or a lost update");
        }
    }
}

#[test]
fn a_storm_of_kills_leaves_nothing() {
    let full = std::env::var_os("COHABIT_TEST_FULL").is_some();
    // A process takes a quarter of a second to start there.
    let kills = match (full, windows()) {
        (true, _) => 400,
        (false, true) => 40,
        (false, false) => 150,
    };
    let world = World::new();
    let start = || {
        let mut worker = world.child("brief");
        worker.expect_next("here");
        worker
    };
    let mut workers: Vec<Child> = (0..WORKERS).map(|_| start()).collect();
    let mut noise = 0x5eed_u64;
    for _ in 0..kills {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        // So that they are anywhere; how long it takes decides nothing.
        std::thread::sleep(Duration::from_micros(noise >> 20 & 0xfff));
        let victim = noise as usize % WORKERS;
        std::mem::replace(&mut workers[victim], start()).kill();
    }
    workers.into_iter().for_each(Child::kill);
    let collected = cohabit::collect(&world.scope()).expect("a tidy folder");
    assert!(collected.problems.is_empty(), "{:?}", collected.problems);
    assert!(cohabit::list(&world.scope()).expect("a list").is_empty());
    println!("storm: {kills} kills, nothing lost and nothing left");
}

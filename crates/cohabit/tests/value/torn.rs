//! The hunt for torn values: every word of a value follows from its first, whatever its size.

use std::sync::atomic::{AtomicU64, Ordering};

use cohabit::{Plain, Shared, SharedValue, Version};

use crate::support::{Child, Peer, World};

/// A value of which one word gives all others.
trait Sample: Plain + Sized {
    fn words(&self) -> &[u64];
    fn boxed(seed: u64) -> Box<Self>;
}

fn mixed(seed: u64, index: usize) -> u64 {
    (seed ^ index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ seed
}

/// The first word must prove itself too, for the value that has no other.
fn first(seed: u64) -> u64 {
    let seed = seed & 0xffff_ffff;
    seed | mixed(seed, 0) << 32
}

impl Sample for u64 {
    fn words(&self) -> &[u64] {
        std::slice::from_ref(self)
    }
    fn boxed(seed: u64) -> Box<u64> {
        Box::new(first(seed))
    }
}

impl<const N: usize> Sample for [u64; N] {
    fn words(&self) -> &[u64] {
        self
    }
    fn boxed(seed: u64) -> Box<[u64; N]> {
        let words: Vec<_> = (0..N).map(|index| word(first(seed), index)).collect();
        words.into_boxed_slice().try_into().expect("N words")
    }
}

fn word(first: u64, index: usize) -> u64 {
    if index == 0 { first } else { mixed(first, index) }
}

fn check(words: &[u64]) {
    let head = words[0];
    assert_eq!(head, first(head), "a torn or foreign first word");
    for (index, found) in words.iter().enumerate() {
        assert_eq!(*found, word(head, index), "torn at word {index} of {}", words.len());
    }
}

/// What a role does for a size in bytes.
macro_rules! by_size {
    ($size:expr, $run:ident($($argument:expr),*)) => {
        match $size {
            "8" => $run::<u64>($($argument),*),
            "72" => $run::<[u64; 9]>($($argument),*),
            "264" => $run::<[u64; 33]>($($argument),*),
            "4096" => $run::<[u64; 512]>($($argument),*),
            "70000" => $run::<[u64; 8750]>($($argument),*),
            other => panic!("no such size: {other}"),
        }
    };
}

/// Ends the readers: a count of writers that are done.
fn done() -> Shared<AtomicU64> {
    Shared::open_or_create("done", || AtomicU64::new(0)).expect("an object")
}

fn attach<T: Sample>() -> SharedValue<T> {
    SharedValue::<T>::open_or_create("torn", || T::boxed(0)).expect("an object")
}

pub(crate) fn writer(peer: &mut Peer) {
    let (id, sets) = (peer.argument(1).parse().expect("a number"), peer.argument(2));
    by_size!(peer.argument(0), write(peer, id, sets.parse().expect("a number")));
}

fn write<T: Sample>(peer: &Peer, id: u64, sets: u64) {
    let (object, done) = (attach::<T>(), done());
    peer.say("here");
    peer.hear();
    let mut last = Version::NONE;
    for n in 0..sets {
        let version = if n % 3 == 0 {
            let seed = id << 24 | n;
            object.update(|value| *value = *T::boxed(seed)).expect("an update");
            object.version().expect("a version")
        } else {
            object.set_from(&T::boxed(id << 24 | n)).expect("a set")
        };
        assert!(version > last, "versions grow");
        last = version;
    }
    done.fetch_add(1, Ordering::Relaxed);
    peer.hear();
}

pub(crate) fn reader(peer: &mut Peer) {
    let writers = peer.argument(1).parse().expect("a number");
    let by_view = peer.argument(2) == "view";
    by_size!(peer.argument(0), read(peer, writers, by_view));
}

fn read<T: Sample>(peer: &Peer, writers: u64, by_view: bool) {
    let (object, done) = (attach::<T>(), done());
    let view = SharedValue::<T>::open_read_only("torn").expect("a view");
    let object = (!by_view).then_some(object);
    peer.say("here");
    peer.hear();
    let mut into = T::boxed(0);
    let (mut last, mut reads, mut busy) = (Version::NONE, 0_u64, 0_u64);
    while done.load(Ordering::Relaxed) < writers || reads == 0 {
        let read = match &object {
            Some(object) => object.get_into(&mut into),
            None => view.get_into(&mut into),
        };
        match read {
            Ok(version) => {
                assert!(version >= last, "versions never go back");
                last = version;
                check(into.words());
                reads += 1;
            }
            // A view may be outrun; a user pins instead, and there are pins for all of these.
            Err(error) if by_view && error.code() == "busy" => busy += 1,
            Err(error) => panic!("{error}"),
        }
    }
    peer.say(format!("{reads} {busy}"));
    peer.hear();
}

fn hunt(size: &str, sets: u64) {
    const WRITERS: u64 = 3;
    let world = World::new();
    let sets_text = sets.to_string();
    let mut all: Vec<Child> = Vec::new();
    for id in 1..=WRITERS {
        all.push(world.child_with("torn-writer", &[size, &id.to_string(), &sets_text]));
    }
    for how in ["user", "view", "user"] {
        all.push(world.child_with("torn-reader", &[size, &WRITERS.to_string(), how]));
    }
    all.iter_mut().for_each(|child| drop(child.expect_next("here")));
    all.iter_mut().for_each(|child| child.say("go"));
    let readers = all.split_off(3);
    for mut reader in readers {
        reader.hear();
        reader.leave();
    }
    let entry = world.entry("torn").expect("the object");
    assert_eq!(entry.users, 3);
    // Nothing committed is lost: as many versions as there were sets, and the first.
    let last = cohabit::untyped::Untyped::open_read_only("torn", &world.scope());
    let (_, version) = last.expect("a view").read().expect("a value");
    assert_eq!(version.number(), WRITERS * sets + 1);
    all.into_iter().for_each(Child::leave);
}

#[test]
fn no_torn_value_of_8_bytes() {
    hunt("8", 15_000);
}

#[test]
fn no_torn_value_of_72_bytes() {
    hunt("72", 12_000);
}

#[test]
fn no_torn_value_of_264_bytes() {
    hunt("264", 8_000);
}

#[test]
fn no_torn_value_of_4096_bytes() {
    hunt("4096", 2_000);
}

#[test]
fn no_torn_value_of_70000_bytes() {
    hunt("70000", 150);
}

/// Adds one, by updates, until it has done so often enough or is killed.
pub(crate) fn adder(peer: &mut Peer) {
    let object = attach::<[u64; 9]>();
    let rounds: u64 = peer.argument(0).parse().expect("a number");
    peer.say("here");
    for _ in 0..rounds {
        let added = object.update(|value| {
            check(value);
            *value = *<[u64; 9]>::boxed((value[0] & 0xffff_ffff) + 1);
        });
        added.expect("an update");
    }
    peer.say("added");
    peer.hear();
}

#[test]
fn adders_killed_at_any_moment_lose_nothing_of_the_others() {
    const ADDS: u64 = 1_500;
    let world = World::new();
    let adds = ADDS.to_string();
    let mut survivors = [(); 2].map(|()| world.child_with("adder", &[&adds]));
    survivors.iter_mut().for_each(|child| drop(child.expect_next("here")));
    for _ in 0..25 {
        let mut victim = world.child_with("adder", &["1000000000"]);
        victim.expect_next("here");
        victim.kill();
    }
    survivors.iter_mut().for_each(|child| drop(child.expect_next("added")));
    let last = cohabit::untyped::Untyped::open_read_only("torn", &world.scope());
    let (bytes, version) = last.expect("a view").read().expect("a value");
    let words = bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk));
    let words: Vec<_> = words.collect();
    check(&words);
    // Every commit added exactly one, whoever made it.
    assert_eq!((words[0] & 0xffff_ffff) + 1, version.number());
    assert!(version.number() > 2 * ADDS);
}

//! Values and objects whose length is given when they are created.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cohabit::untyped::Untyped;
use cohabit::{ErrorKind, Options, Part, Shared, SharedValue, Value, plain};

use crate::support::{Peer, World, keeps_what_nobody_uses, raw};

#[plain]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Point {
    on: bool,
    x: f64,
}

#[plain]
#[derive(Clone, Copy, Debug)]
struct Triple {
    words: [u64; 3],
}

impl From<[u64; 3]> for Triple {
    fn from(words: [u64; 3]) -> Self {
        Self { words }
    }
}

fn points(folder: &World) -> Options<Value<[Point]>> {
    SharedValue::<[Point]>::options().scope(folder.scope())
}

fn at(x: f64) -> Point {
    Point { on: true, x }
}

#[test]
fn a_slice_is_read_and_written_whole() {
    let folder = World::new();
    let mine = points(&folder).len(3).create("scan", || vec![at(1.0); 3]).unwrap();
    let theirs = points(&folder).open_read_only("scan").unwrap();
    assert_eq!((mine.len(), theirs.len(), mine.is_empty()), (3, 3, false));
    assert_eq!(&*theirs.get_boxed().unwrap(), &[at(1.0); 3]);
    let version = mine.set_from(&[at(1.0), at(2.0), at(3.0)]).unwrap();
    let mut now = [Point::default(); 3];
    assert_eq!(theirs.get_into(&mut now).unwrap(), version);
    assert_eq!(now, [at(1.0), at(2.0), at(3.0)]);
    mine.set_part(Part::element(1), at(7.0)).unwrap();
    mine.set_part(Part::element(2).then(Point::X), 9.0).unwrap();
    assert_eq!(theirs.get_part(Part::element(2)).unwrap(), at(9.0));
    assert_eq!(theirs.get_part(Part::element(1).then(Point::X)).unwrap(), 7.0);
    let pinned = mine.pin().unwrap();
    mine.update(|all| all.reverse()).unwrap();
    assert_eq!(pinned.get_part(Part::element(0)).unwrap(), at(1.0));
    assert_eq!(mine.get_part(Part::element(0)).unwrap(), at(9.0));
    assert_eq!(mine.version().unwrap().number(), 5);
    assert_eq!(theirs.version(), mine.version().unwrap());
}

#[test]
fn every_form_of_writing_a_slice_commits_once() {
    let folder = World::new();
    let value = points(&folder).len(2).create("scan", || vec![at(0.0); 2]).unwrap();
    let wait = Duration::from_secs(10);
    value.try_set_from(&[at(1.0); 2]).unwrap();
    value.set_from_timeout(&[at(2.0); 2], wait).unwrap();
    value.try_set_part(Part::element(0), at(3.0)).unwrap();
    value.set_part_timeout(Part::element(1), at(4.0), wait).unwrap();
    value.try_update(|all| all[0].x += 1.0).unwrap();
    value.update_timeout(|all| all[1].x += 1.0, wait).unwrap();
    assert_eq!(&*value.get_boxed().unwrap(), &[at(4.0), at(5.0)]);
    assert_eq!(value.version().unwrap().number(), 7);
}

#[test]
fn out_of_range() {
    let folder = World::new();
    let value = points(&folder).len(2).create("scan", || vec![at(0.0); 2]).unwrap();
    let view = points(&folder).open_read_only("scan").unwrap();
    let far = Part::element(2);
    let errors = [
        value.get_part(far).unwrap_err(),
        value.set_part(far, at(0.0)).unwrap_err(),
        value.pin().unwrap().get_part(far.then(Point::X)).unwrap_err(),
        view.get_part(far).unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.kind(), error.object()), (ErrorKind::OutOfRange, "scan"));
        assert_eq!(error.detail(), "expected an index below 2, found 2");
    }
    assert_eq!(value.version().unwrap().number(), 1);
}

/// However large the index: neither its offset nor that of a part of it comes round to the front.
#[test]
fn out_of_range_for_any_index() {
    let folder = World::new();
    let options = SharedValue::<[Triple]>::options().scope(folder.scope()).len(2);
    let value = options.create("triples", || vec![[1, 2, 3].into(); 2]).unwrap();
    for index in [3, usize::MAX / 24, usize::MAX / 24 + 1, usize::MAX / 8, usize::MAX] {
        let element = Part::element(index);
        for error in [
            value.get_part(element).unwrap_err(),
            value.get_part(element.then(Triple::WORDS)).unwrap_err(),
            value.get_part(element.then(Triple::WORDS).at(2)).unwrap_err(),
            value.set_part(element.then(Triple::WORDS).at(2), 9).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::OutOfRange, "{index}");
        }
    }
    assert_eq!(value.get_part(Part::element(1).then(Triple::WORDS).at(2)).unwrap(), 3);
}

#[test]
fn length_mismatch() {
    let folder = World::new();
    let value = points(&folder).len(2).create("scan", || vec![at(0.0); 2]).unwrap();
    let kind = |error: cohabit::Error| error.kind();
    let mut three = [Point::default(); 3];
    assert_eq!(kind(value.get_into(&mut three).unwrap_err()), ErrorKind::LengthMismatch);
    assert_eq!(kind(value.set_from(&three).unwrap_err()), ErrorKind::LengthMismatch);
    let other = points(&folder).len(3).open("scan").unwrap_err();
    assert_eq!(kind(other), ErrorKind::LengthMismatch);
    let few = points(&folder).len(3).create("few", || vec![at(0.0)]).unwrap_err();
    assert_eq!(kind(few), ErrorKind::LengthMismatch);
    let single = SharedValue::<u32>::options().scope(folder.scope()).len(3);
    assert_eq!(kind(single.create("one", || 1).unwrap_err()), ErrorKind::LengthMismatch);
    assert_eq!(folder.names(), ["scan"]);
}

#[test]
fn length_missing() {
    let folder = World::new();
    let error = points(&folder).open_or_create("scan", || vec![at(0.0); 2]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LengthMissing);
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn a_length_that_fits_nowhere_is_an_error() {
    let folder = World::new();
    for len in [u64::MAX, u64::MAX / 8, 1 << 45] {
        let error = points(&folder).len(len).create("scan", Vec::new).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoAddressSpace, "{len}");
    }
}

#[test]
fn cells_of_any_number() {
    let folder = World::new();
    let options = Shared::<[AtomicU64]>::options().scope(folder.scope());
    let made = options.clone().len(1000).create_in_place("hits", |hits| hits[7].store(5, Relaxed));
    let hits = made.unwrap();
    assert_eq!((hits.len(), hits[7].load(Relaxed)), (1000, 5));
    let again = options.open("hits").unwrap();
    again[999].fetch_add(1, Relaxed);
    assert_eq!(hits[999].load(Relaxed), 1);
    let values = Shared::<[Value<u32>]>::options().scope(folder.scope()).len(4);
    let values = values.create_in_place("values", |all| all[2].set(9)).unwrap();
    let (value, version) = values[3].read().unwrap();
    assert_eq!((value, version.number(), values[2].get().unwrap()), (0, 1, 9));
}

#[test]
fn what_a_constructor_leaves_at_zero_must_be_a_value() {
    let folder = World::new();
    let filled = points(&folder).len(5).create_with("scan", |fill| {
        fill.put(Part::element(3).then(Point::X), 1.5);
    });
    let filled = filled.unwrap();
    assert_eq!(filled.get_part(Part::element(3)).unwrap(), Point { on: false, x: 1.5 });
    assert_eq!(filled.get_part(Part::element(4)).unwrap(), Point::default());
}

#[test]
fn a_slice_is_seen_by_its_schema() {
    let folder = World::new();
    let _mine = points(&folder).len(3).create("scan", || vec![at(1.0); 3]).unwrap();
    let untyped = Untyped::open_read_only("scan", &folder.scope()).unwrap();
    let (bytes, version) = untyped.read().unwrap();
    assert_eq!((bytes.len(), version.number()), (48, 1));
    assert_eq!(bytes[..16], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
}

/// Sets the slice to one number after the other, for ever.
pub(crate) fn writer(peer: &mut Peer) {
    let object = SharedValue::<[u64]>::open("words").expect("an object");
    let id: u64 = peer.argument(0).parse().expect("a number");
    let mut values = vec![0; object.len()];
    peer.say("here");
    for n in 1_u64.. {
        values.fill(id << 32 | n);
        object.set_from(&values).expect("a set");
    }
}

#[test]
fn a_slice_is_never_torn_and_its_lock_survives_every_kill() {
    let world = World::new();
    let options = SharedValue::<[u64]>::options().scope(world.scope()).len(300);
    let object = options.create("words", || vec![0; 300]).unwrap();
    let view = options.open_read_only("words").unwrap();
    let mut now = vec![0; 300];
    let mut last = object.version().unwrap();
    for round in 0..20_u32 {
        let mut writers = [0, 1].map(|id| world.child_with("slice-writer", &[&id.to_string()]));
        writers.iter_mut().for_each(|writer| drop(writer.expect_next("here")));
        for _ in 0..50 {
            object.get_into(&mut now).unwrap();
            assert!(now.iter().all(|word| *word == now[0]), "round {round}: torn: {now:?}");
            if view.get_into(&mut now).is_ok() {
                assert!(now.iter().all(|word| *word == now[0]), "round {round}: torn: {now:?}");
            }
        }
        writers.into_iter().for_each(crate::support::Child::kill);
        let version = object.set_from(&now).unwrap();
        assert!(version > last);
        last = version;
    }
}

#[test]
fn a_size_that_lies_is_refused() {
    if !keeps_what_nobody_uses() {
        return;
    }
    let world = World::new();
    let options = SharedValue::<[u64]>::options().scope(world.scope());
    let made = options.clone().keep(cohabit::Keep::UntilReboot).len(300);
    drop(made.create("words", || vec![0; 300]).unwrap());
    let file = raw::open(&world.path("words"));
    // A lie within the rounding of the copies is only a wrong length: nothing lies outside then.
    for tail in [0_u64, 1, 200, 309, 10_000, u64::MAX] {
        raw::put(&file, 112, tail);
        let error = options.open("words").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HeaderInvalid, "{tail}");
        let error = Untyped::open_read_only("words", &world.scope()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HeaderInvalid, "{tail}");
    }
    cohabit::remove(&world.scope(), "words", true).unwrap();
}

//! Objects of more than 4 GiB, in a folder on disk: `cargo xtask test-large` looks whether there is room
//! for them, and runs these. Their pages are reserved, and few of them are touched.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cohabit::untyped::Untyped;
use cohabit::{Part, Shared, SharedValue, Value, shareable};

use crate::support::{Peer, World};

const GIB: u64 = 1 << 30;
/// The offset that does not fit 32 bits.
const LINE: u64 = 4 * GIB;

/// A folder on the disk that was found to have room.
fn world() -> World {
    let folder = std::env::var_os("COHABIT_LARGE_FOLDER").expect("run by `cargo xtask test-large`");
    World::below(&PathBuf::from(folder).join(format!("cohabit-large-{}", std::process::id())))
}

const WORDS: u64 = 5 * GIB / 8;
/// The first element, those on both sides of the line, and the last one.
const PLACES: [usize; 4] = [0, (LINE / 8 - 1) as usize, (LINE / 8) as usize, WORDS as usize - 1];

/// Adds its own number to each of the places that matter.
pub(crate) fn counter(peer: &mut Peer) {
    let hits = Shared::<[AtomicU64]>::open("hits").expect("the object");
    assert_eq!(hits.len() as u64, WORDS);
    for (number, place) in PLACES.into_iter().enumerate() {
        hits[place].fetch_add(100 * (number as u64 + 1), Relaxed);
    }
    peer.say("here");
}

#[test]
#[ignore = "reserves 5 GiB on disk: cargo xtask test-large"]
fn cells_on_both_sides_of_4_gib() {
    let world = world();
    let options = Shared::<[AtomicU64]>::options().scope(world.scope()).len(WORDS);
    let hits = options.open_or_create_in_place("hits", |hits| {
        PLACES.into_iter().zip(1..).for_each(|(place, number)| hits[place].store(number, Relaxed));
    });
    let hits = hits.expect("an object");
    assert!(hits.size() > 5 * GIB && hits.len() as u64 == WORDS);
    world.child("huge-counter").expect_next("here");
    let view = options.open_read_only("hits").expect("a view");
    for (place, expected) in PLACES.into_iter().zip([101, 202, 303, 404]) {
        assert_eq!(hits[place].load(Relaxed), expected, "at {place}");
        assert_eq!(view.view().get(place).expect("an element").load(), expected);
    }
    assert!(view.view().get(WORDS as usize).is_none());
    assert_eq!(hits[PLACES[2] + 1].load(Relaxed), 0);
    let untyped = Untyped::open_read_only("hits", &world.scope()).expect("by its schema");
    assert_eq!(untyped.schema().root.size(), 5 * GIB);
    let entry = world.entry("hits").expect("an entry");
    assert_eq!((entry.size, entry.users), (hits.size(), 1));
}

/// An element of 3 bytes, one of which crosses the line.
type Rgb = [u8; 3];
const ACROSS: usize = (LINE / 3) as usize;
const PIXELS: u64 = LINE / 3 + 2000;

/// Reads the parts that matter.
pub(crate) fn viewer(peer: &mut Peer) {
    let view = SharedValue::<[Rgb]>::open_read_only("picture").expect("a view");
    let part = |index| view.get_part(Part::element(index)).expect("a part");
    let seen = [0, ACROSS - 1, ACROSS, ACROSS + 1, PIXELS as usize - 1].map(part);
    peer.say(format!("{} {seen:?}", view.len()));
}

#[test]
#[ignore = "reserves 13 GiB on disk: cargo xtask test-large"]
fn a_value_whose_parts_lie_behind_4_gib() {
    let world = world();
    let options = SharedValue::<[Rgb]>::options().scope(world.scope()).len(PIXELS);
    let last = PIXELS as usize - 1;
    let picture = options.create_with("picture", |fill| {
        for (index, rgb) in [(0, [1, 2, 3]), (ACROSS, [4, 5, 6]), (last, [7, 8, 9])] {
            fill.put(Part::element(index), rgb);
        }
        fill.put(Part::element(ACROSS + 1).at(2), 77);
    });
    let picture = picture.expect("an object");
    assert!(picture.size() > 3 * LINE);
    // The element itself lies across the line, in the object as in its value.
    assert!(ACROSS as u64 * 3 < LINE && ACROSS as u64 * 3 + 3 > LINE);
    world
        .child("huge-viewer")
        .expect_next(&format!("{PIXELS} [[1, 2, 3], [0, 0, 0], [4, 5, 6], [0, 0, 77], [7, 8, 9]]"));
    let pin = picture.pin().expect("a pin");
    assert_eq!(pin.get_part(Part::element(ACROSS)).expect("a part"), [4, 5, 6]);
    assert_eq!(pin.get_part(Part::element(ACROSS).at(1)).expect("a part"), 5);
    assert_eq!(picture.get_part(Part::element(last).at(2)).expect("a part"), 9);
    let behind = picture.get_part(Part::element(last + 1)).unwrap_err();
    assert_eq!(behind.code(), "out-of-range");
}

/// A value behind so much else that all of its commits lie behind the line.
#[shareable]
struct Far {
    before: [AtomicU64; (LINE / 8) as usize],
    scan: Value<[u32]>,
}

/// Adds to all elements, again and again.
pub(crate) fn adder(peer: &mut Peer) {
    let far = Shared::<Far>::open("far").expect("the object");
    for _ in 0..500 {
        far.scan.update(|all| all.iter_mut().for_each(|one| *one += 1)).expect("an update");
    }
    peer.say("here");
}

#[test]
#[ignore = "reserves 5 GiB on disk: cargo xtask test-large"]
fn commits_behind_4_gib() {
    let world = world();
    let options = Shared::<Far>::options().scope(world.scope()).len(300);
    let far = options.create_in_place("far", |far| {
        far.before[(LINE / 8) as usize - 1].store(u64::MAX, Relaxed);
        far.scan.set_from(&[7; 300])
    });
    let far = far.expect("an object");
    let view = options.open_read_only("far").expect("a view");
    let mut adders = [world.child("huge-adder"), world.child("huge-adder")];
    let seen = far.scan.version().expect("a version");
    far.scan.wait_version(seen, Duration::MAX).expect("a change");
    for _ in 0..200 {
        let now = view.view().scan().get_boxed().expect("a value");
        assert!(now.iter().all(|one| *one == now[0]), "torn: {now:?}");
    }
    adders.iter_mut().for_each(|adder| drop(adder.expect_next("here")));
    assert_eq!(&*far.scan.get_boxed().expect("a value"), &[1007; 300]);
    far.scan.set_part(Part::element(299), 9).expect("a set");
    assert_eq!(view.view().scan().get_part(Part::element(299)).expect("a part"), 9);
    assert_eq!(far.before[(LINE / 8) as usize - 1].load(Relaxed), u64::MAX);
}

//! Objects whose last part is as long as was said when they were created: alone, nested, of cells and
//! of values.

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cohabit::schema::Schema;
use cohabit::{
    ErrorKind, Flag, Keep, LastOneOut, Options, Part, Shareable, Shared, Value, Version, plain,
    shareable,
};

use crate::support::{Peer, World, keeps_what_nobody_uses, raw, world};

#[plain]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Point {
    on: bool,
    x: f64,
}

/// Elements begin right behind a part that is narrower than the struct's alignment.
#[shareable]
struct Bytes {
    a: AtomicU64,
    b: AtomicU8,
    tail: [AtomicU8],
}

#[shareable]
struct Alone {
    words: [AtomicU64],
}

#[shareable]
struct Nested {
    n: AtomicU64,
    flag: Flag,
    bytes: Bytes,
}

#[shareable]
struct Pair {
    left: AtomicU16,
    right: AtomicU32,
}

#[shareable]
struct Pairs {
    n: AtomicU8,
    pairs: [Pair],
}

#[shareable]
struct Scan {
    count: AtomicU32,
    points: Value<[Point]>,
}

#[shareable]
struct Deep {
    stop: Flag,
    scan: Scan,
}

#[shareable]
struct Values {
    n: AtomicU8,
    values: [Value<u32>],
}

fn options<T: Shareable + ?Sized>(world: &World, len: u64) -> Options<T> {
    Shared::<T>::options().scope(world.scope()).len(len)
}

/// The word of an object's header at this offset.
fn header(world: &World, name: &str, at: usize) -> u64 {
    let file = raw::bytes(&world.path(name));
    u64::from_le_bytes(file[at..at + 8].try_into().expect("8 bytes"))
}

/// The object is as large as the compiler thinks that the type is with so many elements, plus what
/// lies behind the type where that ends in the head of a value.
fn sizes_agree<T: Shareable + ?Sized>(behind: impl Fn(u64) -> u64) {
    let world = World::new();
    let json = Schema::of(&T::KIND, T::HAS_END).to_json();
    let parsed = Schema::parse(json.as_bytes(), T::HAS_END).expect("a schema that peers can read");
    for len in [1, 2, 3, 7, 8, 9, 63, 64, 65, 1000] {
        let made = options::<T>(&world, len).create_in_place("it", |_| ());
        let (made, seen) = (made.expect("an object"), options::<T>(&world, 0).open("it"));
        let seen = seen.expect("the same");
        assert_eq!(size_of_val(&*made), size_of_val(&*seen));
        let (size, resolved) = (header(&world, "it", 96), parsed.resolved(len).expect("a schema"));
        assert_eq!(size, size_of_val(&*made) as u64 + behind(len), "{json} with {len}");
        assert_eq!((size, len), (resolved.root.size(), header(&world, "it", 112)));
        assert_eq!(parsed.root.align(), align_of_val(&*made) as u64);
    }
}

#[test]
fn an_object_with_a_tail_is_as_large_as_the_compiler_says() {
    sizes_agree::<Bytes>(|_| 0);
    sizes_agree::<Alone>(|_| 0);
    sizes_agree::<Nested>(|_| 0);
    sizes_agree::<Pairs>(|_| 0);
    sizes_agree::<Values>(|_| 0);
    sizes_agree::<[Pair]>(|_| 0);
    let copies = |len: u64| 4 * (8 + 16 * len).next_multiple_of(64);
    sizes_agree::<Scan>(copies);
    sizes_agree::<Deep>(copies);
}

#[test]
fn the_elements_of_a_nested_tail_are_everyones() {
    let world = World::new();
    let made = options::<Nested>(&world, 100).create_in_place("nested", |nested| {
        nested.bytes.tail[99].store(9, Relaxed);
    });
    let (made, other) = (made.expect("an object"), options::<Nested>(&world, 0));
    let (other, view) = (other.open("nested"), other.open_read_only("nested"));
    let (other, view) = (other.expect("the same"), view.expect("a view"));
    let tail = view.view().bytes().tail();
    assert_eq!((other.bytes.tail.len(), tail.len()), (100, 100));
    assert_eq!(other.bytes.tail[99].swap(7, Relaxed), 9);
    assert_eq!((made.bytes.tail[99].load(Relaxed), tail.get(99).expect("it").load()), (7, 7));
    assert!(tail.get(100).is_none());
    let sum: u64 = tail.iter().map(|byte| u64::from(byte.load())).sum();
    assert_eq!(sum, 7);
}

#[test]
fn a_value_of_run_time_length_works_inside_of_structs() {
    let world = World::new();
    let points = |deep: &Deep| deep.scan.points.set_from(&[Point::default(); 33]);
    let made = options::<Deep>(&world, 33).create_in_place("deep", points).expect("an object");
    let view = options::<Deep>(&world, 33).open_read_only("deep").expect("a view");
    let (value, viewed) = (&made.scan.points, view.view().scan().points());
    let last = Part::element(32);
    assert_eq!(value.set_part(last.then(Point::X), 2.5).expect("a set").number(), 2);
    assert_eq!(viewed.get_part(last).expect("a part"), Point { on: false, x: 2.5 });
    let pinned = value.pin().expect("a pin");
    value.update(|points| points.reverse()).expect("an update");
    assert_eq!(pinned.get_part(last.then(Point::X)).expect("a part"), 2.5);
    assert_eq!(viewed.get_boxed().expect("points")[0].x, 2.5);
    assert_eq!(viewed.wait_version(pinned.version(), Duration::MAX).expect("it").number(), 3);
    let far = value.get_part(Part::element(33)).unwrap_err();
    assert_eq!((far.kind(), far.object()), (ErrorKind::OutOfRange, "deep"));
    // What stands in front of it is where it was.
    assert!(!made.stop.load(Relaxed) && made.scan.count.load(Relaxed) == 0);
}

#[test]
fn a_slice_of_cells_is_built_of_a_vec_of_them() {
    let world = World::new();
    let build = |len: u64| move || (0..len as u32).map(Value::new).collect::<Vec<_>>();
    let options = options::<[Value<u32>]>(&world, 5);
    let error = options.create("values", build(4)).unwrap_err();
    assert_eq!((error.kind(), error.object()), (ErrorKind::LengthMismatch, "values"));
    assert_eq!(error.detail(), "expected 5 elements, found 4");
    let made = options.create("values", build(5)).expect("an object");
    let seen: Vec<_> = made.iter().map(|value| value.read().expect("a value")).collect();
    let seen: Vec<_> = seen.into_iter().map(|(value, now)| (value, now.number())).collect();
    assert_eq!(seen, [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)]);
    let failed = options.create("failed", || Err::<Vec<Value<u32>>, _>(std::fmt::Error));
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::ConstructorFailed);
}

#[test]
fn every_value_of_a_tail_has_its_first_version() {
    let world = World::new();
    let made =
        options::<Values>(&world, 5).create_in_place("values", |values| values.values[3].set(7));
    let made = made.expect("an object");
    let seen = made.values.iter().map(|value| value.read().expect("a value"));
    let seen: Vec<_> = seen.map(|(value, version)| (value, version.number())).collect();
    assert_eq!(seen, [(0, 1), (0, 1), (0, 1), (7, 1), (0, 1)]);
    assert!(made.values[4].wait_changed(Version::NONE, Duration::ZERO).is_ok());
}

#[test]
fn a_tail_of_another_length_in_the_header_is_refused() {
    if !keeps_what_nobody_uses() {
        return;
    }
    let world = World::new();
    let kept = |len| options::<Nested>(&world, len).keep(Keep::UntilReboot);
    drop(kept(100).create_in_place("nested", |_| ()).expect("an object"));
    let file = raw::open(&world.path("nested"));
    for lie in [0_u64, 1, 90, 108, 1 << 20, 1 << 46, u64::MAX] {
        raw::put(&file, 112, lie);
        let error = kept(0).open("nested").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HeaderInvalid, "{lie}");
        let error = kept(0).open_read_only("nested").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HeaderInvalid, "{lie}");
    }
    cohabit::remove(&world.scope(), "nested", true).expect("by force");
}

/// Has an end, which sees the whole tail.
#[shareable]
struct Log {
    n: AtomicU64,
    lines: [AtomicU8],
}

impl LastOneOut for Log {
    fn last_one_out(&self) {
        let sum: u64 = self.lines.iter().map(|line| u64::from(line.load(Relaxed))).sum();
        world::log(&format!("end of {} with {sum}", self.lines.len()));
    }
}

/// Uses the log, and leaves it.
pub(crate) fn logger(peer: &mut Peer) {
    let options = Shared::<Log>::options().len(3000);
    let log = options.open_or_create_in_place("log", |_| ()).expect("a log");
    for line in &log.lines {
        line.fetch_add(1, Relaxed);
    }
    peer.say("here");
    peer.hear();
}

#[test]
fn the_last_one_out_sees_the_whole_tail() {
    let world = World::new();
    let mut loggers = [world.child("logger"), world.child("logger")];
    loggers.iter_mut().for_each(|logger| drop(logger.expect_next("here")));
    loggers.into_iter().for_each(crate::support::Child::leave);
    assert_eq!(world.logged("end of 3000 with 6000"), 1);
}

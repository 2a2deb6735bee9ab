//! How boards are built, and what stands in the segment then.

use std::mem::offset_of;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use cohabit::schema::Schema;
use cohabit::{
    ErrorKind, Flag, Frozen, LastOneOut, Loose, Shareable, Shared, Value, plain, shareable,
};

use super::board::{Board, Dials, Side, new};
use crate::support::{World, raw};

/// The bytes of an object, as FORMAT.md says where they are.
fn object_bytes(world: &World, name: &str) -> Vec<u8> {
    let bytes = raw::bytes(&world.path(name));
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    let (at, size) = (word(88) as usize, word(96) as usize);
    bytes[at..at + size].to_vec()
}

#[test]
fn a_board_is_built_by_value_boxed_and_by_result() {
    let world = World::new();
    let options = Shared::<Board>::options().scope(world.scope());
    let one = options.create("one", new).expect("by value");
    let two = options.create("two", || Box::new(new())).expect("boxed");
    let three = options.create("three", || Ok::<_, String>(new())).expect("by result");
    for board in [&one, &two, &three] {
        assert_eq!(board.sides[1].level.load(Relaxed), -7);
        assert_eq!(board.sides[1].state.read().expect("a state").1.number(), 1);
        assert_eq!(board.dials.load().expect("dials").trim, -3);
        assert!(board.limits.get().expect("limits").exact);
    }
    let failed = options.create("four", || Err::<Board, _>("no fuel"));
    assert_eq!(failed.map(drop).unwrap_err().kind(), ErrorKind::ConstructorFailed);
    assert_eq!(one.sides[0].state.set(Default::default()).expect("a set").number(), 2);
    assert_eq!(object_bytes(&world, "two"), object_bytes(&world, "three"));
}

/// Puts a field into a board that is built field by field, and nothing around it.
fn put<F>(board: *mut Board, at: usize, field: F) {
    let place = board.wrapping_byte_add(at).cast::<F>();
    // SAFETY: in this test, `at` is the offset of such a field in a board that is the test's own.
    unsafe { place.write(field) };
}

/// A board in memory that was full of something else.
fn dirty() -> Box<Board> {
    let mut place = Box::<Board>::new_uninit();
    let board = place.as_mut_ptr();
    // SAFETY: the box has the bytes of one board.
    unsafe { board.write_bytes(0xaa, 1) };
    let Board { stop, hits, sides, limits, dials, counts } = new();
    put(board, offset_of!(Board, stop), stop);
    put(board, offset_of!(Board, hits), hits);
    for (index, Side { level, alarm, state }) in sides.into_iter().enumerate() {
        let at = offset_of!(Board, sides) + index * size_of::<Side>();
        put(board, at + offset_of!(Side, level), level);
        put(board, at + offset_of!(Side, alarm), alarm);
        put(board, at + offset_of!(Side, state), state);
    }
    put(board, offset_of!(Board, limits), limits);
    put(board, offset_of!(Board, dials), dials);
    put(board, offset_of!(Board, counts), counts);
    // SAFETY: every field is written.
    unsafe { place.assume_init() }
}

/// What a constructor's private memory held in the padding is not for everybody's eyes.
#[test]
fn padding_is_zero_whatever_it_was() {
    let world = World::new();
    let options = Shared::<Board>::options().scope(world.scope());
    let _dirty = options.create("dirty", dirty).expect("a board");
    let bytes = object_bytes(&world, "dirty");
    assert_eq!(bytes.len(), size_of::<Board>());
    let stop = offset_of!(Board, stop);
    assert_eq!(bytes[stop + 1..offset_of!(Board, hits)], [0; 7]);
    let behind = offset_of!(Board, hits) + 8;
    assert!(bytes[behind..offset_of!(Board, sides)].iter().all(|byte| *byte == 0));
    assert!(!bytes.contains(&0xaa), "private bytes came along");
}

#[test]
fn the_bytes_are_those_of_the_format() {
    let world = World::new();
    let options = Shared::<Board>::options().scope(world.scope());
    let board = options.create("bytes", new).expect("a board");
    board.dials.store_part(Dials::DISTANCE, 0x0102_0304_0506_0708).expect("a store");
    let bytes = object_bytes(&world, "bytes");
    let dials = offset_of!(Board, dials);
    // gear, lamp, trim, speed, distance: 16 bytes, which are whole words.
    assert_eq!(bytes[dials..dials + 8], [1, 0, 0xfd, 0xff, 0, 0, 0, 0]);
    assert_eq!(bytes[dials + 8..dials + 16], [8, 7, 6, 5, 4, 3, 2, 1]);
    let limits = offset_of!(Board, limits);
    assert_eq!(bytes[limits..limits + 8], 2.5_f64.to_le_bytes());
    assert_eq!(bytes[limits + 8..limits + 16], [1, 0, 0, 0, 0, 0, 0, 0]);
    // A peer of another make may mean true by any byte.
    assert_eq!(bytes[offset_of!(Board, stop)], 0);
}

/// A single cell is an object too, and a large one never stands on a stack.
#[test]
fn cells_are_objects_by_themselves() {
    let world = World::new();
    let flags = Shared::<[Flag; 3]>::options().scope(world.scope());
    let flags = flags.create("flags", || [true, false, true].map(Flag::new)).expect("flags");
    assert_eq!([0, 1, 2].map(|index: usize| flags[index].load(Relaxed)), [true, false, true]);
    let view = Shared::<[Flag; 3]>::options().scope(world.scope()).open_read_only("flags");
    let seen: Vec<_> = view.expect("a view").view().iter().map(|flag| flag.load()).collect();
    assert_eq!(seen, [true, false, true]);

    let large = Shared::<Frozen<[u64; 1 << 20]>>::options().scope(world.scope());
    let table = large.create("table", || {
        let values: Box<[u64]> = vec![0; 1 << 20].into();
        let mut values: Box<[u64; 1 << 20]> = values.try_into().expect("as many");
        values[777_777] = 7;
        values
    });
    let table = table.expect("a table");
    assert_eq!(table.get_boxed().expect("the table")[777_777], 7);

    let dials = Shared::<Loose<Dials>>::options().scope(world.scope());
    let dials = dials.create("dials", Dials::default).expect("dials");
    dials.store(Dials { gear: 3, ..Dials::default() }).expect("a store");
    assert_eq!(dials.load_part(Dials::GEAR).expect("a load"), 3);
}

#[plain]
#[derive(Default)]
struct Odd {
    bytes: [u8; 13],
}

#[shareable]
struct Inner {
    a: AtomicU8,
    odd: Loose<Odd>,
}

#[shareable]
struct Outer {
    inner: [Inner; 2],
    frozen: Frozen<Odd>,
    r#type: Flag,
    value: Value<Odd>,
}

#[test]
fn the_schema_tells_the_whole_layout() {
    let json = Schema::of(&Outer::KIND, Outer::HAS_END).to_json();
    let odd = r#""type":{"struct":"Odd","size":13,"align":1,"fields":[{"name":"bytes","at":0,"kind":"array","len":13,"of":{"kind":"u8"}}]}"#;
    let inner = format!(
        r#"{{"struct":"Inner","size":24,"align":8,"fields":[{{"name":"a","at":0,"cell":"atomic","kind":"u8"}},{{"name":"odd","at":8,"cell":"loose",{odd}}}]}}"#
    );
    let outer = format!(
        r#"{{"struct":"Outer","size":1216,"align":64,"fields":[{{"name":"inner","at":0,"kind":"array","len":2,"of":{inner}}},{{"name":"frozen","at":48,"cell":"frozen",{odd}}},{{"name":"type","at":64,"cell":"flag"}},{{"name":"value","at":128,"cell":"value","copies":16,"stride":64,{odd}}}]}}"#
    );
    assert_eq!(json, outer);
    assert_eq!(Schema::parse(json.as_bytes(), false).expect("a schema").to_json(), json);
    assert_eq!((size_of::<Outer>(), align_of::<Outer>()), (1216, 64));
}

#[shareable]
#[derive(Default)]
struct Ends {
    n: AtomicU64,
}

impl LastOneOut for Ends {
    fn last_one_out(&self) {}
}

#[shareable]
#[derive(Default)]
struct HasOneInside {
    pair: [Ends; 2],
}

#[test]
fn an_end_inside_is_an_end_of_the_whole() {
    const HAVE: [bool; 4] =
        [Ends::HAS_END, HasOneInside::HAS_END, <[Ends; 2]>::HAS_END, Outer::HAS_END];
    assert_eq!(HAVE, [true, true, true, false]);
}

#[shareable]
struct Journal {
    stop: Flag,
    limits: Frozen<Odd>,
    count: AtomicU64,
    lines: [Value<Odd>],
}

#[shareable]
struct Scan {
    title: Frozen<Title>,
    points: Value<[f32]>,
}

#[plain]
struct Title {
    good: bool,
    width: u16,
}

#[test]
fn a_board_ends_in_as_many_cells_as_its_object_says() {
    let world = World::new();
    let options = Shared::<Journal>::options().scope(world.scope());
    let build = |journal: &Journal| -> cohabit::Result<()> {
        journal.limits.fill(Odd { bytes: [7; 13] })?;
        journal.lines[41].set(Odd { bytes: [8; 13] }).map(drop)
    };
    let journal = options.clone().len(42).create_in_place("journal", build).expect("a journal");
    let view = options.open_read_only("journal").expect("a view");
    let viewed = view.view();
    assert_eq!((journal.lines.len(), viewed.lines().len()), (42, 42));
    assert_eq!(viewed.limits().get().expect("limits").bytes, [7; 13]);
    let last = viewed.lines().get(41).expect("a line");
    assert_eq!(last.get().expect("a value").bytes, [8; 13]);
    let version = journal.lines[40].set(Odd { bytes: [9; 13] }).expect("a set");
    assert_eq!(viewed.lines().get(40).expect("a line").version(), version);
    assert_eq!(viewed.lines().iter().rev().nth(1).expect("a line").version(), version);
    assert!(!journal.stop.load(Relaxed) && journal.count.load(Relaxed) == 0);
}

#[test]
fn a_board_ends_in_a_value_of_any_length() {
    let world = World::new();
    let options = Shared::<Scan>::options().scope(world.scope());
    let build = |scan: &Scan| scan.points.set_from(&[1.0; 100]).map(drop);
    let scan = options.clone().len(100).create_in_place("scan", build).expect("a scan");
    let view = options.open_read_only("scan").expect("a view");
    let viewed = view.view().points();
    scan.points.update(|points| points[99] = 2.5).expect("an update");
    assert_eq!((viewed.len(), viewed.get_boxed().expect("points")[99]), (100, 2.5));
    assert_eq!(viewed.version(), scan.points.version().expect("a version"));
    let other = options.len(99).open("scan").map(drop);
    assert_eq!(other.unwrap_err().kind(), ErrorKind::LengthMismatch);
}

#[test]
fn frozen() {
    let world = World::new();
    let options = Shared::<Frozen<Title>>::options().scope(world.scope());
    let title = options.create_in_place("title", |title: &Frozen<Title>| {
        title.fill_part(Title::GOOD, true)?;
        title.fill_part(Title::WIDTH, 80)
    });
    let title = title.expect("a title");
    assert_eq!(title.get_part(Title::WIDTH).expect("a part"), 80);
    for refused in [
        title.fill(Title { good: false, width: 1 }),
        title.fill_from(&Title { good: false, width: 1 }),
        title.fill_part(Title::GOOD, false),
    ] {
        let error = refused.expect_err("it is frozen");
        assert_eq!((error.code(), error.object()), ("frozen", "title"));
    }
    assert!(title.get().expect("a title").good);
}

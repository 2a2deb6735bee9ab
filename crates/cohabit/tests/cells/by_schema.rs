//! Objects with parts by their schema alone: which cells there are, and each by its own protocol.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use cohabit::schema::Node;
use cohabit::untyped::{Cell, Untyped};
use cohabit::{ErrorKind, Shared, Version};

use super::board::{Board, Dials, State, new};
use crate::support::World;

const WAIT: Duration = Duration::from_secs(10);

/// The cell of a name.
fn cell<'a>(object: &'a Untyped, path: &str) -> Cell<'a> {
    object.cells().find(|cell| cell.path() == path).expect("a cell of this name")
}

fn set(cell: Cell<'_>, at: usize, bytes: &[u8]) -> cohabit::Result<()> {
    let changed = cell.update(WAIT, |all| {
        all[at..at + bytes.len()].copy_from_slice(bytes);
        Ok::<(), ()>(())
    });
    changed.map(|outcome| outcome.expect("as it said"))
}

#[test]
fn the_cells_of_a_board_are_found_in_order() {
    let world = World::new();
    let options = Shared::<Board>::options().scope(world.scope());
    let _board = options.create("board", new).expect("a board");
    let object = Untyped::open_read_only("board", &world.scope()).expect("the same");
    let paths: Vec<_> = object.cells().map(Cell::path).collect();
    let expected = [
        "stop",
        "hits",
        "sides[0].level",
        "sides[0].alarm",
        "sides[0].state",
        "sides[1].level",
        "sides[1].alarm",
        "sides[1].state",
        "limits",
        "dials",
        "counts[0]",
        "counts[1]",
        "counts[2]",
        "counts[3]",
        "counts[4]",
    ];
    assert_eq!(paths, expected);
    for cell in object.cells() {
        let (at, size) = (cell.offset(), cell.node().size());
        for byte in [at, at + size - 1] {
            assert_eq!(object.cell_at(byte).expect("a cell").path(), cell.path());
        }
    }
    let stop = cell(&object, "stop");
    assert!(object.cell_at(stop.offset() + 1).is_none(), "there is padding");
    assert!(object.cell_at(object.schema().root.size()).is_none());
    assert!(matches!(cell(&object, "limits").contents(), Node::Struct(_)));
    assert!(matches!(cell(&object, "hits").contents(), Node::Atomic(_)));
}

#[test]
fn each_cell_is_read_and_written_by_its_own_protocol() {
    let world = World::new();
    let options = Shared::<Board>::options().scope(world.scope());
    let board = options.create("board", new).expect("a board");
    let object = Untyped::open("board", &world.scope()).expect("the same");
    let read = |path| cell(&object, path).read().expect("its bytes");

    set(cell(&object, "hits"), 0, &7_u64.to_le_bytes()).expect("a store");
    assert_eq!((board.hits.load(Relaxed), read("hits").0), (7, 7_u64.to_le_bytes().to_vec()));
    set(cell(&object, "stop"), 0, &[9]).expect("a store");
    assert_eq!((board.stop.load(Relaxed), read("stop").0), (true, vec![1]));
    set(cell(&object, "sides[1].level"), 0, &(-9_i16).to_le_bytes()).expect("a store");
    assert_eq!(board.sides[1].level.load(Relaxed), -9);

    let state = cell(&object, "sides[1].state");
    assert!(state.has_versions() && !cell(&object, "hits").has_versions());
    set(state, 0, &5_i32.to_le_bytes()).expect("a commit");
    let (value, version) = board.sides[1].state.read().expect("a state");
    assert_eq!((value.x, version.number()), (5, 2));
    assert_eq!(state.read().expect("its bytes").1, version);
    assert_eq!(state.wait_version(Version::NONE, WAIT).expect("a version"), version);
    // What a change leaves alone, is not set back to what it was when the change began.
    let hits = cell(&object, "hits").update(WAIT, |_| {
        board.hits.fetch_add(1, Relaxed);
        Ok::<(), ()>(())
    });
    hits.expect("it ran").expect("as it said");
    assert_eq!(board.hits.load(Relaxed), 8);
    let failed = state.update(WAIT, |_| Err::<(), _>("no")).expect("it ran");
    assert_eq!((failed, state.read().expect("its bytes").1), (Err("no"), version));

    // Trim is the third field, of two bytes, at 2.
    set(cell(&object, "dials"), 2, &77_i16.to_le_bytes()).expect("a store");
    let dials = board.dials.load().expect("dials");
    assert_eq!(dials, Dials { gear: 1, trim: 77, ..Dials::default() });

    let frozen = set(cell(&object, "limits"), 0, &[0; 8]).expect_err("it is frozen");
    assert_eq!(frozen.kind(), ErrorKind::Frozen);
    assert!(frozen.detail().contains("`limits`"), "{frozen}");
    assert_eq!(read("limits").0[..8], 2.5_f64.to_le_bytes());
    let hits = cell(&object, "hits").wait_version(Version::NONE, WAIT).map(drop).unwrap_err();
    assert_eq!(hits.kind(), ErrorKind::Unsupported);
}

#[test]
fn an_observer_reads_all_and_writes_nothing() {
    let world = World::new();
    let options = Shared::<Board>::options().scope(world.scope());
    let board = options.create("board", new).expect("a board");
    let x = State { x: 3, ..State::default() };
    board.sides[0].state.set(x).expect("a set");
    let object = Untyped::open_read_only("board", &world.scope()).expect("the same");
    for cell in object.cells() {
        let (bytes, _) = cell.read().expect("its bytes");
        assert_eq!(bytes.len() as u64, cell.contents().size(), "{cell:?}");
        let refused = cell.update(WAIT, |_| Ok::<(), ()>(())).map(drop);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    assert_eq!(cell(&object, "sides[0].state").read().expect("its bytes").0[..4], [3, 0, 0, 0]);
    assert_eq!(object.read().map(drop).unwrap_err().kind(), ErrorKind::Unsupported);
}

/// A field of a `Loose` that is set by its schema leaves those beside it, which others store.
#[test]
fn a_loose_field_set_by_schema_leaves_its_neighbours() {
    let world = World::new();
    let options = Shared::<Board>::options().scope(world.scope());
    let board = options.create("board", new).expect("a board");
    let object = Untyped::open("board", &world.scope()).expect("the same");
    let gears = || {
        for round in 0..20_000_u32 {
            let gear = round as u8;
            board.dials.store_part(Dials::GEAR, gear).expect("a store");
            assert_eq!(board.dials.load_part(Dials::GEAR).expect("a load"), gear);
        }
    };
    let trims = || {
        let dials = cell(&object, "dials");
        for round in 0..20_000_u32 {
            let trim = (round as i16).to_le_bytes();
            set(dials, 2, &trim).expect("a store");
            assert_eq!(dials.read().expect("its bytes").0[2..4], trim);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(gears);
        scope.spawn(trims);
    });
}

/// Any bytes of any cell, and no others.
#[test]
fn parts_of_cells_are_read_by_themselves() {
    let world = World::new();
    let options = Shared::<Board>::options().scope(world.scope());
    let board = options.create("board", new).expect("a board");
    let name = cohabit::text!("a longer name of it");
    board.sides[0].state.set(State { x: -5, on: true, name }).expect("a set");
    board.counts[2].store(0x0102_0304_0506_0708, Relaxed);
    board.stop.store(true, Relaxed);
    let objects = [
        Untyped::open_read_only("board", &world.scope()).expect("the same"),
        Untyped::open("board", &world.scope()).expect("the same"),
    ];
    for cell in objects.iter().flat_map(|object| object.cells()) {
        let (whole, version) = cell.read().expect("its bytes");
        let len = whole.len() as u64;
        for start in 0..=len {
            for end in start..=len {
                let (part, seen) = cell.read_part(start..end).expect("a part");
                assert_eq!(part, whole[start as usize..end as usize], "{cell:?} {start}..{end}");
                assert_eq!(seen, version);
            }
        }
        for beyond in [0..len + 1, len + 1..len + 1, u64::MAX - 1..u64::MAX] {
            let error = cell.read_part(beyond).unwrap_err();
            assert_eq!((error.kind(), error.object()), (ErrorKind::OutOfRange, "board"));
        }
    }
}

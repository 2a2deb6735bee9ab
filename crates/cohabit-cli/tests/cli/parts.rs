//! Objects with parts: each cell is shown, set and watched by its own protocol.

use std::sync::atomic::{AtomicI16, AtomicU8, AtomicU64, Ordering};

use cohabit::{
    Flag, Frozen, LastOneOut, Loose, Shared, Text, Value, Version, plain, shareable, text,
};

use crate::support::{Place, Talker};

#[plain]
#[derive(Clone, Debug, Default, PartialEq)]
struct State {
    x: i32,
    name: Text<8>,
}

#[plain]
#[derive(Clone, Debug, Default, PartialEq)]
struct Dials {
    gear: u8,
    trim: i16,
}

#[shareable]
#[derive(Default)]
struct Wheel {
    speed: AtomicI16,
    state: Value<State>,
}

#[shareable]
#[derive(Default)]
struct Board {
    hits: AtomicU64,
    stop: Flag,
    state: Value<State>,
    limits: Frozen<[f64; 2]>,
    dials: Loose<Dials>,
    wheels: [Wheel; 2],
    log: [AtomicU64; 3],
}

fn board(place: &Place) -> Shared<Board> {
    let new = || Board {
        state: Value::new(State { x: 5, name: text!("a") }),
        limits: Frozen::new([0.5, 2.0]),
        ..Board::default()
    };
    place.options::<Board>().create("board", new).unwrap()
}

const SHOWN: &str = r#"{
  "hits": 0,
  "stop": false,
  "state": {
    "x": 5,
    "name": "a"
  },
  "limits": [0.5, 2.0],
  "dials": {
    "gear": 0,
    "trim": 0
  },
  "wheels": [
    {
      "speed": 0,
      "state": {
        "x": 0,
        "name": ""
      }
    },
    {
      "speed": 0,
      "state": {
        "x": 0,
        "name": ""
      }
    }
  ],
  "log": [0, 0, 0]
}
"#;

#[test]
fn a_board_is_shown_with_what_its_cells_hold() {
    let place = Place::new();
    let board = board(&place);
    assert_eq!(place.run(&["show", "board"]).fine(), SHOWN);
    board.wheels[1].state.set(State { x: -7, name: text!("b") }).unwrap();
    board.dials.store_part(Dials::TRIM, -2).unwrap();
    board.stop.store(true, Ordering::Relaxed);
    for (part, shown) in [
        ("board.hits", "0\n"),
        ("board.stop", "true\n"),
        ("board.state.x", "5\n"),
        ("board.state.name", "a\n"),
        ("board.limits[1]", "2.0\n"),
        ("board.dials", "{\n  \"gear\": 0,\n  \"trim\": -2\n}\n"),
        ("board.wheels[1].state.x", "-7\n"),
        ("board.log", "[0, 0, 0]\n"),
        ("board.log[2]", "0\n"),
    ] {
        assert_eq!(place.run(&["show", part]).fine(), shown, "{part}");
    }
    for (part, json) in [
        ("board.hits", r#"{"name":"board","path":"hits","value":0}"#),
        ("board.state.x", r#"{"name":"board","path":"state.x","version":1,"value":5}"#),
        (
            "board.wheels[1]",
            r#"{"name":"board","path":"wheels[1]","value":{"speed":0,"state":{"x":-7,"name":"b"}}}"#,
        ),
    ] {
        assert_eq!(place.run(&["show", part, "--json"]).fine(), format!("{json}\n"), "{part}");
    }
    let failed = place.run(&["show", "board.state.y"]).failed(2);
    assert!(failed.contains("State has no field `y`; there are: x, name"), "{failed}");
    let failed = place.run(&["show", "board.wheels[2]"]).failed(2);
    assert!(failed.contains("there are 2 elements"), "{failed}");
}

/// A schema may have more cells than there is memory for: they are shown one by one only.
#[test]
fn more_cells_than_memory_has_room_for_are_refused() {
    let place = Place::new();
    let options = place.options::<[AtomicU8]>().len(1 << 24);
    let bytes = options.open_or_create_in_place("bytes", |_| ()).unwrap();
    bytes[7].store(9, Ordering::Relaxed);
    let failed = place.run(&["show", "bytes"]).failed(1);
    assert!(failed.contains("name a part, such as bytes[0]"), "{failed}");
    place.run(&["watch", "bytes", "--count", "1"]).failed(1);
    assert_eq!(place.run(&["show", "bytes[7]"]).fine(), "9\n");
}

#[test]
fn each_cell_that_is_named_gets_one_commit() {
    let place = Place::new();
    let board = board(&place);
    let set = ["set", "board", "state.x=6", "hits=7", "state.name=bye", "wheels[0].speed=-3"];
    assert_eq!(place.run(&set).fine(), "");
    let (state, version) = board.state.read().unwrap();
    assert_eq!((state, version.number()), (State { x: 6, name: text!("bye") }, 2));
    assert_eq!(board.hits.load(Ordering::Relaxed), 7);
    assert_eq!(board.wheels[0].speed.load(Ordering::Relaxed), -3);
    place.run(&["set", "board", "dials.trim=-9", "stop=true", "log[1]=0x10"]).fine();
    assert_eq!(board.dials.load().unwrap(), Dials { gear: 0, trim: -9 });
    assert!(board.stop.load(Ordering::Relaxed));
    assert_eq!(board.log[1].load(Ordering::Relaxed), 16);
    let json = r#"{"hits": 8, "wheels": [{"state": {"x": 1}}, {}], "log": [1, 2, 3]}"#;
    place.run(&["set", "board", json]).fine();
    assert_eq!(board.hits.load(Ordering::Relaxed), 8);
    assert_eq!(board.wheels[0].state.get().unwrap().x, 1);
    assert_eq!(board.wheels[1].state.version().unwrap().number(), 1);
    assert_eq!(board.log[2].load(Ordering::Relaxed), 3);
}

#[test]
fn what_is_refused_changes_no_cell() {
    let place = Place::new();
    let board = board(&place);
    let failed = place.run(&["set", "board", "hits=7", "limits[0]=1"]).failed(2);
    let frozen = "`limits` is frozen: only the constructor of the object wrote it\n  limits[0]=1\n  ^^^^^^^^^^\n";
    assert_eq!(failed, format!("error: {frozen}"));
    let failed = place.run(&["set", "board", "hits=7", "wheels[0].speed=40000"]).failed(2);
    assert!(failed.contains("an i16, from -32768 to 32767: 40000 is out of range"), "{failed}");
    let failed = place.run(&["set", "board", "hits=7", "stop=2"]).failed(2);
    assert!(failed.contains("`stop` is a flag, true or false"), "{failed}");
    let failed = place.run(&["set", "board", "hits=7", "lights=1"]).failed(2);
    assert!(failed.contains("Board has no field `lights`; there are: hits, stop"), "{failed}");
    assert_eq!(board.hits.load(Ordering::Relaxed), 0);
    assert_eq!(board.state.version().unwrap().number(), 1);
}

/// A cell that is locked does not hold back those that come before it; what was set is said.
#[test]
fn a_busy_cell_is_told_with_what_was_set_before_it() {
    let place = Place::new();
    let board = board(&place);
    let set = ["set", "board", "hits=7", "state.x=1", "stop=true", "--timeout", "10ms"];
    let ran = board.state.update(|_| place.run(&set)).unwrap();
    assert_eq!((ran.code, ran.out.as_str()), (Some(4), ""));
    assert!(ran.err.starts_with("set already: hits\nerror: `board`: "), "{}", ran.err);
    assert_eq!(board.hits.load(Ordering::Relaxed), 7);
    assert!(!board.stop.load(Ordering::Relaxed));
}

#[test]
fn a_board_and_its_parts_are_watched() {
    let place = Place::new();
    let board = board(&place);
    let mut whole = Talker::start(place.command(&["watch", "board"]));
    let mut state = Talker::start(place.command(&["watch", "board.state", "--json"]));
    let mut hits = Talker::start(place.command(&["watch", "board.hits"]));
    assert!(whole.line().starts_with(r#"{"hits":0,"stop":false,"state":{"x":5,"#));
    assert!(state.line().contains(r#""version":1,"value":{"x":5,"name":"a"}"#));
    assert_eq!(hits.line(), "0");
    board.hits.store(3, Ordering::Relaxed);
    assert_eq!(hits.line(), "3");
    assert!(whole.line().starts_with(r#"{"hits":3,"#));
    board.state.set(State { x: 6, name: text!("b") }).unwrap();
    assert!(state.line().contains(r#""version":2,"value":{"x":6,"name":"b"}"#));
    assert!(whole.line().contains(r#""state":{"x":6,"name":"b"}"#));
    drop(board);
    for watching in [whole, state, hits] {
        let ran = watching.end();
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), "`board` has ended\n"));
    }
}

#[shareable]
#[derive(Default)]
struct Ending {
    state: Value<State>,
}

impl LastOneOut for Ending {
    fn last_one_out(&self) {
        self.state.set(State { x: 99, name: text!("end") }).unwrap();
    }
}

/// The command is a guest there: it changes what it is asked to, is not counted, and ends nothing.
#[test]
fn an_object_with_an_end_is_set_by_a_guest() {
    let place = Place::new();
    let object = place.options::<Ending>().create("ending", Ending::default).unwrap();
    place.run(&["set", "ending", "state.x=4"]).fine();
    assert_eq!(place.run(&["show", "ending.state.x"]).fine(), "4\n");
    assert_eq!(
        object.state.read().unwrap().1,
        object.state.wait_version(Version::NONE, std::time::Duration::ZERO).unwrap()
    );
    assert_eq!(object.state.get().unwrap().x, 4);
}

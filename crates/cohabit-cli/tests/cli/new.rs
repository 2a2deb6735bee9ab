//! `new`: objects of types that no program has, and what goes wrong.

use std::sync::atomic::{AtomicU64, Ordering};

use cohabit::{
    Barrier, Event, Flag, Frozen, Once, OnceCell, Shared, SharedValue, Text, Value, plain,
    shareable,
};
use serde_json::{Value as Json, json};

use crate::support::{Place, Talker, kept_word};

#[plain]
#[derive(Clone, Debug)]
struct MyData {
    x: i32,
    text: Text<256>,
}

#[shareable]
#[derive(Debug)]
struct Board {
    hits: AtomicU64,
    on: Flag,
    state: Value<MyData>,
    limits: Frozen<[f64; 2]>,
    cells: [Value<u8>; 3],
}

#[test]
fn a_program_that_has_the_type_opens_what_was_made() {
    let place = Place::new();
    let made = place.run(&[
        "new",
        "data",
        "x: i32, text: Text<256>",
        "--set",
        "x=255",
        "--set",
        "text=Hello",
    ]);
    assert_eq!(made.fine(), "");
    assert_eq!(
        place.run(&["show", "data", "--json"]).fine(),
        "{\"name\":\"data\",\"version\":1,\"value\":{\"x\":255,\"text\":\"Hello\"}}\n"
    );
    let options = SharedValue::<MyData>::options().scope(place.scope());
    let data = options.open("data").unwrap();
    let value = data.get().unwrap();
    assert_eq!((value.x, value.text.as_str().unwrap()), (255, "Hello"));
    data.update(|data| data.x += 1).unwrap();
    drop(data);
    // It is kept, also without users.
    assert_eq!(place.run(&["show", "data.x"]).fine(), "256\n");
    place.run(&["rm", "data"]).fine();
}

#[shareable]
struct Later {
    ready: Event,
    once: Once,
    port: OnceCell<u16>,
    all: Barrier,
}

#[test]
fn what_is_said_and_done_later_begins_unsaid_and_undone() {
    let place = Place::new();
    let text = "ready: Event, once: Once, port: OnceCell<u16>, all: Barrier";
    assert_eq!(place.run(&["new", "later", text]).fine(), "");
    let later = Shared::<Later>::options().scope(place.scope()).open("later").unwrap();
    assert!(!later.ready.try_wait().unwrap() && !later.once.is_completed().unwrap());
    assert_eq!(later.port.get_or_init(|| 4711).unwrap(), 4711);
    let early = later.all.wait().unwrap_err();
    assert_eq!(early.code(), "constructor-incomplete");
    later.all.set_parties(1).unwrap();
    assert!(later.all.wait().unwrap().is_leader());
    drop(later);
    assert_eq!(place.run(&["show", "later.port"]).fine(), "4711\n");
    place.run(&["rm", "later"]).fine();
}

#[test]
fn an_object_with_parts_is_the_one_of_rust() {
    let place = Place::new();
    let text = "hits: AtomicU64, on: Flag, state: Value<MyData { x: i32, text: Text<256> }>,
                limits: Frozen<[f64; 2]>, cells: [Value<u8>; 3]";
    let first = ["hits=7", "on=true", "state.x=-1", "limits=[0.5,2]", "cells[1]=9"];
    let mut args = vec!["new", "board", text];
    args.extend(first.iter().flat_map(|first| ["--set", first]));
    place.run(&args).fine();
    let options = Shared::<Board>::options().scope(place.scope());
    let board = options.open("board").unwrap();
    assert_eq!(board.hits.load(Ordering::Relaxed), 7);
    assert!(board.on.load(Ordering::Relaxed));
    assert_eq!(board.state.read().unwrap().0.x, -1);
    assert_eq!(board.limits.get().unwrap(), [0.5, 2.0]);
    let cells: Vec<_> = board.cells.iter().map(|cell| cell.get().unwrap()).collect();
    assert_eq!(cells, [0, 9, 0]);
    let list: Json = serde_json::from_str(&place.run(&["ls", "--json"]).fine()).unwrap();
    assert_eq!((&list[0]["name"], &list[0]["kept"]), (&json!("board"), &json!(kept_word())));
    drop(board);
    place.run(&["rm", "board"]).fine();
}

#[test]
fn a_slice_has_the_length_that_is_given() {
    let place = Place::new();
    let err = place.run(&["new", "slice", "[f64]"]).failed(2);
    assert!(err.contains("[length-missing]\nGive it by --len N.\n"), "{err}");
    let err = place.run(&["new", "slice", "[f64; 3]", "--len=3"]).failed(2);
    assert!(err.contains("[length-mismatch]"), "{err}");
    place.run(&["new", "slice", "[f64]", "--len=4", "--set", "[3]=1.5"]).fine();
    assert_eq!(place.run(&["show", "slice"]).fine(), "[0.0, 0.0, 0.0, 1.5]\n");
    let options = SharedValue::<[f64]>::options().scope(place.scope());
    let slice = options.open("slice").unwrap();
    assert_eq!(slice.len(), 4);
    drop(slice);
    place.run(&["rm", "slice"]).fine();
    place.run(&["new", "counters", "[AtomicU16]", "--len=2", "--set", "[1]=3"]).fine();
    assert_eq!(place.run(&["show", "counters"]).fine(), "[0, 3]\n");
    place.run(&["rm", "counters"]).fine();
}

#[test]
fn where_zero_is_no_value_one_is_needed() {
    let place = Place::new();
    let text = "modes: [enum Mode { Off = 1, On }; 2]";
    let err = place.run(&["new", "rig", text]).failed(2);
    assert!(
        err.contains("field `modes[0]`: expected 1 (Off) or 2 (On) for Mode, found 0"),
        "{err}"
    );
    assert!(
        err.contains("[constructor-incomplete]\nZero is no value there: give one by --set"),
        "{err}"
    );
    assert_eq!(place.files(), [""; 0]);
    place.run(&["new", "rig", text, "--set", "modes=[\"On\",\"Off\"]"]).fine();
    assert_eq!(place.run(&["show", "rig.modes[0]"]).fine(), "On\n");
    place.run(&["rm", "rig"]).fine();
}

#[test]
fn what_is_no_type_no_value_or_no_name_makes_nothing() {
    let place = Place::new();
    let err = place.run(&["new", "rig", "x: int"]).failed(2);
    assert_eq!(err, "error: there is no type `int`: use i32\n  x: int\n     ^^^\n");
    place.run(&["new", "rig", "x: i32", "--set", "y=5"]).failed(2);
    place.run(&["new", "rig", "x: i32", "--set", "x=five"]).failed(2);
    place.run(&["new", "a/b", "x: i32"]).failed(2);
    place.run(&["new", "rig", "x: i32", "--keep=for-ever"]).failed(2);
    assert_eq!(place.files(), [""; 0]);
    let _data = place.sample("data");
    let err = place.run(&["new", "data", "x: i32"]).failed(4);
    assert!(
        err.contains("[already-exists]\n`cohabit show` prints it; `cohabit rm` takes"),
        "{err}"
    );
}

#[test]
fn one_that_is_kept_while_used_is_used_until_the_input_ends() {
    let place = Place::new();
    let maker =
        Talker::start(place.command(&["new", "data", "u8", "--keep", "while-used", "--set", "=7"]));
    // It says nothing, so its object is waited for.
    let shown = loop {
        let shown = place.run(&["show", "data"]);
        if shown.code == Some(0) {
            break shown.fine();
        }
    };
    assert_eq!(shown, "7\n");
    assert_eq!(maker.end().fine(), "");
    assert_eq!(place.files(), [""; 0]);
}

//! Objects whose length was given when they were made: what `ls`, `show`, `set`, `watch` and `new` make of
//! them.

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU64, Ordering::Relaxed};

use cohabit::{Part, Shared, SharedValue, Value, plain, shareable};

use crate::support::{Place, Talker};

#[plain]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Point {
    on: bool,
    x: f64,
}

#[shareable]
struct Log {
    count: AtomicU16,
    samples: Value<[Point]>,
}

#[shareable]
struct Lane {
    cars: AtomicU8,
    state: Value<Point>,
}

#[shareable]
struct Road {
    total: AtomicU64,
    lanes: [Lane],
}

fn log(place: &Place) -> Shared<Log> {
    let fill = |log: &Log| log.samples.set_from(&[Point { on: true, x: 0.5 }; 4]);
    place.options::<Log>().len(4).create_in_place("log", fill).unwrap()
}

#[test]
fn a_value_of_run_time_length_is_shown_and_set() {
    let place = Place::new();
    let log = log(&place);
    for (part, shown) in [
        ("log.samples[3]", "{\n  \"on\": true,\n  \"x\": 0.5\n}\n"),
        ("log.samples[3].x", "0.5\n"),
        ("log.count", "0\n"),
    ] {
        assert_eq!(place.run(&["show", part]).fine(), shown, "{part}");
    }
    let json = place.run(&["show", "log.samples[1].on", "--json"]).fine();
    let expected = r#"{"name":"log","path":"samples[1].on","version":1,"value":true}"#;
    assert_eq!(json.trim_end(), expected);
    let all = place.run(&["show", "log", "--json"]).fine();
    let point = r#"{"on":true,"x":0.5}"#;
    assert!(all.contains(&format!(r#""samples":[{point},{point},{point},{point}]"#)), "{all}");

    let set = ["set", "log", "samples[3].x=2.5", r#"samples[0]={"on": false}"#, "count=7"];
    assert_eq!(place.run(&set).fine(), "");
    // Two parts of one value are one commit.
    assert_eq!(log.samples.version().unwrap().number(), 2);
    assert_eq!(log.samples.get_part(Part::element(3)).unwrap(), Point { on: true, x: 2.5 });
    assert_eq!(log.samples.get_part(Part::element(0)).unwrap(), Point { on: false, x: 0.5 });
    assert_eq!(log.count.load(Relaxed), 7);
    let failed = place.run(&["set", "log", "samples[4].x=1"]).failed(2);
    assert!(failed.contains("there are 4 elements, 0 to 3"), "{failed}");
    let failed = place.run(&["set", "log", "samples=[{}]"]).failed(2);
    assert!(failed.contains("4"), "{failed}");
    assert_eq!(log.samples.version().unwrap().number(), 2);
}

#[test]
fn a_slice_that_is_the_whole_object_is_shown_and_set() {
    let place = Place::new();
    let options = SharedValue::<[u16]>::options().scope(place.scope()).len(3);
    let words = options.create("words", || vec![1, 2, 3]).unwrap();
    assert_eq!(place.run(&["show", "words"]).fine(), "[1, 2, 3]\n");
    assert_eq!(place.run(&["show", "words[2]"]).fine(), "3\n");
    place.run(&["set", "words", "[1]=7"]).fine();
    place.run(&["set", "words", "[2]=0xffff", "[0]=9"]).fine();
    assert_eq!(&*words.get_boxed().unwrap(), &[9, 7, 0xffff]);
    place.run(&["set", "words", "[4, 5, 6]"]).fine();
    assert_eq!(&*words.get_boxed().unwrap(), &[4, 5, 6]);
    assert_eq!(words.version().unwrap().number(), 4);
    let failed = place.run(&["set", "words", "[4, 5]"]).failed(2);
    assert!(failed.contains('3'), "{failed}");
    let ls = place.run(&["ls"]).fine();
    assert!(ls.contains("[u16]"), "{ls}");
}

#[test]
fn a_tail_of_cells_is_shown_set_and_watched() {
    let place = Place::new();
    let road = place
        .options::<Road>()
        .len(5)
        .create_in_place("road", |road| road.lanes[4].state.set(Point { on: true, x: 1.0 }));
    let road = road.unwrap();
    let mut watch = Talker::start(place.command(&["watch", "road.lanes[4].cars"]));
    assert_eq!(watch.line(), "0");
    let set = ["set", "road", "lanes[4].cars=3", "lanes[4].state.x=9", "lanes[0].state.on=true"];
    assert_eq!(place.run(&set).fine(), "");
    assert_eq!(watch.line(), "3");
    assert_eq!(place.run(&["show", "road.lanes[4].state.x"]).fine(), "9.0\n");
    let (state, version) = road.lanes[4].state.read().unwrap();
    assert_eq!((state, version.number()), (Point { on: true, x: 9.0 }, 2));
    assert!(road.lanes[0].state.get().unwrap().on);
    let lane = place.run(&["show", "road.lanes[0]", "--json"]).fine();
    assert!(lane.contains(r#""value":{"cars":0,"state":{"on":true,"x":0.0}}"#), "{lane}");
    let failed = place.run(&["show", "road.lanes[5]"]).failed(2);
    assert!(failed.contains("there are 5 elements, 0 to 4"), "{failed}");
}

#[test]
fn more_cells_than_anybody_reads_are_shown_by_parts() {
    let place = Place::new();
    let bytes = place.options::<[AtomicU8]>().len((1 << 20) + 1);
    let bytes = bytes.create_in_place("bytes", |bytes| bytes[1 << 20].store(7, Relaxed)).unwrap();
    assert_eq!(place.run(&["show", "bytes[1048576]"]).fine(), "7\n");
    let failed = place.run(&["show", "bytes"]).failed(1);
    let words = "`bytes` has more cells there than are read at once: name a part, such as bytes[0]";
    assert!(failed.contains(words), "{failed}");
    place.run(&["set", "bytes", "[1048575]=9"]).fine();
    assert_eq!(bytes[(1 << 20) - 1].load(Relaxed), 9);
}

#[test]
fn an_object_that_was_made_by_its_schema_is_the_one_of_the_type() {
    let place = Place::new();
    let of = "count: AtomicU16, samples: Value<[struct Point { on: bool, x: f64 }]>";
    place.run(&["new", "log", of, "--len", "9", "--set", "samples[8].x=1.5"]).fine();
    let log = place.options::<Log>().len(9).open("log").unwrap();
    assert_eq!(log.samples.get_part(Part::element(8)).unwrap(), Point { on: false, x: 1.5 });
    log.samples.set_part(Part::element(0).then(Point::ON), true).unwrap();
    assert_eq!(place.run(&["show", "log.samples[0].on"]).fine(), "true\n");
    drop(log);
    place.run(&["rm", "log"]).fine();
}

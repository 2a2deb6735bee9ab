//! Enums, `char`, 128-bit integers, wide text, lists and appendable structs: shown and set.

use cohabit::untyped::Untyped;
use cohabit::{Appended, List, SharedValue, Value, WideText, plain};
use serde_json::Value as Json;

use crate::support::Place;

#[plain]
#[repr(i8)]
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Fault = -1,
    Off,
    Run = 7,
}

#[plain]
#[derive(Clone, Debug, PartialEq)]
struct Point {
    x: i16,
    mode: Mode,
}

#[plain(appendable = 256)]
#[derive(Clone, Debug, PartialEq)]
struct Kinds {
    mode: Mode,
    letter: char,
    sum: u128,
    debt: i128,
    wide: WideText<6>,
    list: List<u16, 4>,
    points: List<Point, 3>,
    modes: [Mode; 2],
    limit: Appended<u32>,
}

fn sample() -> Kinds {
    Kinds {
        mode: Mode::Run,
        letter: '\u{e9}',
        sum: u128::MAX,
        debt: i128::MIN,
        wide: WideText::truncated("a\u{1F600}"),
        list: List::try_from([1, 2]).unwrap(),
        points: List::try_from([Point { x: -1, mode: Mode::Off }]).unwrap(),
        modes: [Mode::Off, Mode::Fault],
        limit: Appended::NONE,
    }
}

const COMPACT: &str = concat!(
    r#"{"mode":"Run","letter":"é","sum":"340282366920938463463374607431768211455","#,
    r#""debt":"-170141183460469231731687303715884105728","wide":"a😀","list":[1,2],"#,
    r#""points":[{"x":-1,"mode":"Off"}],"modes":["Off","Fault"],"#,
    r#""limit":{"present":false,"value":0}}"#
);

fn object(place: &Place) -> SharedValue<Kinds> {
    place.options().create("k", sample).unwrap()
}

#[test]
fn they_are_shown() {
    let place = Place::new();
    let _object = object(&place);
    let line = format!("{{\"name\":\"k\",\"version\":1,\"value\":{COMPACT}}}\n");
    assert_eq!(place.run(&["show", "k", "--json"]).fine(), line);
    for (part, shown) in [
        ("k.mode", "Run\n"),
        ("k.letter", "\u{e9}\n"),
        ("k.sum", "340282366920938463463374607431768211455\n"),
        ("k.debt", "-170141183460469231731687303715884105728\n"),
        ("k.wide", "a\u{1F600}\n"),
        ("k.list", "[1, 2]\n"),
        ("k.modes", "[\"Off\", \"Fault\"]\n"),
        ("k.modes[1]", "Fault\n"),
        ("k.points", "[\n  {\n    \"x\": -1,\n    \"mode\": \"Off\"\n  }\n]\n"),
        ("k.limit.present", "false\n"),
    ] {
        assert_eq!(place.run(&["show", part]).fine(), shown, "{part}");
    }
}

/// What is shown can be set again, and means the same.
#[test]
fn what_is_shown_can_be_set() {
    let place = Place::new();
    let object = object(&place);
    let other =
        Kinds { mode: Mode::Off, sum: 0, list: List::new(), points: List::new(), ..sample() };
    object.set(other).unwrap();
    place.run(&["set", "k", COMPACT]).fine();
    assert_eq!(object.get().unwrap(), sample());
}

#[test]
fn they_are_set() {
    let place = Place::new();
    let object = object(&place);
    let args = [
        "set",
        "k",
        "mode=Fault",
        "letter=\u{df}",
        "sum=0xffffffffffffffffffffffffffffffff",
        "debt=-170141183460469231731687303715884105728",
        "wide=\u{1F600}b",
        "list=[7,8,9,10]",
        r#"points=[{"x":1,"mode":"Run"},{"mode":-1,"x":2}]"#,
        "modes[0]=7",
        r#"limit={"present":true,"value":9}"#,
    ];
    place.run(&args).fine();
    let expected = Kinds {
        mode: Mode::Fault,
        letter: '\u{df}',
        sum: u128::MAX,
        debt: i128::MIN,
        wide: WideText::truncated("\u{1F600}b"),
        list: List::try_from([7, 8, 9, 10]).unwrap(),
        points: List::try_from([
            Point { x: 1, mode: Mode::Run },
            Point { x: 2, mode: Mode::Fault },
        ])
        .unwrap(),
        modes: [Mode::Run, Mode::Fault],
        limit: 9.into(),
    };
    assert_eq!(object.get().unwrap(), expected);
    place.run(&["set", "k", "list=[]", "points=[]", r#"wide="#, "debt=0x10"]).fine();
    let value = object.get().unwrap();
    assert!(value.list.is_empty() && value.points.is_empty() && value.wide.is_empty());
    assert_eq!(value.debt, 16);
    // What is behind the end of a list is zero.
    let raw = Untyped::open("k", &place.scope()).unwrap().read().unwrap().0;
    let at = Kinds::LIST.offset();
    assert_eq!(raw[at..at + 12], [0; 12]);
}

#[test]
fn what_they_cannot_be_is_refused() {
    let place = Place::new();
    let object = object(&place);
    for (assignment, said) in [
        ("mode=Gone", "`mode` is a Mode, one of Fault, Off, Run: there is no \"Gone\""),
        ("mode=3", "one of Fault, Off, Run: there is no \"3\""),
        ("mode=300", "there is no \"300\""),
        ("letter=ab", "`letter` is a char, one character: 2 characters were given"),
        ("letter=", "found nothing"),
        ("sum=-1", "`sum` is a u128, from 0 to 340282366920938463463374607431768211455"),
        ("sum=0x100000000000000000000000000000000", "out of range"),
        (
            "debt=170141183460469231731687303715884105728",
            "from -170141183460469231731687303715884105728 to",
        ),
        ("wide=abcde\u{1F600}", "7 units were given, 5 are available"),
        (
            "list=[1,2,3,4,5]",
            "`list` is a list of at most 4 × u16, written as JSON: found 5 elements",
        ),
        ("list=[65536]", "`list[0]` is a u16"),
        (r#"points=[{"x":1}]"#, "in a list every field is given, and `mode` is missing"),
        (r#"points=[{"x":1,"mode":"Gone"}]"#, "`points[0].mode` is a Mode, one of"),
        (r#"{"letter":7}"#, "`k.letter` is a char, one character: found 7"),
        (r#"{"mode":true}"#, "found true"),
    ] {
        let error = place.run(&["set", "k", assignment]).failed(2);
        assert!(error.contains(said), "{assignment}: {error}");
    }
    let (value, version) = object.read().unwrap();
    assert_eq!((value, version.number()), (sample(), 1));
}

/// What a peer wrote is shown as it is, whatever it is.
#[test]
fn bits_that_no_value_has_are_shown_as_numbers() {
    let place = Place::new();
    let _object = object(&place);
    let raw = Untyped::open("k", &place.scope()).unwrap();
    let changed = raw.update(std::time::Duration::from_secs(100), |bytes| {
        bytes[Kinds::MODE.offset()] = 0x80;
        bytes[Kinds::LETTER.offset()..][..4].copy_from_slice(&0xD800_u32.to_le_bytes());
        bytes[Kinds::WIDE.offset()..][..2].copy_from_slice(&0xD800_u16.to_le_bytes());
        bytes[Kinds::LIST.offset()] = 5;
        Ok::<_, ()>(())
    });
    changed.unwrap().unwrap();
    let shown = place.run(&["show", "k", "--json"]).fine();
    for part in [
        r#""mode":-128,"#,
        r#""letter":{"invalid":55296},"#,
        "\"wide\":{\"lossy\":\"\u{FFFD}\u{1F600}\",\"hex\":\"00d83dd800de\"}",
        r#""list":{"invalid":5},"#,
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let _: Json = serde_json::from_str(&shown).unwrap();
    assert_eq!(place.run(&["show", "k.mode"]).fine(), "-128\n");
    assert_eq!(place.run(&["show", "k.letter"]).fine(), "invalid: 55296\n");
}

#[test]
fn single_ones_take_their_value_alone() {
    let place = Place::new();
    let mode = place.options::<Value<Mode>>().create("m", || Mode::Off).unwrap();
    let letter = place.options::<Value<char>>().create("c", || 'a').unwrap();
    let list = place.options::<Value<List<u8, 4>>>().create("l", List::new).unwrap();
    for (name, value) in [("m", "Run"), ("c", "="), ("l", "[1,2]")] {
        let value = if value == "=" { "==" } else { value };
        place.run(&["set", name, value]).fine();
    }
    assert_eq!((mode.get().unwrap(), letter.get().unwrap()), (Mode::Run, '='));
    assert_eq!(list.get().unwrap(), [1, 2]);
    assert_eq!(place.run(&["show", "l"]).fine(), "[1, 2]\n");
}

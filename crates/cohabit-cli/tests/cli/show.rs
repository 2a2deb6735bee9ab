//! `show`, `ls` and bare `cohabit`: whole outputs, for people and for programs.

use std::io::pipe;
use std::process::Stdio;
use std::sync::atomic::{AtomicI16, AtomicU64};
use std::time::Duration;

use cohabit::untyped::Untyped;
use cohabit::{Event, Mutex, OnceCell, Text, Value, shareable, text};
use serde_json::{Value as Json, json};

use crate::support::{Data, Inner, Place, Ran, Talker, kept, kept_word};

const PEOPLE: &str = r#"{
  "x": -5,
  "text": "hello",
  "on": true,
  "tiny": -128,
  "big": 18446744073709551615,
  "ratio": 0.1,
  "small": 0.1,
  "list": [1, 2, 3],
  "inner": [
    {
      "a": 1,
      "b": -9223372036854775808
    },
    {
      "a": 2,
      "b": 2
    }
  ]
}
"#;

const COMPACT: &str = concat!(
    r#"{"x":-5,"text":"hello","on":true,"tiny":-128,"big":18446744073709551615,"ratio":0.1,"#,
    r#""small":0.1,"list":[1,2,3],"inner":[{"a":1,"b":-9223372036854775808},{"a":2,"b":2}]}"#
);

#[test]
fn cohabit_alone_prints_three_commands_to_try() {
    let place = Place::new();
    let out = place.run(&[]).fine();
    assert_eq!(out.lines().filter(|line| line.starts_with("  cohabit ")).count(), 3);
}

#[test]
fn help_shows_the_exit_codes() {
    let place = Place::new();
    let out = place.run(&["--help"]).fine();
    for code in 0..=6 {
        assert!(out.contains(&format!("\n  {code}  ")), "{out}");
    }
    assert!(!out.contains("demo-process"), "{out}");
}

#[test]
fn a_struct_is_shown_as_json() {
    let place = Place::new();
    let _data = place.sample("data");
    assert_eq!(place.run(&["show", "data"]).fine(), PEOPLE);
    let line = format!("{{\"name\":\"data\",\"version\":1,\"value\":{COMPACT}}}\n");
    assert_eq!(place.run(&["show", "data", "--json"]).fine(), line);
    let parsed: Json = serde_json::from_str(&line).unwrap();
    assert_eq!(parsed["value"]["big"], json!(u64::MAX));
    assert_eq!(parsed["value"], serde_json::from_str::<Json>(PEOPLE).unwrap());
}

#[test]
fn parts_are_shown_by_themselves() {
    let place = Place::new();
    let _data = place.sample("data");
    for (part, shown) in [
        ("data.x", "-5\n"),
        ("data.text", "hello\n"),
        ("data.on", "true\n"),
        ("data.ratio", "0.1\n"),
        ("data.small", "0.1\n"),
        ("data.list", "[1, 2, 3]\n"),
        ("data.list[2]", "3\n"),
        ("data.inner[1]", "{\n  \"a\": 2,\n  \"b\": 2\n}\n"),
        ("data.inner[0].b", "-9223372036854775808\n"),
    ] {
        assert_eq!(place.run(&["show", part]).fine(), shown, "{part}");
    }
    assert_eq!(
        place.run(&["show", "data.inner[1].b", "--json"]).fine(),
        "{\"name\":\"data\",\"path\":\"inner[1].b\",\"version\":1,\"value\":2}\n"
    );
}

#[test]
fn single_values_are_plain_text() {
    let place = Place::new();
    let _number = place.options::<Value<u64>>().create("n", || u64::MAX).unwrap();
    let _text =
        place.options::<Value<Text<16>>>().create("t", || text!("a \u{1b}[1m\n\u{e9}")).unwrap();
    assert_eq!(place.run(&["show", "n"]).fine(), "18446744073709551615\n");
    assert_eq!(place.run(&["show", "t"]).fine(), "a \\u{1b}[1m\n\u{e9}\n");
    assert_eq!(
        place.run(&["show", "t", "--json"]).fine(),
        "{\"name\":\"t\",\"version\":1,\"value\":\"a \\u001b[1m\\n\u{e9}\"}\n"
    );
}

#[test]
fn floats_that_are_no_numbers_are_strings() {
    let place = Place::new();
    let values = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -0.0, f32::MAX];
    let object = place.options::<Value<[f32; 6]>>().create("f", || values).unwrap();
    let shown = "[\"NaN\", \"inf\", \"-inf\", 1e30, -0.0, 3.4028235e38]";
    assert_eq!(place.run(&["show", "f"]).fine(), format!("{shown}\n"));
    object.set([0.0; 6]).unwrap();
    place.run(&["set", "f", shown]).fine();
    let bits = |values: [f32; 6]| values.map(f32::to_bits);
    assert_eq!(bits(object.get().unwrap())[1..], bits(values)[1..]);
    assert!(object.get().unwrap()[0].is_nan());
}

#[test]
fn what_a_mutex_guards_is_shown_without_its_lock() {
    let place = Place::new();
    let object = place.options::<Mutex<Inner>>().create("m", || Inner { a: 1, b: -2 }).unwrap();
    let mut guard = object.lock().unwrap();
    guard.a = 7;
    // It is held, and nobody waits.
    let json = "{\"name\":\"m\",\"unsynchronised\":true,\"value\":{\"a\":7,\"b\":-2}}\n";
    assert_eq!(place.run(&["show", "m", "--json"]).fine(), json);
    let shown = place.run(&["show", "m.b"]);
    assert_eq!((shown.code, shown.out.as_str()), (Some(0), "-2\n"));
    assert!(shown.err.contains("without its lock"), "{shown:?}");
    assert!(place.run(&["set", "m", "a=5"]).failed(1).contains("under its lock"));
    assert_eq!(guard.a, 7);
    let who: Json =
        serde_json::from_str(&place.run(&["who", "m", "--json"]).fine_but_for_observers()).unwrap();
    assert_eq!(who["locks"][0]["holders"][0]["pid"], json!(std::process::id()));
    drop(guard);
    let who: Json =
        serde_json::from_str(&place.run(&["who", "m", "--json"]).fine_but_for_observers()).unwrap();
    assert_eq!(who["locks"], json!([]));
}

#[shareable]
struct Later {
    set: OnceCell<Inner>,
    number: OnceCell<u16>,
    ready: Event,
}

#[test]
fn what_is_not_set_and_what_has_no_data_is_null() {
    let place = Place::new();
    let build = || Later { set: OnceCell::new(), number: OnceCell::new(), ready: Event::auto() };
    let object = place.options::<Later>().create("o", build).unwrap();
    let none = "{\"name\":\"o\",\"value\":{\"set\":null,\"number\":null,\"ready\":null}}\n";
    assert_eq!(place.run(&["show", "o", "--json"]).fine(), none);
    for part in ["o.set", "o.set.b", "o.number", "o.ready"] {
        assert_eq!(place.run(&["show", part]).fine(), "null\n", "{part}");
    }
    assert_eq!(place.run(&["watch", "o.set.b", "--count=1"]).fine(), "null\n");
    let waited = place.run(&["watch", "o.number", "--until=> 1", "--timeout=5ms"]);
    assert_eq!((waited.code, waited.out.as_str()), (Some(4), "null\n"), "{waited:?}");
    assert!(place.run(&["set", "o", "number=5"]).failed(1).contains("by its users only"));
    object.set.set(Inner { a: 1, b: -2 }).unwrap();
    object.number.set(9).unwrap();
    assert_eq!(place.run(&["show", "o.set.b"]).fine(), "-2\n");
    assert_eq!(place.run(&["show", "o.number"]).fine(), "9\n");
    assert_eq!(place.run(&["watch", "o.number", "--until=> 1"]).fine(), "9\n");
    assert!(place.run(&["show", "o"]).fine().contains("\"a\": 1"));
}

#[test]
fn atomics_have_no_version() {
    let place = Place::new();
    let _small = place.options::<AtomicI16>().create("small", || AtomicI16::new(-2)).unwrap();
    assert_eq!(place.run(&["show", "small"]).fine(), "-2\n");
    assert_eq!(
        place.run(&["show", "small", "--json"]).fine(),
        "{\"name\":\"small\",\"value\":-2}\n"
    );
}

#[test]
fn bits_that_are_no_value_are_shown_and_hide_nothing_else() {
    let place = Place::new();
    let data = place.sample("data");
    let raw = Untyped::open("data", &place.scope()).unwrap();
    let patch = |bytes: &mut [u8]| {
        bytes[4..8].copy_from_slice(b"a\xFFb\0");
        bytes[12] = 7;
        Ok::<_, ()>(())
    };
    raw.update(Duration::from_secs(60), patch).unwrap().unwrap();
    assert_eq!(data.get().unwrap_err().code(), "bad-bits");
    let shown: Json = serde_json::from_str(&place.run(&["show", "data"]).fine()).unwrap();
    assert_eq!(shown["on"], json!({"invalid": 7}));
    assert_eq!(shown["text"], json!({"lossy": "a\u{FFFD}b", "hex": "61ff62"}));
    assert_eq!(shown["x"], json!(-5));
    assert_eq!(place.run(&["show", "data.on"]).fine(), "invalid: 7\n");
    place.run(&["set", "data", "on=false", "x=1"]).fine();
    assert_eq!(data.get().unwrap().x, 1);
}

#[test]
fn what_is_shown_can_be_set() {
    let place = Place::new();
    let data = place.sample("data");
    let copy = place.sample("copy");
    let cleared = Data {
        x: 0,
        text: text!(""),
        on: false,
        inner: [Inner { a: 0, b: 0 }, Inner { a: 0, b: 0 }],
        ..Data::sample()
    };
    copy.set(cleared).unwrap();
    let shown = place.run(&["show", "data"]).fine();
    place.run(&["set", "copy", &shown]).fine();
    assert_eq!(copy.get().unwrap(), data.get().unwrap());
    // A text that is no UTF-8 keeps its bytes.
    place.run(&["set", "copy", r#"{"text":{"lossy":"","hex":"61ff62"}}"#]).fine();
    assert_eq!(copy.get().unwrap().text.as_bytes(), b"a\xFFb");
}

#[test]
fn the_longest_name_is_the_name() {
    let place = Place::new();
    let _short = place.sample("a");
    let _long = place.options::<Value<u8>>().create("a.x", || 7).unwrap();
    let _list = place.options::<Value<[u8; 2]>>().create("b.c", || [8, 9]).unwrap();
    assert_eq!(place.run(&["show", "a.x"]).fine(), "7\n");
    assert_eq!(place.run(&["show", "a.tiny"]).fine(), "-128\n");
    assert_eq!(place.run(&["show", "b.c[1]"]).fine(), "9\n");
}

#[test]
fn ls_lists_by_name() {
    let place = Place::new();
    assert_eq!(
        place.run(&["ls"]),
        Ran { code: Some(0), out: String::new(), err: "no objects\n".into() }
    );
    assert_eq!(place.run(&["ls", "--json"]).fine(), "[]\n");
    let data = place.sample("data");
    let idle = place.options::<Value<u32>>().keep(kept());
    drop(idle.create("b", || 1).unwrap());
    let atomic = place.options::<AtomicU64>().create("hits.total", || AtomicU64::new(0)).unwrap();
    let sizes = [place.size("b"), data.size(), atomic.size()];
    let width = sizes.map(|size| size.to_string().len()).into_iter().max().unwrap().max(5);
    let row = |start: &str, size: u64, kept: &str| format!("{start}  {size:>width$}  {kept}\n");
    let expected = format!("NAME        TYPE        STATE  USERS  {:>width$}  KEPT\n", "BYTES")
        + &row("b           u32         idle       0", sizes[0], kept_word())
        + &row("data        Data        live       1", sizes[1], "while-used")
        + &row("hits.total  atomic u64  live       1", sizes[2], "while-used");
    assert_eq!(place.run(&["ls"]).fine(), expected);
    let mut list: Json = serde_json::from_str(&place.run(&["ls", "--json"]).fine()).unwrap();
    for entry in list.as_array_mut().unwrap() {
        assert!(entry["created_ns"].as_u64().unwrap() > 0);
        entry["created_ns"] = Json::Null;
    }
    let entry = |name: &str, kind: &str, state: &str, users: u64, size: u64, kept: &str| {
        json!({"name": name, "type": kind, "state": state, "users": users, "bytes": size,
               "kept": kept, "created_ns": null, "problem": null})
    };
    let expected = json!([
        entry("b", "u32", "idle", 0, sizes[0], kept_word()),
        entry("data", "Data", "live", 1, sizes[1], "while-used"),
        entry("hits.total", "atomic u64", "live", 1, sizes[2], "while-used"),
    ]);
    assert_eq!(list, expected);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let place = Place::new();
    // More text than any pipe holds.
    let many = place.options::<Value<[u64; 8000]>>().create("many", || [u64::MAX; 8000]).unwrap();
    for args in [&["show", "many"][..], &["show", "many", "--json"], &["ls"], &["gc"], &["--help"]]
    {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut command = place.command(args);
        command.stdout(writer).stderr(Stdio::piped()).stdin(Stdio::null());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), err.as_str()), (Some(0), ""), "{args:?}");
    }
    // The same in the middle of a long output, and while watching.
    let mut watching = Talker::start(place.command(&["watch", "many"]));
    assert!(watching.line().starts_with("[18446744073709551615,"));
    watching.stop_reading();
    many.set([1; 8000]).unwrap();
    assert_eq!(watching.child.wait().unwrap().code(), Some(0));
}

//! `set`: what it changes, in one commit, and how long it waits.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::channel;

use cohabit::{Text, Value, text};

use crate::support::{Data, Inner, Place};

#[test]
fn several_fields_are_one_commit() {
    let place = Place::new();
    let data = place.sample("data");
    let args = ["set", "data", "x=7", "text=bye", "on=false", "list[1]=0x10", "inner[1].b=-1"];
    assert_eq!(place.run(&args).fine(), "");
    let expected = Data {
        x: 7,
        text: text!("bye"),
        on: false,
        list: [1, 16, 3],
        inner: [Inner { a: 1, b: i64::MIN }, Inner { a: 2, b: -1 }],
        ..Data::sample()
    };
    let (value, version) = data.read().unwrap();
    assert_eq!((value, version.number()), (expected, 2));
}

#[test]
fn a_text_that_is_refused_changes_nothing() {
    let place = Place::new();
    let data = place.sample("data");
    place.run(&["set", "data", "x=7", "tiny=128"]).failed(2);
    let (value, version) = data.read().unwrap();
    assert_eq!((value, version.number()), (Data::sample(), 1));
}

#[test]
fn json_sets_what_it_names() {
    let place = Place::new();
    let data = place.sample("data");
    place.run(&["set", "data", r#"{"x": 1, "text": "a=b"}"#]).fine();
    place.run(&["set", "data", r#"={"tiny": 2}"#, r#"inner[0]={"a":9}"#, "list=[4,5,6]"]).fine();
    let expected = Data {
        x: 1,
        text: text!("a=b"),
        tiny: 2,
        list: [4, 5, 6],
        inner: [Inner { a: 9, b: i64::MIN }, Inner { a: 2, b: 2 }],
        ..Data::sample()
    };
    let (value, version) = data.read().unwrap();
    assert_eq!((value, version.number()), (expected, 3));
}

#[test]
fn an_object_that_is_no_struct_takes_its_value_alone() {
    let place = Place::new();
    let number = place.options::<Value<i64>>().create("n", || 0).unwrap();
    for (text, value) in [("-5", -5), ("=6", 6), ("=-7", -7), ("0x7f", 127), ("+1", 1)] {
        place.run(&["set", "n", text]).fine();
        assert_eq!(number.get().unwrap(), value, "{text}");
    }
    let greeting = place.options::<Value<Text<16>>>().create("t", Text::default).unwrap();
    for (text, value) in [("a=b", "a=b"), ("=a=b", "a=b"), ("", ""), ("[0]=x", "[0]=x")] {
        place.run(&["set", "t", text]).fine();
        assert_eq!(greeting.get().unwrap(), value, "{text}");
    }
    let list = place.options::<Value<[[u8; 2]; 2]>>().create("l", || [[0; 2]; 2]).unwrap();
    place.run(&["set", "l", "[[1,2],[3,4]]"]).fine();
    place.run(&["set", "l", "[1][0]=9", "[0]=[7,8]"]).fine();
    assert_eq!(list.get().unwrap(), [[7, 8], [9, 4]]);
    let atomic = place.options::<AtomicU16>().create("a", || AtomicU16::new(1)).unwrap();
    place.run(&["set", "a", "65535"]).fine();
    assert_eq!(atomic.load(Ordering::Relaxed), 65535);
    place.run(&["set", "a", "65536"]).failed(2);
}

#[test]
fn floats_take_every_form() {
    let place = Place::new();
    let float = place.options::<Value<f64>>().create("f", || 0.0).unwrap();
    for (text, value) in [("1e-3", 0.001), ("-2.5", -2.5), ("inf", f64::INFINITY), ("7", 7.0)] {
        place.run(&["set", "f", text]).fine();
        assert_eq!(float.get().unwrap(), value, "{text}");
    }
    place.run(&["set", "f", "=-inf"]).fine();
    assert_eq!(float.get().unwrap(), f64::NEG_INFINITY);
    place.run(&["set", "f", "NaN"]).fine();
    assert!(float.get().unwrap().is_nan());
}

#[test]
fn another_writer_is_waited_for_as_long_as_said() {
    let place = Place::new();
    let data = place.sample("data");
    let (inside, is_inside) = channel();
    let (leave, may_leave) = channel::<()>();
    let shared = &data;
    std::thread::scope(|threads| {
        threads.spawn(move || {
            shared
                .update(|data| {
                    inside.send(()).unwrap();
                    may_leave.recv().unwrap();
                    data.x += 1;
                })
                .unwrap();
        });
        is_inside.recv().unwrap();
        let err = place.run(&["set", "data", "x=1", "--timeout", "1ms"]).failed(4);
        let pid = std::process::id();
        assert!(
            err.starts_with(&format!("error: `data`: the value is being written by pid {pid} (")),
            "{err}"
        );
        let patient = place.command(&["set", "data", "x=1", "--timeout=1h"]).spawn().unwrap();
        leave.send(()).unwrap();
        assert!(patient.wait_with_output().unwrap().status.success());
    });
    assert_eq!(data.get().unwrap().x, 1);
}

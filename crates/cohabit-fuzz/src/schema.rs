//! The schema's text, as it stands in an object of somebody else.

use cohabit::schema::{Schema, difference};

use crate::cli_root::{export, grammar};

/// Types whose schemas, and whose texts, are what mutation begins with.
pub(crate) const TYPES: [&str; 12] = [
    "x: i32, text: Text<256>",
    "mode: enum Mode: u8 { Off = 0, On, Broken = 9 }, wheels: [Wheel { at: f64, on: bool }; 4]",
    "hits: AtomicU64, state: Value<{ x: i32 }>, limits: Frozen<[f64; 3]>",
    "u128",
    "[u16]",
    "struct Deep { a: [[List<char, 3>; 2]; 2], w: WideText<5>, i: i128 }",
    "journal: Mutex<{ n: u64, open: bool }>, memo: OnceCell<u32>, first: Once, door: Event, bell: Condvar",
    "dials: Loose<{ gear: u8, lamp: bool }>, stop: Flag, row: [AtomicI16; 5]",
    "appendable(64) struct Grows { x was y: f32, z: bool }",
    "cells: [Value<u8>]",
    "struct Tail { n: AtomicU32, rest: Value<[{ on: bool, n: i64 }]> }",
    "\"a \\\"name\\u{1f600}\": Text<3>, z: enum \"odd label\": i16 { \"a b\" = -5, c }",
];

pub(crate) fn run(data: &[u8]) {
    let Some((first, text)) = data.split_first() else { return };
    let Ok(schema) = Schema::parse(text, first & 1 != 0) else { return };
    // Who reads only the canonical text writes the same.
    assert_eq!(schema.to_json().as_bytes(), text, "the text is the canonical one");
    all_of(&schema);
    for len in [0, 1, 7, u64::MAX] {
        if let Ok(resolved) = schema.resolved(len) {
            all_of(&resolved);
        }
    }
    let other = grammar::types::object(TYPES[usize::from(first >> 1) % TYPES.len()], "other");
    let other = other.expect("it is a type");
    assert!(difference(&schema, &schema).is_empty(), "nothing differs from itself");
    std::hint::black_box(difference(&other, &schema));
    std::hint::black_box(difference(&schema, &other));
}

/// What is done with a schema that was believed.
pub(crate) fn all_of(schema: &Schema) {
    std::hint::black_box((schema.fingerprint(), schema.root.size(), schema.root.align()));
    std::hint::black_box((schema.root.type_name(), schema.root.is_plain(), schema.root.has_tail()));
    let zeros = [0; 512];
    std::hint::black_box(schema.root.check(&zeros).is_ok());
    let size = schema.root.size() as usize;
    std::hint::black_box(zeros.get(..size).map(|bytes| schema.root.check(bytes).is_ok()));
    std::hint::black_box(export::c::header("a name", schema));
    std::hint::black_box(export::rust::module("a name", schema).is_ok());
    if let Some(text) = grammar::print::object(schema) {
        let back = grammar::types::object(&text, "other").expect("what is printed is a type");
        // An end is no part of the text: who reads the type adds it.
        let printed = Schema { has_end: false, ..schema.clone() };
        assert_eq!(back.fingerprint(), printed.fingerprint(), "what is printed is the same type");
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let schema = |text: &&str| grammar::types::object(text, "object").expect("it is a type");
    let json = TYPES.iter().map(schema).map(|schema| schema.to_json());
    json.map(|text| [&[0], text.as_bytes()].concat()).collect()
}

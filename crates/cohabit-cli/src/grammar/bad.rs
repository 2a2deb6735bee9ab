//! Texts that mean nothing, and all that is said about each: `bad.txt` has them, one block each.
//!
//! `COHABIT_BLESS=1 cargo test -p cohabit-cli bad_texts` writes down what is said now.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use super::{check, condition, types};
use crate::bad_text::BadText;
use crate::path::{Part, Start, walk};

/// What the conditions are about.
const OBJECT: &str =
    "x: i32, small: u8, big: u128, ratio: f64, on: bool, mode: enum Mode { Off, On },
    text: Text<8>, letter: char, list: [u16; 3], inner: [Inner { a: u8, on: bool }; 2]";

const TYPES: [&str; 41] = [
    "",
    "x",
    "x:",
    "x: i32,, y: i32",
    "x: i32 y: i32",
    "x: int",
    "x: String",
    "x: usize",
    "x: i23",
    "x: Quaternion",
    "x: i32, x: u8",
    "x was a: i32, y was a: u8",
    "\"\": u8",
    "x: Text",
    "x: Text<>",
    "x: Text<0>",
    "x: Text<-4>",
    "x: Text<256",
    "x: WideText<70368744177664>",
    "x: [f64]; y: u8",
    "x: [f64], y: u8",
    "x: [f64; 0]",
    "x: [f64; three]",
    "x: [[u64; 4000000000]; 4000000000]",
    "x: List<u8>",
    "x: List<u8, 5000000000>",
    "x: { }",
    "x: { a: u8",
    "x: enum { }",
    "x: enum: f32 { A }",
    "x: enum { A = 256 }",
    "x: enum { A, B = 0 }",
    "x: enum: i8 { A = -129 }",
    "x: AtomicU64, y: u8",
    "Value<AtomicU64>",
    "x: Loose<Flag>",
    "x: Value<{ n: u8, rest: [u8] }>",
    "n: u8, rest: [u8]",
    "x: appendable struct { a: u8 }",
    "appendable(24) struct { a: u8 }",
    "appendable(16) struct { a: Text<17> }",
];

const CONDITIONS: [&str; 43] = [
    "",
    "x >",
    "x = 5",
    "x => 5",
    "x > 5 &",
    "x > 5 & on",
    "x > 5 and on",
    "x > 5 &&",
    "(x > 5",
    "x > 5)",
    "1 < x < 5",
    "x < 5 < 7",
    "5 < x",
    "\"go\" == text",
    "!x > 5",
    "x",
    "!text",
    "y > 5",
    "x > 5.5.5",
    "x > 3000000000",
    "small > -1",
    "small == 256",
    "x == true",
    "x == \"5\"",
    "ratio == NaN",
    "on > false",
    "on == 1",
    "on == yes",
    "mode == Onn",
    "mode == 1",
    "mode == \"On\"",
    "mode > Off",
    "text == go",
    "text == 'go",
    "text == \"a\\q\"",
    "text == \"\\u{110000}\"",
    "letter == \"ab\"",
    "list == 5",
    "list[3] == 5",
    "list[x] == 5",
    "inner[0].b == 5",
    "inner[0] . a == 5",
    "x == text",
];

fn said_of_type(text: &str) -> Option<BadText> {
    types::object(text, "Object").err()
}

fn said_of_condition(text: &str) -> Option<BadText> {
    let object = types::object(OBJECT, "Object").unwrap();
    let place =
        |part: Part<'_>| check::Place { cell: 0, at: part.range(), node: part.node.clone() };
    let whole = Part::whole(&object);
    let find = |span: Range<usize>| walk(whole, text, span, Start::Bare).map(place);
    let parsed =
        condition::parse(text).and_then(|found| check::fit(&found, text, &place(whole), &find));
    parsed.err()
}

#[test]
fn bad_texts() {
    let mut said = String::new();
    let all = [
        ("type", &TYPES[..], said_of_type as fn(&str) -> _),
        ("condition", &CONDITIONS, said_of_condition),
    ];
    for (what, texts, says) in all {
        for text in texts {
            let bad = says(text).unwrap_or_else(|| panic!("{text:?} is a {what}"));
            writeln!(said, "{what}: {text}\n{bad}\n").unwrap();
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/grammar/bad.txt");
    if std::env::var_os("COHABIT_BLESS").is_some() {
        std::fs::write(&file, &said).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    let (said, expected): (Vec<_>, Vec<_>) = (said.lines().collect(), expected.lines().collect());
    let first = said.iter().zip(&expected).position(|(said, expected)| said != expected);
    let first = first.unwrap_or(said.len().min(expected.len()));
    let around = first.saturating_sub(3)..(first + 3).min(said.len());
    assert!(
        said == expected,
        "bad.txt differs from line {}:\n{}",
        first + 1,
        said[around].join("\n")
    );
}

//! What is typed: types, paths, assignments, conditions, times, counts, names; and bytes that are shown.
//!
//! The first byte says what the rest is taken for. The rest is up to two texts, between which stands a
//! line end: a type, and what is said of an object of that type.

use std::ops::Range;

use cohabit::check_name;
use cohabit::schema::Schema;

use crate::cli_root::dynamic::image::Image;
use crate::cli_root::dynamic::show::{Layout, json, plain};
use crate::cli_root::grammar::check::{self, Place};
use crate::cli_root::grammar::{condition, types};
use crate::cli_root::path::{Part, Start, walk};
use crate::cli_root::{assignment, cli};
use crate::schema::{TYPES, all_of};

pub(crate) fn run(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    if first % 8 == 7 {
        return show(first, rest);
    }
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let (one, other) = text.split_once('\n').unwrap_or((text, ""));
    match first % 8 {
        0 => {
            if let Ok(schema) = types::object(one, "object") {
                let again = Schema::parse(schema.to_json().as_bytes(), false);
                assert_eq!(again.as_ref().ok(), Some(&schema), "the library reads what was typed");
                all_of(&schema);
                of_an_object(&opened(&schema), other);
            }
        }
        1 | 6 => of_an_object(&opened(&schema_of(first)), text),
        2 => {
            if let Ok(condition) = condition::parse(text) {
                let again = condition::parse(&condition.to_string());
                assert_eq!(again.ok().as_ref(), Some(&condition), "a condition is read back");
            }
        }
        3 => drop(std::hint::black_box(cli::parse_time(text).map_err(|bad| bad.to_string()))),
        4 => drop(std::hint::black_box(cli::parse_count(text).map_err(|bad| bad.to_string()))),
        _ => drop(std::hint::black_box(check_name(text).map_err(|bad| bad.to_string()))),
    }
}

fn schema_of(first: u8) -> Schema {
    types::object(TYPES[usize::from(first / 8) % TYPES.len()], "object").expect("it is a type")
}

/// As it is known of an object: with a length, if its type has a tail.
fn opened(schema: &Schema) -> Schema {
    schema.resolved(3).unwrap_or_else(|_| schema.clone())
}

/// A path, an assignment and a condition, all of which it may be.
fn of_an_object(schema: &Schema, text: &str) {
    let whole = Part::whole(schema);
    for start in [Start::Bare, Start::AfterName] {
        if let Err(bad) = walk(whole, text, 0..text.len(), start) {
            std::hint::black_box(bad.to_string());
        }
    }
    for of_how_many in [1, 2] {
        match assignment::assign("object", schema, text, of_how_many) {
            Ok(assigned) => {
                for patch in assigned.patches {
                    assert!(patch.cell <= schema.root.size(), "the cell is in the object");
                }
            }
            Err(bad) => drop(std::hint::black_box(bad.to_string())),
        }
    }
    condition_of(schema, whole, text);
}

fn condition_of(schema: &Schema, whole: Part<'_>, text: &str) {
    let Ok(condition) = condition::parse(text) else { return };
    let place = |part: Part<'_>| Place { cell: 0, at: part.range(), node: part.node.clone() };
    let find = |span: Range<usize>| walk(whole, text, span, Start::Bare).map(place);
    if let Ok(check) = check::fit(&condition, text, &place(whole), &find) {
        let size = schema.root.size();
        if size < 4096 {
            std::hint::black_box(check.holds(&[vec![1; size as usize]]));
        }
    }
}

/// Bytes of a value, whatever they are, for people and for programs.
fn show(first: u8, bytes: &[u8]) {
    let schema = opened(&schema_of(first));
    let part = Part::whole(&schema);
    let mut image = bytes.to_vec();
    image.resize(part.node.size() as usize, 0);
    let image = match part.cell {
        Some(_) => Image::Part(image),
        None => Image::Cells(cells_of(part, &image)),
    };
    for layout in [Layout::Compact, Layout::Lines] {
        let (mut people, mut programs) = (Vec::new(), Vec::new());
        plain(&mut people, part.node, image.source(part), layout).expect("memory takes it");
        json(&mut programs, part.node, image.source(part), layout).expect("memory takes it");
        let read: Result<serde_json::Value, _> = serde_json::from_slice(&programs);
        assert!(read.is_ok(), "what is shown to programs is JSON");
        std::str::from_utf8(&people).expect("what is shown to people is text");
    }
}

/// The cells of an object whose bytes these are: as many as its schema has.
fn cells_of(part: Part<'_>, image: &[u8]) -> Vec<(u64, Vec<u8>)> {
    use cohabit::schema::Node;
    match part.node {
        Node::Struct(node) => {
            let parts = node.fields.iter().map(|field| part.inner(&field.node, field.at));
            parts.flat_map(|part| of_part(part, image)).collect()
        }
        Node::Array { of, len } => {
            let inner = |index: u64| part.inner(of, index * of.size());
            (0..*len).map(inner).flat_map(|part| of_part(part, image)).collect()
        }
        _ => Vec::new(),
    }
}

fn of_part(part: Part<'_>, image: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let Some(cell) = part.cell else { return cells_of(part, image) };
    let mut bytes: Vec<u8> =
        image.iter().copied().cycle().skip(cell as usize % 64).take(4096).collect();
    bytes.resize(part.node.size() as usize, 0);
    vec![(cell, bytes)]
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let said = [
        "x=3",
        "text=hello",
        "=5",
        "wheels[1].on=true",
        "{\"x\":1}",
        "[1,2,3]",
        "mode=On",
        "state.x",
        "hits == 5 && state.x < 3",
        "!(wheels[0].on) || mode != Off",
        "a[1][0]=[\"x\"]",
        "i=-0x7f",
        "x=1e300",
        "1.5s",
        "500ms",
        "12",
        "a.name",
        "limits[0] >= -inf",
        "journal.open",
        "w='\\u{1f600}'",
        "z=true",
    ];
    let types = TYPES.iter().map(|text| format!("\0{text}").into_bytes());
    let with = TYPES.iter().zip(said).map(|(text, said)| format!("\0{text}\n{said}").into_bytes());
    let of = |kind: u8| {
        move |(index, said): (usize, &&str)| {
            [&[kind + 8 * (index % TYPES.len()) as u8], said.as_bytes()].concat()
        }
    };
    let all = (1..8).flat_map(|kind| said.iter().enumerate().map(of(kind)));
    types.chain(with).chain(all).collect()
}

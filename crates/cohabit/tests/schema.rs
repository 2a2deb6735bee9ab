//! The schema from outside: text, fingerprint, hostile texts, differences.

use cohabit::__private::{EnumKind, Field, Kind, Plain, StructKind, Variant};
use cohabit::schema::{MAX_TEXT, Schema, difference, fingerprint};
use cohabit::{Signal, Text, plain};
use proptest::prelude::*;

#[plain]
struct MyData {
    x: i32,
    text: Text<256>,
}

#[plain]
struct Wheel {
    on: bool,
    speed: f64,
}

#[plain]
struct Car {
    id: u16,
    wheels: [Wheel; 4],
    r#type: [[u8; 3]; 2],
}

const BOARD: Kind = Kind::Struct(&StructKind {
    name: "a \"Board\"\\",
    size: 64 + 64 + 16 * 320,
    align: 64,
    appendable: false,
    fields: &[
        field("hits", 0, Kind::Atomic { of: &Kind::U64 }),
        field("state", 64, Kind::value_of::<MyData>()),
    ],
});

const fn field(name: &'static str, at: usize, kind: Kind) -> Field {
    Field { name, was: None, at, kind }
}

const MODE: Kind = Kind::Enum(&EnumKind {
    name: "Mode",
    repr: &Kind::I8,
    variants: &[Variant { name: "Off", value: -1 }, Variant { name: "On", value: 7 }],
});

/// Every other kind of plain data.
const NEWER: Kind = Kind::Struct(&StructKind {
    name: "Newer",
    size: 1024,
    align: 16,
    appendable: true,
    fields: &[
        Field { was: Some("sum"), ..field("total", 0, Kind::U128) },
        field("letter", 16, Kind::Char),
        field("mode", 20, MODE),
        field("wide", 22, Kind::WideText { len: 5 }),
        field("list", 32, Kind::List { of: &Kind::I128, len: 3 }),
        field("small", 96, Kind::List { of: &Kind::U8, len: 3 }),
    ],
});

/// Every cell, and a tail.
const PANEL: Kind = Kind::Struct(&StructKind {
    name: "Panel",
    size: 1024 + 34 * 64,
    align: 64,
    appendable: false,
    fields: &[
        field("on", 0, Kind::Flag),
        field("limits", 8, Kind::Frozen { of: &Kind::Text { len: 3 } }),
        field("raw", 16, Kind::Loose { of: &NEWER }),
        field("hits", 1040, Kind::Array { of: &Kind::Atomic { of: &Kind::I16 }, len: 3 }),
        field("sum", 1056, Kind::Mutex { of: &Kind::U128 }),
        field("odd", 1088, Kind::Mutex { of: &Kind::Text { len: 9 } }),
        field("ready", 1112, Kind::Signal(Signal::Event)),
        field("more", 1120, Kind::Signal(Signal::Condvar)),
        field("once", 1128, Kind::Signal(Signal::Once)),
        field("set", 1136, Kind::OnceCell { of: &Kind::Text { len: 3 } }),
        field("all", 1152, Kind::Signal(Signal::Barrier)),
        field("table", 1568, Kind::RwLock { of: &Kind::U128 }),
        field("few", 1840, Kind::RwLock { of: &Kind::Text { len: 9 } }),
        field("permits", 2112, Kind::Signal(Signal::Semaphore)),
        field("log", 3136, Kind::Value { copies: 0, stride: 0, of: &Kind::Tail { of: &MODE } }),
    ],
});

fn schema(kind: &Kind) -> Schema {
    Schema::of(kind, false)
}

fn parsed(text: &str) -> Result<Schema, String> {
    Schema::parse(text.as_bytes(), false).map_err(|error| error.to_string())
}

#[test]
fn the_text_is_the_one_in_the_format() {
    assert_eq!(
        schema(&Kind::value_of::<MyData>()).to_json(),
        r#"{"cell":"value","copies":16,"stride":320,"type":{"struct":"MyData","size":260,"align":4,"fields":[{"name":"x","at":0,"kind":"i32"},{"name":"text","at":4,"kind":"text","len":256}]}}"#
    );
    assert_eq!(
        schema(&Car::KIND).to_json(),
        r#"{"struct":"Car","size":80,"align":8,"fields":[{"name":"id","at":0,"kind":"u16"},{"name":"wheels","at":8,"kind":"array","len":4,"of":{"struct":"Wheel","size":16,"align":8,"fields":[{"name":"on","at":0,"kind":"bool"},{"name":"speed","at":8,"kind":"f64"}]}},{"name":"type","at":72,"kind":"array","len":2,"of":{"kind":"array","len":3,"of":{"kind":"u8"}}}]}"#
    );
    assert_eq!(
        schema(&Kind::Atomic { of: &Kind::I16 }).to_json(),
        r#"{"cell":"atomic","kind":"i16"}"#
    );
    assert_eq!(
        schema(&NEWER).to_json(),
        r#"{"struct":"Newer","size":1024,"align":16,"appendable":true,"fields":[{"name":"total","was":"sum","at":0,"kind":"u128"},{"name":"letter","at":16,"kind":"char"},{"name":"mode","at":20,"enum":"Mode","kind":"i8","variants":[{"name":"Off","value":-1},{"name":"On","value":7}]},{"name":"wide","at":22,"kind":"wide","len":5},{"name":"list","at":32,"kind":"list","len":3,"of":{"kind":"i128"}},{"name":"small","at":96,"kind":"list","len":3,"of":{"kind":"u8"}}]}"#
    );
    let panel = schema(&PANEL).to_json();
    for part in [
        r#"{"name":"on","at":0,"cell":"flag"}"#,
        r#"{"name":"limits","at":8,"cell":"frozen","type":{"kind":"text","len":3}}"#,
        r#"{"name":"raw","at":16,"cell":"loose","type":{"struct":"#,
        r#"{"name":"sum","at":1056,"cell":"mutex","type":{"kind":"u128"}}"#,
        r#"{"name":"odd","at":1088,"cell":"mutex","type":{"kind":"text","len":9}}"#,
        r#"{"name":"ready","at":1112,"cell":"event"}"#,
        r#"{"name":"more","at":1120,"cell":"condvar"}"#,
        r#"{"name":"once","at":1128,"cell":"once"}"#,
        r#"{"name":"set","at":1136,"cell":"oncecell","type":{"kind":"text","len":3}}"#,
        r#"{"name":"all","at":1152,"cell":"barrier"}"#,
        r#"{"name":"table","at":1568,"cell":"rwlock","type":{"kind":"u128"}}"#,
        r#"{"name":"few","at":1840,"cell":"rwlock","type":{"kind":"text","len":9}}"#,
        r#"{"name":"permits","at":2112,"cell":"semaphore"}"#,
        r#"{"name":"log","at":3136,"cell":"value","copies":0,"stride":0,"type":{"kind":"tail","of":{"enum":"#,
    ] {
        assert!(panel.contains(part), "{panel}");
    }
}

#[test]
fn a_tail_becomes_an_array_of_the_length_in_the_header() {
    let open = schema(&PANEL);
    assert_eq!(open.root.size(), 3200);
    let whole = open.resolved(1000).unwrap();
    let log = &whole.root;
    let cohabit::schema::Node::Struct(panel) = log else { panic!("{log:?}") };
    let log = &panel.fields[14].node;
    assert_eq!((log.size(), whole.root.size()), (64 + 4 * 1024, 3136 + 64 + 4 * 1024));
    assert_eq!(parsed(&whole.to_json()).unwrap(), whole);
    assert!(open.resolved(0).unwrap_err().to_string().contains("no length for it"));
    assert!(open.resolved(u64::MAX).unwrap_err().to_string().contains("too large"));
    assert!(schema(&BOARD).resolved(1).unwrap_err().to_string().contains("has no tail"));
    let bytes = parsed(r#"{"kind":"tail","of":{"cell":"atomic","kind":"u8"}}"#).unwrap();
    assert_eq!(bytes.resolved(1 << 40).unwrap().root.size(), 1 << 40);
    let alone = r#"{"struct":"S","size":0,"align":8,"fields":[{"name":"a","at":0,"kind":"tail","of":{"cell":"atomic","kind":"u64"}}]}"#;
    assert_eq!(parsed(alone).unwrap().resolved(3).unwrap().root.size(), 24);
}

#[test]
fn a_renamed_field_counts_by_its_first_name() {
    let old = schema(&NEWER).to_json().replace(r#""total","was":"sum""#, r#""sum""#);
    let (old, new) = (parsed(&old).unwrap(), schema(&NEWER));
    assert_eq!(old.fingerprint(), new.fingerprint());
    assert_eq!(difference(&old, &new), [""; 0]);
    assert_eq!(difference(&new, &old), [""; 0]);
}

#[test]
fn a_text_is_read_back() {
    for kind in [
        Kind::value_of::<MyData>(),
        Car::KIND,
        BOARD,
        Kind::value_of::<[Car; 2]>(),
        NEWER,
        PANEL,
        Kind::Value { copies: 4, stride: 1088, of: &NEWER },
    ] {
        let schema = schema(&kind);
        let again = parsed(&schema.to_json()).unwrap();
        assert_eq!(again, schema);
        assert_eq!(again.to_json(), schema.to_json());
        assert_eq!(again.fingerprint(), fingerprint(&kind, false));
        assert_eq!(
            (again.root.size(), again.root.align()),
            (kind.size() as u64, kind.align() as u64)
        );
    }
}

#[test]
fn names_of_types_are_labels() {
    const MINE: [u8; 16] = fingerprint(&MyData::KIND, false);
    let mut renamed = schema(&MyData::KIND).to_json().replace("MyData", "Other");
    assert_eq!(parsed(&renamed).unwrap().fingerprint(), MINE);
    assert_eq!(difference(&parsed(&renamed).unwrap(), &schema(&MyData::KIND)), [""; 0]);
    renamed = renamed.replace("text\",\"at", "note\",\"at");
    assert_ne!(parsed(&renamed).unwrap().fingerprint(), MINE);
    assert_ne!(fingerprint(&MyData::KIND, true), MINE);
}

/// Each text is refused, at a place that ends so, with words that contain these.
fn assert_refused<S: AsRef<str>>(cases: &[(S, &str, &str)]) {
    for (text, place, problem) in cases {
        let text = text.as_ref();
        let error = Schema::parse(text.as_bytes(), false).unwrap_err();
        let here = error.place().ends_with(place) && error.place().is_empty() == place.is_empty();
        assert!(here, "{text:.80}: {error}");
        assert!(error.to_string().contains(problem), "{text:.80}: {error}");
    }
}

#[test]
fn what_is_not_canonical_is_refused() {
    assert_refused(&[
        ("", "", "it is not JSON"),
        ("[]", "", "expected an object, found a list"),
        ("{}", "", "one of the members"),
        (&"[".repeat(5000), "", "it is not JSON"),
        (r#"{"kind":"u8","kind":"u8"}"#, "", "not the canonical text from byte 12"),
        (r#"{"kind": "u8"}"#, "", "not the canonical text from byte 8"),
        (r#"{"kind":"u8"}x"#, "", "it is not JSON"),
        (r#"{"kind":"\u0075u8"}"#, "kind", "`uu8` is not known"),
        (r#"{"kind":"u7"}"#, "kind", "`u7` is not known"),
        (r#"{"kind":7}"#, "kind", "expected a string, found `7`"),
        (r#"{"kind":"u8","len":1}"#, "", "unknown member `len`"),
        (&" ".repeat(MAX_TEXT + 1), "", "at most 1048576 bytes"),
    ]);
    assert!(Schema::parse(b"{\"kind\":\"\xFF\"}", false).is_err());
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let array = |len: u64| format!(r#"{{"kind":"array","len":{len},"of":{{"kind":"u64"}}}}"#);
    let (open, close) = (r#"{"kind":"array","len":1,"of":"#, "}");
    let deep = format!(r#"{}{{"kind":"u8"}}{}"#, open.repeat(32), close.repeat(32));
    let value = |copies: u64, stride: u64, of: &str| {
        format!(r#"{{"cell":"value","copies":{copies},"stride":{stride},"type":{of}}}"#)
    };
    let byte = r#"{"kind":"u8"}"#;
    assert_refused(&[
        (r#"{"kind":"text"}"#, "len", "found nothing"),
        (r#"{"kind":"text","len":0}"#, "len", "found `0`"),
        (r#"{"kind":"text","len":-1}"#, "len", "found `-1`"),
        (r#"{"kind":"text","len":1e3}"#, "len", "expected a number"),
        (&array(u64::MAX), "len", "expected a number"),
        (&array(1 << 45), "len", "are too large"),
        (r#"{"kind":"array","len":2,"of":{"kind":"x"}}"#, "of.kind", "`x` is not known"),
        (&deep, "of", "at most 32 levels"),
        (r#"{"cell":"atomic","kind":"f32"}"#, "kind", "expected an integer"),
        (r#"{"cell":"lock"}"#, "cell", "`lock` is not known"),
        (r#"{"kind":"wide","len":0}"#, "len", "found `0`"),
        (r#"{"kind":"list","len":4294967296,"of":{"kind":"u8"}}"#, "len", "at most 4294967295"),
        (r#"{"kind":"list","len":1,"of":{"cell":"flag"}}"#, "of", "a cell or an atomic"),
        (r#"{"kind":"array","len":1,"of":{"kind":"tail","of":{"kind":"u8"}}}"#, "of", "last"),
        (r#"{"cell":"loose","type":{"kind":"tail","of":{"kind":"u8"}}}"#, "type", "last"),
        (r#"{"cell":"frozen","type":{"cell":"flag"}}"#, "type", "a cell or an atomic"),
        (r#"{"cell":"mutex","type":{"cell":"flag"}}"#, "type", "a cell or an atomic"),
        (r#"{"cell":"mutex"}"#, "type", "found nothing"),
        (r#"{"cell":"atomic","kind":"u128"}"#, "kind", "at most 64 bits, found u128"),
        (&value(1, 0, r#"{"kind":"tail","of":{"kind":"u8"}}"#), "copies", "from 0 to 0"),
        (&value(2, 64, byte), "copies", "from 3 to 16"),
        (&value(17, 64, byte), "copies", "from 3 to 16"),
        (&value(4, 128, byte), "stride", "expected 64 for 1 bytes, found 128"),
        (&value(4, 64, &value(4, 64, byte)), "type", "a cell or an atomic"),
    ]);
}

#[test]
fn structs_that_cannot_be_are_refused() {
    let of = |size: u64, align: u64, fields: &str| {
        format!(r#"{{"struct":"S","size":{size},"align":{align},"fields":[{fields}]}}"#)
    };
    let field = |rest: &str| of(8, 4, &format!(r#"{{"name":"a","at":0,"kind":"u32"}},{rest}"#));
    assert_refused(&[
        (field(r#"{"name":"b","at":2,"kind":"u16"}"#), "fields[1].at", "expected 4 or more"),
        (field(r#"{"name":"b","at":5,"kind":"u16"}"#), "fields[1].at", "a multiple of 2"),
        (field(r#"{"name":"b","at":8,"kind":"u8"}"#), "fields[1].at", "ends at byte 9"),
        (field(r#"{"name":"b","at":8,"kind":"u64"}"#), "fields[1].at", "aligned to 8"),
        (field(r#"{"name":"a","at":4,"kind":"u8"}"#), "fields[1].name", "another field `a`"),
        (field(r#"{"name":"","at":4,"kind":"u8"}"#), "fields[1].name", "can be printed"),
        (field(r#"{"name":"\u001b","at":4,"kind":"u8"}"#), "fields[1].name", "`\\u{1b}`"),
        (field(r#"{"at":4,"kind":"u8"}"#), "fields[1].name", "found nothing"),
        (field("7"), "fields[1]", "expected an object"),
        (field(r#"{"name":"b","was":"a","at":4,"kind":"u8"}"#), "fields[1].name", "another field"),
        (field(r#"{"name":"b","was":7,"at":4,"kind":"u8"}"#), "fields[1].was", "a string"),
        (
            of(
                8,
                4,
                r#"{"name":"t","at":0,"kind":"tail","of":{"kind":"u8"}},{"name":"b","at":4,"kind":"u8"}"#,
            ),
            "fields[0]",
            "last thing",
        ),
        (
            of(8, 4, r#"{"name":"a","at":0,"kind":"u8"}"#)
                .replace(",\"fields", ",\"appendable\":false,\"fields"),
            "appendable",
            "expected true",
        ),
        (of(1, 1, ""), "fields", "at least one field"),
        (of(6, 4, ""), "align", "that divides 6"),
        (of(3, 3, ""), "align", "a power of two"),
        (of(0, 1, ""), "fields", "at least one field"),
        (of(0, 1, r#"{"name":"a","at":0,"kind":"u8"}"#), "fields[0].at", "ends at byte 1"),
    ]);
}

#[test]
fn enums_that_cannot_be_are_refused() {
    let of = |kind: &str, variants: &str| {
        format!(r#"{{"enum":"E","kind":"{kind}","variants":[{variants}]}}"#)
    };
    let off = r#"{"name":"Off","value":0}"#;
    assert_refused(&[
        (of("u8", ""), "variants", "at least one variant"),
        (of("f32", off), "kind", "expected an integer"),
        (of("u8", r#"{"name":"A","value":256}"#), "variants[0].value", "from 0 to 255"),
        (of("i8", r#"{"name":"A","value":-129}"#), "variants[0].value", "from -128 to 127"),
        (of("u8", r#"{"name":"A","value":1.5}"#), "variants[0].value", "from 0 to 255"),
        (of("u8", &format!("{off},{off}")), "variants[1]", "another variant"),
        (of("u8", r#"{"name":"","value":1}"#), "variants[0].name", "can be printed"),
    ]);
    assert!(parsed(&of("u64", r#"{"name":"A","value":18446744073709551615}"#)).is_ok());
}

#[test]
fn differences_of_enums_name_the_variants() {
    let mine = schema(&MODE).to_json();
    let other = mine.replace(r#"{"name":"On","value":7}"#, r#"{"name":"On","value":8}"#);
    assert_eq!(
        lines(&mine, &other),
        ["the type: `On = 7` only here", "the type: `On = 8` only in the object"]
    );
}

proptest! {
    #[test]
    fn damaged_texts_never_panic(at in 0usize..400, byte in any::<u8>(), cut in 0usize..400) {
        let root = if at % 2 == 0 { BOARD } else { PANEL };
        let mut text = schema(&root).to_json().into_bytes();
        let at = at % text.len();
        text[at] = byte;
        if let Ok(schema) = Schema::parse(&text, false) {
            let again = schema.to_json();
            prop_assert_eq!(again.as_bytes(), &text[..]);
            let _ = difference(&schema, &self::schema(&BOARD));
            let _ = schema.resolved(9);
        }
        text.truncate(cut % text.len());
        prop_assert!(Schema::parse(&text, false).is_err());
    }
}

fn lines(mine: &str, other: &str) -> Vec<String> {
    difference(&parsed(mine).unwrap(), &parsed(other).unwrap())
}

fn engine(size: u64, fields: &str) -> String {
    format!(r#"{{"struct":"Engine","size":{size},"align":8,"fields":[{fields}]}}"#)
}

const ID: &str = r#"{"name":"id","at":0,"kind":"u64"}"#;

#[test]
fn differences_name_the_fields() {
    let mine = engine(
        24,
        &format!(
            r#"{ID},{{"name":"load","at":8,"kind":"f32"}},{{"name":"rpm","at":12,"kind":"f32"}},{{"name":"text","at":16,"kind":"text","len":8}}"#
        ),
    );
    let other = engine(
        24,
        &format!(
            r#"{ID},{{"name":"power","at":8,"kind":"f32"}},{{"name":"rpm","at":16,"kind":"f64"}}"#
        ),
    );
    assert_eq!(
        lines(&mine, &other),
        [
            "field `load`: the object calls it `power` (f32 at 8; if it is the same, say #[plain(was = \"power\")])",
            "field `rpm`: mine f32 at 12, the object's f64 at 16",
            "field `text`: only here (Text<8> at 16)",
        ]
    );
    let old = engine(8, ID);
    let new = engine(16, &format!(r#"{ID},{{"name":"on","at":8,"kind":"bool"}}"#));
    assert_eq!(lines(&old, &new), ["field `on`: only in the object (bool at 8, appended)"]);
    assert_eq!(lines(&new, &old), ["field `on`: only here (bool at 8, appended)"]);
    let larger = old.replace("\"size\":8", "\"size\":16");
    assert_eq!(
        lines(&old, &larger),
        ["the type: size 8 and alignment 8 here, 16 and 8 in the object"]
    );
}

#[test]
fn differences_go_into_structs_arrays_and_cells() {
    let car = schema(&Kind::value_of::<Car>()).to_json();
    let fast = car.replace(r#""speed","at":8,"kind":"f64""#, r#""speed","at":8,"kind":"u64""#);
    assert_eq!(
        lines(&car, &fast),
        ["field `wheels[].speed`: mine f64 at 8, the object's u64 at 8"]
    );
    let few = car.replace("\"copies\":16", "\"copies\":4");
    assert_eq!(
        lines(&car, &few),
        ["the type: only the copies differ: mine 16 at a distance of 128 bytes, \
          the object's 4 at 128"]
    );
    assert_eq!(
        lines(&car, r#"{"cell":"atomic","kind":"u64"}"#),
        ["the type: mine is a Value of struct Car, the object's is an atomic u64"]
    );
    let longer =
        car.replace(r#""at":72,"kind":"array","len":2"#, r#""at":72,"kind":"array","len":1"#);
    assert_eq!(
        lines(&car, &longer),
        ["field `type`: mine [[u8; 3]; 2] at 72, the object's [[u8; 3]; 1] at 72"]
    );
    let (mine, mut other) = (schema(&BOARD), schema(&BOARD));
    other.has_end = true;
    assert_eq!(difference(&mine, &other), ["destructor: my type has none, the object's has one"]);
}

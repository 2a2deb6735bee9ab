//! The schema from outside: text, fingerprint, hostile texts, differences.

use cohabit::__private::{Field, Kind, Plain, StructKind};
use cohabit::schema::{MAX_TEXT, Schema, difference, fingerprint};
use cohabit::{Text, plain};
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
    fields: &[
        Field { name: "hits", at: 0, kind: Kind::Atomic { of: &Kind::U64 } },
        Field { name: "state", at: 64, kind: Kind::value_of::<MyData>() },
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
}

#[test]
fn a_text_is_read_back() {
    for kind in [Kind::value_of::<MyData>(), Car::KIND, BOARD, Kind::value_of::<[Car; 2]>()] {
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
        (of(1, 1, ""), "fields", "at least one field"),
        (of(6, 4, ""), "align", "that divides 6"),
        (of(3, 3, ""), "align", "a power of two"),
        (of(0, 1, ""), "size", "from 1 to"),
    ]);
}

proptest! {
    #[test]
    fn damaged_texts_never_panic(at in 0usize..400, byte in any::<u8>(), cut in 0usize..400) {
        let mut text = schema(&BOARD).to_json().into_bytes();
        let at = at % text.len();
        text[at] = byte;
        if let Ok(schema) = Schema::parse(&text, false) {
            let again = schema.to_json();
            prop_assert_eq!(again.as_bytes(), &text[..]);
            let _ = difference(&schema, &self::schema(&BOARD));
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
            "field `load`: the object calls it `power` (f32 at 8)",
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

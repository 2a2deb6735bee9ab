//! `diff`: what is said of two types, and the exit codes.

use std::fs;

use cohabit::{Text, Value, plain};
use serde_json::{Value as Json, json};

use crate::support::Place;

#[plain]
#[derive(Clone, Debug, Default)]
struct Old {
    rpm: u32,
    level: f32,
    name: Text<8>,
}

fn old(place: &Place) -> cohabit::SharedValue<Old> {
    place.options::<Value<Old>>().create("old", Old::default).unwrap()
}

#[test]
fn an_object_is_compared_with_a_type() {
    let place = Place::new();
    let _old = old(&place);
    let same = place.run(&["diff", "old", "--type", "rpm: u32, level: f32, name: Text<8>"]);
    assert_eq!(same.fine(), "");
    let ran = place.run(&["diff", "old", "--type", "speed: u32, level: f64, name: Text<8>"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    assert_eq!(
        ran.out,
        "mine is the type that was given, the object is `old`\n\
         field `speed`: the object calls it `rpm` (u32 at 0; if it is the same, say #[plain(was = \"rpm\")])\n\
         field `level`: mine f64 at 8, the object's f32 at 4\n\
         field `name`: mine Text<8> at 16, the object's at 8\n"
    );
}

#[test]
fn two_objects_are_compared() {
    let place = Place::new();
    let _old = old(&place);
    let _data = place.sample("data");
    let ran = place.run(&["diff", "old", "data"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.starts_with("mine is `data`, the object is `old`\n"), "{}", ran.out);
    assert!(ran.out.contains("field `rpm`: only in the object (u32 at 0)"), "{}", ran.out);
    let ran = place.run(&["diff", "old", "data", "--json"]);
    let json: Json = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &json["same"]), (Some(1), &json!(false)));
    assert!(json["differences"].as_array().unwrap().len() > 3);
    assert_eq!(place.run(&["diff", "old", "old"]).fine(), "");
}

#[test]
fn a_schema_in_a_file_is_compared() {
    let place = Place::new();
    let _old = old(&place);
    let file = place.folder.join(".schema.json");
    fs::write(&file, place.run(&["schema", "old", "--json"]).fine()).unwrap();
    let path = file.to_str().unwrap();
    assert_eq!(place.run(&["diff", "old", "--file", path]).fine(), "");
    fs::write(&file, "{\"kind\":\"u32\"}").unwrap();
    assert_eq!(place.run(&["diff", "old", "--file", path]).code, Some(1));
    fs::write(&file, "nonsense").unwrap();
    let err = place.run(&["diff", "old", "--file", path]).failed(2);
    assert!(err.contains(".schema.json: the schema is not valid"), "{err}");
    fs::remove_file(&file).unwrap();
    place.run(&["diff", "old", "--file", path]).failed(2);
}

#[test]
fn what_cannot_be_compared_is_2_or_more() {
    let place = Place::new();
    let _old = old(&place);
    place.run(&["diff", "old"]).failed(2);
    place.run(&["diff", "old", "nix"]).failed(3);
    place.run(&["diff", "nix", "old"]).failed(3);
    place.run(&["diff", "old", "old", "--type", "u8"]).failed(2);
    let err = place.run(&["diff", "old", "--type", "rpm: int"]).failed(2);
    assert_eq!(err, "error: there is no type `int`: use i32\n  rpm: int\n       ^^^\n");
}

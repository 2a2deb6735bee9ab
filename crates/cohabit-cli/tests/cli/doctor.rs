//! `doctor`: what it finds on this machine, and how it ends.

use std::fs;
#[cfg(unix)]
use std::process::Command;

use serde_json::Value as Json;

#[cfg(unix)]
use crate::support::open_to_all;
use crate::support::{Place, Ran};

fn checks(ran: &Ran) -> Vec<(String, String, String)> {
    let found: Json = serde_json::from_str(&ran.out).unwrap();
    let text = |check: &Json, member: &str| check[member].as_str().unwrap().to_owned();
    let checks = found["checks"].as_array().unwrap();
    checks.iter().map(|c| (text(c, "check"), text(c, "level"), text(c, "text"))).collect()
}

#[track_caller]
fn level_of<'a>(checks: &'a [(String, String, String)], name: &str) -> (&'a str, &'a str) {
    let found = checks.iter().find(|(check, ..)| check == name);
    let (_, level, text) = found.unwrap_or_else(|| panic!("no check {name}: {checks:?}"));
    (level, text)
}

#[test]
fn a_place_where_objects_live_is_fit() {
    let place = Place::new();
    let _data = place.sample("data");
    let ran = place.run(&["doctor", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    let checks = checks(&ran);
    for name in ["folder", "kernel", "liveness", "objects"] {
        assert_eq!(level_of(&checks, name).0, "ok", "{name}");
    }
    assert_eq!(level_of(&checks, "objects").1, "1 in use or kept");
    let text = place.run(&["doctor"]).fine();
    assert!(text.starts_with("ok    place        "), "{text}");
    assert_eq!(place.files(), ["data"]);
}

#[test]
fn a_user_scope_without_a_folder_is_fit_and_none_is_made() {
    let place = Place::new();
    let ran = Ran::of(&mut place.command_in_user_scope(&["doctor", "--json"]));
    assert_eq!(ran.code, Some(0), "{}", ran.out);
    let checks = checks(&ran);
    assert_eq!(level_of(&checks, "folder").1, "not made yet: the first object makes it");
    assert!(level_of(&checks, "place").1.ends_with(", by COHABIT_DIR"));
    assert_eq!(place.files(), [""; 0]);
}

#[test]
#[cfg(unix)]
fn an_unsafe_folder_is_exit_code_7() {
    let place = Place::new();
    open_to_all(&place.folder);
    let ran = place.run(&["doctor", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(7), "error: 1 check is bad\n"));
    let checks_of_folder = checks(&ran);
    let (level, text) = level_of(&checks_of_folder, "folder");
    assert!(level == "bad" && text.ends_with("[folder-unsafe]"), "{text}");
    // As the root of users' folders, it lets anybody put another one in a folder's place.
    let ran = Ran::of(&mut place.command_in_user_scope(&["doctor", "--json"]));
    assert_eq!(ran.code, Some(7));
    let text = checks(&ran);
    assert!(level_of(&text, "folder").1.starts_with("anybody may remove your folder"));
}

#[test]
#[cfg(unix)]
fn few_descriptors_are_exit_code_7() {
    let place = Place::new();
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 20 && exec \"$0\" doctor --folder \"$1\""]);
    shell.arg(env!("CARGO_BIN_EXE_cohabit")).arg(&place.folder);
    let ran = Ran::of(&mut shell);
    assert_eq!(ran.code, Some(7));
    assert!(ran.out.contains("\nbad   descriptors  at most 20\n"), "{}", ran.out);
    assert!(ran.out.contains("ulimit -n 4096"), "{}", ran.out);
}

#[test]
fn what_lies_about_is_a_warning() {
    let place = Place::new();
    let mut keeper = place.keeper("orphan");
    keeper.kill();
    fs::write(place.folder.join("note"), "not an object").unwrap();
    let ran = place.run(&["doctor", "--json"]);
    assert_eq!(ran.code, Some(0));
    let checks = checks(&ran);
    if place.is_left_behind("orphan") {
        let stale = ("warn", "1 that nobody can use any more: orphan");
        assert_eq!(level_of(&checks, "stale"), stale);
    }
    assert_eq!(level_of(&checks, "unreadable"), ("warn", "1 that cannot be read: note"));
}

#[test]
fn another_users_folder_is_told_of() {
    let place = Place::new();
    let squat = place.folder.join("cohabit-4000123");
    fs::create_dir(&squat).unwrap();
    let ran = Ran::of(&mut place.command_in_user_scope(&["doctor", "--json"]));
    let checks = checks(&ran);
    let (level, text) = level_of(&checks, "squatting");
    assert!(level == "warn" && text.starts_with("cohabit-4000123 belongs to "), "{text}");
}

//! Older and newer programs together: what each sees, and what stays.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use cohabit::untyped::Untyped;
use cohabit::{Appended, Shared, SharedValue, Value, shareable};

use crate::forms::{Form, NAME, New, Old};
use crate::support::{Peer, World, keeps_what_nobody_uses};

const ALL_WRITES: [&str; 5] = ["set", "try_set", "set_from", "set_part", "update"];

#[test]
fn a_newer_program_opens_an_older_object() {
    let world = World::new();
    let (mut old, mut new) = (world.child("old"), world.child("new"));
    old.expect("create 7", "ok");
    new.expect("open", "ok");
    let missing = "ok New { rpm: 7, small: 7, odd: 0, torque: 0.0, limit: None }";
    for verb in ["get", "boxed", "into"] {
        new.expect(verb, missing);
    }
    assert_eq!((new.ask("part"), new.ask("pin")), ("ok 7".into(), "ok 7".into()));
    new.expect("set 5", "ok 2");
    old.expect("get", "ok Old { rpm: 5, small: 5 }");
    new.expect("get", "ok New { rpm: 5, small: 5, odd: 5, torque: 5.0, limit: Some(5) }");
    for child in [&mut old, &mut new] {
        child.say("leave");
    }
    old.finish();
    new.finish();
}

/// However an older program writes, what it does not know stays.
#[test]
fn an_older_program_keeps_what_it_does_not_know() {
    for creator in ["old", "new", "newest"] {
        let world = World::new();
        let mut maker = world.child(creator);
        maker.expect("create 1", "ok");
        let [mut old, mut new, mut newest] = ["old", "new", "newest"].map(|role| world.child(role));
        for child in [&mut old, &mut new, &mut newest] {
            child.expect("open", "ok");
        }
        newest.expect("set 300", "ok");
        for (number, verb) in (400..).zip(ALL_WRITES) {
            old.expect(format!("{verb} {number}"), "ok");
            let small =
                if verb == "set_part" { "146".to_owned() } else { (number as u8).to_string() };
            let seen = newest.ask("get");
            if verb != "set_part" {
                let known =
                    format!("ok Newest {{ rpm: {number}, tiny: {small}, odd: 44, torque: 300.0, ");
                assert!(seen.starts_with(&known), "{creator} {verb}: {seen}");
            }
            let rest = "limit: Some(300), name: \"300\", history: [300, 2], sum: 300 }";
            assert!(seen.ends_with(rest), "{creator} {verb}: {seen}");
            assert!(seen.contains(&format!("rpm: {number}")), "{creator} {verb}: {seen}");
        }
        for (number, verb) in (500..).zip(ALL_WRITES) {
            new.expect(format!("{verb} {number}"), "ok");
            let seen = newest.ask("get");
            assert!(seen.contains(&format!("rpm: {number}")), "{creator} {verb}: {seen}");
            assert!(seen.ends_with("name: \"300\", history: [300, 2], sum: 300 }"), "{seen}");
        }
        for mut child in [maker, old, new, newest] {
            child.say("leave");
            child.finish();
        }
        world.assert_empty();
    }
}

/// An object outlives the program that made it, and newer fields outlive the newer programs.
#[test]
fn values_that_newer_programs_left_are_there_when_they_come_back() {
    if !keeps_what_nobody_uses() {
        return;
    }
    let world = World::new();
    let mut old = world.child("old");
    old.expect("keep 7", "ok");
    let mut new = world.child("new");
    new.expect("open_or_create 1", "ok");
    new.expect("update 5", "ok");
    new.say("leave");
    new.finish();
    old.expect("update 6", "ok");
    old.say("leave");
    old.finish();
    let mut new = world.child("new");
    new.expect("open", "ok");
    new.expect("get", "ok New { rpm: 6, small: 6, odd: 5, torque: 5.0, limit: Some(5) }");
    new.say("leave");
    new.finish();
    cohabit::remove(&world.scope(), NAME, false).expect("nobody uses it");
}

#[test]
fn views_see_the_fields_that_they_know() {
    let world = World::new();
    let mut maker = world.child("new");
    maker.expect("create 9", "ok");
    let mut views = ["old", "new", "newest"].map(|role| world.child(role));
    for view in &mut views {
        view.expect("view", "ok");
    }
    let [old, new, newest] = views.each_mut().map(|view| view.ask("view_get"));
    assert_eq!(old, "ok Old { rpm: 9, small: 9 }");
    assert_eq!(new, "ok New { rpm: 9, small: 9, odd: 9, torque: 9.0, limit: Some(9) }");
    assert!(newest.ends_with("limit: Some(9), name: \"\", history: [], sum: 0 }"), "{newest}");
    // Who knows it by its schema sees what its maker knew, and keeps the rest.
    let object = Untyped::open(NAME, &world.scope()).expect("the object");
    assert!(object.schema().to_json().contains("\"limit\""), "the maker's schema");
    assert!(!object.schema().to_json().contains("\"history\""), "the maker's schema");
    let mut newest = world.child("newest");
    newest.expect("open", "ok");
    newest.expect("set 300", "ok");
    let changed = object.update(std::time::Duration::from_secs(100), |bytes| {
        assert_eq!(bytes.len(), 128, "the whole room");
        bytes[0] = 1;
        Ok::<_, ()>(())
    });
    changed.expect("a commit").expect("it changes");
    let seen = newest.ask("get");
    assert!(seen.starts_with("ok Newest { rpm: 257,"), "{seen}");
    assert!(seen.ends_with("name: \"300\", history: [300, 2], sum: 300 }"), "{seen}");
    drop(object);
    for mut child in views.into_iter().chain([maker, newest]) {
        child.say("leave");
        child.finish();
    }
    world.assert_empty();
}

#[test]
fn large_structs_grow_as_well() {
    let world = World::new();
    let (mut old, mut new) = (world.child("large-old"), world.child("large-new"));
    old.expect("create 7", "ok");
    new.expect("open", "ok");
    assert_eq!(new.ask("get"), "ok 7 7 0");
    new.expect("update 5", "ok");
    for (number, verb) in (30..).zip(ALL_WRITES) {
        old.expect(format!("{verb} {number}"), "ok");
        let seen = new.ask("boxed");
        assert!(
            seen.starts_with(&format!("ok {number} ")) && seen.ends_with(" 5"),
            "{verb}: {seen}"
        );
    }
    for mut child in [old, new] {
        child.say("leave");
        child.finish();
    }
}

macro_rules! boards {
    ($($name:ident { $($field:ident: $ty:ty),* })*) => {$(
        #[shareable]
        #[derive(Debug)]
        pub(crate) struct $name { $($field: $ty),* }
    )*};
}

boards! {
    OldBoard { hits: AtomicU64, status: Value<Old>, many: [Value<Old>; 2] }
    NewBoard { hits: AtomicU64, status: Value<New>, many: [Value<New>; 2] }
    OtherBoard { hits: AtomicU64, status: Value<New>, many: [Value<u32>; 2] }
    FrozenBoard { hits: AtomicU64, status: Value<New> }
}

/// Values that grow may be parts of an object.
pub(crate) fn parts(_peer: &mut Peer) {
    let of = |number| Value::new(Old::of(number));
    let build = || OldBoard { hits: AtomicU64::new(0), status: of(1), many: [of(2), of(3)] };
    let old = Shared::<OldBoard>::create(NAME, build).expect("an object");
    let new = Shared::<NewBoard>::open(NAME).expect("the same");
    new.many[1].set(New::of(300)).expect("a set");
    new.hits.fetch_add(1, Relaxed);
    old.many[1].update(|old| old.rpm = 5).expect("an update");
    assert_eq!(new.many[1].get().expect("a value"), New { rpm: 5, ..New::of(300) });
    assert_eq!(new.status.get().expect("a value").limit, Appended::NONE);
    assert_eq!(old.hits.load(Relaxed), 1);
    for error in [
        Shared::<OtherBoard>::open(NAME).map(drop).expect_err("another type"),
        Shared::<FrozenBoard>::open(NAME).map(drop).expect_err("another type"),
    ] {
        assert_eq!(error.code(), "type-mismatch", "{error}");
    }
}

#[test]
fn parts_of_an_object_may_grow() {
    World::new().run("parts", &[]);
}

/// One process may have both forms: they share its attachment.
pub(crate) fn both(_peer: &mut Peer) {
    let old = SharedValue::<Old>::create(NAME, || Old { rpm: 1, small: 2 }).expect("an object");
    let new = SharedValue::<New>::open(NAME).expect("the same");
    let limit = Appended::new(5);
    let value = New { rpm: 3, small: 4, odd: 5, torque: 0.5, limit };
    new.set(value).expect("a set");
    old.update(|old| old.rpm += 1).expect("an update");
    assert_eq!(new.get().expect("a value"), New { rpm: 4, small: 4, odd: 5, torque: 0.5, limit });
    assert_eq!(old.users().expect("a list").len(), 1);
    assert_eq!(old.get().expect("a value"), Old { rpm: 4, small: 4 });
}

#[test]
fn one_process_may_have_both_forms() {
    World::new().run("both", &[]);
}

//! What has not grown at its end is another type.

use std::sync::atomic::AtomicU64;

use cohabit::{ErrorKind, Shared, SharedValue, Text, Value, plain, shareable};

use crate::forms::{Form, NAME, New, Newest, Old};
use crate::support::{World, raw};

macro_rules! others {
    ($($name:ident ($($arguments:tt)*) { $($field:ident: $ty:ty),* })*) => {$(
        #[plain($($arguments)*)]
        #[derive(Debug)]
        #[allow(dead_code, reason = "only its type counts")]
        struct $name { $($field: $ty),* }
    )*};
}

others! {
    Inserted (appendable = 128) { rpm: u32, torque: f64, small: u8 }
    Retyped (appendable = 128) { rpm: i32, small: u8 }
    Renamed (appendable = 128) { rpm: u32, tiny: u8, odd: u8 }
    Shorter (appendable = 128) { rpm: u32 }
    Roomier (appendable = 256) { rpm: u32, small: u8 }
    Odd (appendable = 128) { rpm: u32, small: u8, odd: u8 }
    Diverged (appendable = 128) { rpm: u32, small: u8, odd: u8, level: f32 }
    Fixed () { rpm: u32, small: u8, rest: Text<120> }
}

macro_rules! boards {
    ($($name:ident: $of:ty;)*) => {$(
        #[shareable]
        #[derive(Debug)]
        struct $name { hits: AtomicU64, many: [Value<$of>; 2] }
    )*};
}

boards! {
    OldBoard: Old;
    NewBoard: New;
    DivergedBoard: Diverged;
}

macro_rules! pairs {
    ($($name:ident { $first:ty, $last:ty })*) => {$(
        #[shareable]
        #[derive(Debug)]
        struct $name { first: Value<$first>, last: Value<$last> }
    )*};
}

pairs! {
    OldPair { Old, Old }
    HalfPair { Old, New }
    DivergedPair { Diverged, Diverged }
    NewPair { New, New }
}

/// Opens the object as another type, by each way in.
fn refused<T: cohabit::Plain>(world: &World, words: &[&str]) {
    let options = || SharedValue::<T>::options().scope(world.scope());
    let errors = [
        options().open(NAME).map(drop).expect_err("another type"),
        options().open_read_only(NAME).map(drop).expect_err("another type"),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::TypeMismatch, "{error}");
        for word in words {
            assert!(error.to_string().contains(word), "{word:?} is missing: {error}");
        }
    }
}

#[test]
fn anything_but_appended_fields_is_refused() {
    let world = World::new();
    let old = SharedValue::<Old>::options().scope(world.scope());
    let old = old.create(NAME, || Old::of(7)).expect("an object");
    let rule = "fields can only be appended, with the same room on both sides";
    refused::<Inserted>(&world, &["field `torque`: only here (f64 at 8", rule]);
    refused::<Retyped>(&world, &["field `rpm`: mine i32 at 0, the object's u32 at 0", rule]);
    refused::<Renamed>(&world, &["field `tiny`: the object calls it `small`", rule]);
    refused::<Roomier>(&world, &["size 256", "128", rule]);
    refused::<Fixed>(&world, &["rest"]);
    refused::<u32>(&world, &["mine is u32"]);
    assert_eq!(old.get().expect("untouched"), Old::of(7));
}

#[test]
fn a_newer_object_refuses_what_does_not_begin_it() {
    let world = World::new();
    let newest = SharedValue::<Newest>::options().scope(world.scope());
    let newest = newest.create(NAME, || Newest::of(300)).expect("an object");
    refused::<Inserted>(&world, &["field `small`: mine u8 at 16, the object's at 4"]);
    refused::<Renamed>(&world, &["tiny"]);
    let shorter = SharedValue::<Shorter>::options().scope(world.scope()).open(NAME);
    assert_eq!(shorter.expect("it begins it").get().expect("a value").rpm, 300);
    let new = SharedValue::<New>::options().scope(world.scope()).open(NAME).expect("it begins it");
    assert_eq!(new.get().expect("a value").rpm, 300);
    assert_eq!(newest.get().expect("untouched"), Newest::of(300));
}

/// Two programs append different fields to one older struct: the one that comes first is right, for as
/// long as the object lives, since what it wrote is there.
#[test]
fn programs_that_append_different_fields_refuse_each_other() {
    let world = World::new();
    let old = SharedValue::<Old>::options().scope(world.scope());
    let old = old.create(NAME, || Old::of(7)).expect("an object");
    let options = || SharedValue::<Diverged>::options().scope(world.scope());
    let view = options().open_read_only(NAME).expect("who only looks says nothing");
    assert_eq!(view.get().expect("a value").level, 0.0);
    let shorter = SharedValue::<Odd>::options().scope(world.scope()).open(NAME);
    let new = SharedValue::<New>::options().scope(world.scope()).open(NAME).expect("the first");
    let words = ["field `level`: another program has appended something else there", "held by pid"];
    refused::<Diverged>(&world, &words);
    let error = options().open_or_create(NAME, || -> Diverged { panic!("it is there") });
    let error = error.expect_err("the same");
    assert_eq!(error.kind(), ErrorKind::TypeMismatch);
    let newest = SharedValue::<Newest>::options().scope(world.scope()).open(NAME);
    newest.expect("it goes on with the first").set(Newest::of(300)).expect("a set");
    drop(new);
    refused::<Diverged>(&world, &words);
    assert_eq!(shorter.expect("it begins both").get().expect("a value").odd, 44);
    drop((old, view));
    // The next one of this name is another object.
    let diverged =
        options().open_or_create(NAME, || Diverged { rpm: 1, small: 2, odd: 3, level: 4.0 });
    let diverged = diverged.expect("a new object");
    refused::<New>(&world, &["field `torque`: only here", "field `level`: only in the object"]);
    let old = SharedValue::<Old>::options().scope(world.scope()).open(NAME).expect("it begins it");
    old.update(|old| old.rpm += 1).expect("an update");
    assert_eq!(diverged.get().expect("a value").level, 4.0);
}

/// The same where the other one came first, as a part of an object.
#[test]
fn different_fields_in_parts_of_an_object() {
    let world = World::new();
    let of = |number| Value::new(Old::of(number));
    let options = Shared::<OldBoard>::options().scope(world.scope());
    let board = options.create(NAME, || OldBoard { hits: 0.into(), many: [of(1), of(2)] });
    let board = board.expect("an object");
    let diverged = Shared::<DivergedBoard>::options().scope(world.scope()).open(NAME);
    diverged.expect("the first").many[1].update(|value| value.level = 0.5).expect("an update");
    let new = Shared::<NewBoard>::options().scope(world.scope());
    for error in [
        new.open(NAME).map(drop).expect_err("something else"),
        new.open_read_only(NAME).map(drop).expect_err("something else"),
    ] {
        assert!(error.to_string().contains("field `many[0].torque`: another program"), "{error}");
    }
    assert_eq!(board.many[1].get().expect("a value"), Old::of(2));
}

/// Who is refused for one part of an object has no say in the others.
#[test]
fn who_is_refused_leaves_no_marks() {
    let world = World::new();
    let of = |number| Value::new(Old::of(number));
    let options = Shared::<OldPair>::options().scope(world.scope());
    let old = options.create(NAME, || OldPair { first: of(1), last: of(2) }).expect("an object");
    let half = Shared::<HalfPair>::options().scope(world.scope()).open(NAME);
    half.expect("the first in the last part");
    let diverged = Shared::<DivergedPair>::options().scope(world.scope()).open(NAME);
    let error = diverged.expect_err("the last part is another one's");
    assert!(error.to_string().contains("field `last.level`: another program"), "{error}");
    let new = Shared::<NewPair>::options().scope(world.scope()).open(NAME);
    new.expect("nobody uses what was refused");
    assert_eq!(old.first.get().expect("a value"), Old::of(1));
}

#[plain(appendable)]
#[derive(Debug, Default)]
struct Bit {
    first: u8,
}

macro_rules! bits {
    ($name:ident: $($field:ident)*) => {
        #[plain(appendable)]
        #[derive(Debug, Default)]
        struct $name { first: u8, $($field: u8),* }
    };
}

bits! { Bits64: a0 a1 a2 a3 a4 a5 a6 a7 b0 b1 b2 b3 b4 b5 b6 b7 c0 c1 c2 c3 c4 c5 c6 c7 d0 d1 d2 d3 d4 d5 d6 d7
e0 e1 e2 e3 e4 e5 e6 e7 f0 f1 f2 f3 f4 f5 f6 f7 g0 g1 g2 g3 g4 g5 g6 g7 h0 h1 h2 h3 h4 h5 h6 h7 }
bits! { Bits65: a0 a1 a2 a3 a4 a5 a6 a7 b0 b1 b2 b3 b4 b5 b6 b7 c0 c1 c2 c3 c4 c5 c6 c7 d0 d1 d2 d3 d4 d5 d6 d7
e0 e1 e2 e3 e4 e5 e6 e7 f0 f1 f2 f3 f4 f5 f6 f7 g0 g1 g2 g3 g4 g5 g6 g7 h0 h1 h2 h3 h4 h5 h6 h7 i0 }

#[test]
fn more_fields_than_can_be_appended_to_one_object_are_refused() {
    let world = World::new();
    let bit = SharedValue::<Bit>::options().scope(world.scope());
    let bit = bit.create(NAME, Bit::default).expect("an object");
    let most = SharedValue::<Bits64>::options().scope(world.scope()).open(NAME).expect("64 more");
    most.update(|bits| bits.h7 = 7).expect("an update");
    let words = ["field `i0`: the object's maker knew 1 fields, and at most 64 can be appended"];
    refused::<Bits65>(&world, &words);
    bit.set(Bit { first: 1 }).expect("a set");
    assert_eq!(most.get().expect("a value").h7, 7);
    drop((bit, most));
    let bits = SharedValue::<Bits65>::options().scope(world.scope());
    drop(bits.create(NAME, Bits65::default).expect("of any length where it is new"));
}

/// A schema that a peer damaged is no reason to take the object for a grown one.
#[test]
fn a_damaged_schema_is_another_type() {
    let world = World::new();
    let old = SharedValue::<Old>::options().scope(world.scope());
    let old = old.create(NAME, || Old::of(7)).expect("an object");
    let file = raw::open(&world.path(NAME));
    let write = |bytes: &[u8]| file.write_at(bytes, 256).expect("damage");
    write(b"????");
    refused::<New>(&world, &["the schema cannot be read"]);
    // A schema that could be, but is not that of the fingerprint.
    let text = raw::bytes(&world.path(NAME));
    let end = text[256..].iter().position(|&byte| byte == 0).expect("the end of the text");
    let mut text = String::from_utf8_lossy(&text[256..256 + end]).into_owned();
    text.replace_range(..4, "{\"ce");
    write(text.replace("small", "sm4ll").as_bytes());
    refused::<New>(&world, &["sm4ll"]);
    write(text.as_bytes());
    let new = SharedValue::<New>::options().scope(world.scope()).open(NAME).expect("mended");
    assert_eq!((new.get().expect("a value").rpm, old.get().expect("a value").rpm), (7, 7));
}

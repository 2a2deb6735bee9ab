//! What has not grown at its end is another type.

use cohabit::{ErrorKind, SharedValue, Text, plain};

use crate::forms::{Form, NAME, New, Newest, Old};
use crate::support::World;

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
    Fixed () { rpm: u32, small: u8, rest: Text<120> }
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

/// A schema that a peer damaged is no reason to take the object for a grown one.
#[test]
fn a_damaged_schema_is_another_type() {
    let world = World::new();
    let old = SharedValue::<Old>::options().scope(world.scope());
    let old = old.create(NAME, || Old::of(7)).expect("an object");
    let file = std::fs::OpenOptions::new().write(true).open(world.path(NAME)).expect("the object");
    let write = |bytes: &[u8]| {
        std::os::unix::fs::FileExt::write_all_at(&file, bytes, 256).expect("damage");
    };
    write(b"????");
    refused::<New>(&world, &["the schema cannot be read"]);
    // A schema that could be, but is not that of the fingerprint.
    let text = std::fs::read(world.path(NAME)).expect("the object");
    let end = text[256..].iter().position(|&byte| byte == 0).expect("the end of the text");
    let mut text = String::from_utf8_lossy(&text[256..256 + end]).into_owned();
    text.replace_range(..4, "{\"ce");
    write(text.replace("small", "sm4ll").as_bytes());
    refused::<New>(&world, &["sm4ll"]);
    write(text.as_bytes());
    let new = SharedValue::<New>::options().scope(world.scope()).open(NAME).expect("mended");
    assert_eq!((new.get().expect("a value").rpm, old.get().expect("a value").rpm), (7, 7));
}

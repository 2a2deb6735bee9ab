//! Objects of another type, of another format, and files that are no objects.

#[cfg(unix)]
use std::fs;

use cohabit::untyped::Untyped;
use cohabit::{SharedValue, Text, plain};
use cohabit_os::Mechanism;

use crate::case;
use crate::case::{Case, NAME};
use crate::support::user::Pair;

macro_rules! variants {
    ($($name:ident { $($field:ident: $ty:ty),* })*) => {$(
        #[plain]
        #[derive(Debug)]
        struct $name { $($field: $ty),* }
    )*};
}

variants! {
    Motor { rpm: u32, level: f32, name: Text<16> }
    Renamed { speed: u32, level: f32, name: Text<16> }
    Moved { level: f32, rpm: u32, name: Text<16> }
    Retyped { rpm: i32, level: f32, name: Text<16> }
    Longer { rpm: u32, level: f32, name: Text<24> }
    Appended { rpm: u32, level: f32, name: Text<16>, torque: f64 }
    SameSize { words: [u64; 3] }
}

/// A Motor lives, and somebody opens it as another type.
fn opened_as<T: cohabit::Plain + std::fmt::Debug>(case: &Case, words: &[&str]) {
    let motor = || Motor { rpm: 900, level: 0.5, name: Text::default() };
    let live = SharedValue::<Motor>::options().scope(case.world.scope()).create(NAME, motor);
    let live = live.expect("an object");
    let pid = format!("held by pid {}", std::process::id());
    let mut words = words.to_vec();
    words.extend(["`rpm`", "another type", &pid]);
    let other = || SharedValue::<T>::options().scope(case.world.scope());
    case.refused("type-mismatch", &words, || other().open(NAME));
    case.refused("type-mismatch", &words, || other().open_read_only(NAME));
    assert_eq!(live.get().expect("untouched").rpm, 900);
}

#[test]
fn type_mismatch_same_size() {
    assert_eq!(size_of::<Motor>(), size_of::<SameSize>());
    case!(type_mismatch_same_size, |case| opened_as::<SameSize>(case, &["words", "rpm"]));
}

#[test]
fn type_mismatch_renamed() {
    case!(type_mismatch_renamed, |case| opened_as::<Renamed>(case, &["speed", "was = \"rpm\""]));
}

#[test]
fn type_mismatch_moved() {
    case!(type_mismatch_moved, |case| opened_as::<Moved>(case, &["rpm", "level"]));
}

#[test]
fn type_mismatch_retyped() {
    case!(type_mismatch_retyped, |case| opened_as::<Retyped>(case, &["rpm", "i32", "u32"]));
}

#[test]
fn type_mismatch_retyped_longer() {
    case!(type_mismatch_retyped_longer, |case| opened_as::<Longer>(case, &["name", "24", "16"]));
}

#[test]
fn type_mismatch_appended() {
    case!(type_mismatch_appended, |case| opened_as::<Appended>(case, &["torque"]));
}

macro_rules! grown {
    ($($name:ident { $($field:ident: $ty:ty),* })*) => {$(
        #[plain(appendable = 64)]
        #[derive(Debug)]
        #[allow(dead_code, reason = "only its type counts")]
        struct $name { $($field: $ty),* }
    )*};
}

grown! {
    First { rpm: u32, level: u8 }
    Inserted { rpm: u32, torque: f64, level: u8 }
    Torque { rpm: u32, level: u8, torque: f64 }
    Mode { rpm: u32, level: u8, mode: u8 }
}

#[test]
fn type_mismatch_grown() {
    case!(type_mismatch_grown, |case| {
        let first = || First { rpm: 900, level: 7 };
        let live = SharedValue::<First>::options().scope(case.world.scope()).create(NAME, first);
        let live = live.expect("an object");
        let other = || SharedValue::<Inserted>::options().scope(case.world.scope());
        let words =
            ["`rpm`", "field `level`: mine u8 at 16, the object's at 4", "only be appended"];
        case.refused("type-mismatch", &words, || other().open(NAME));
        case.refused("type-mismatch", &words, || other().open_read_only(NAME));
        assert_eq!(live.get().expect("untouched").rpm, 900);
    });
}

#[test]
fn type_mismatch_diverged() {
    case!(type_mismatch_diverged, |case| {
        let first = || First { rpm: 900, level: 7 };
        let live = SharedValue::<First>::options().scope(case.world.scope()).create(NAME, first);
        let live = live.expect("an object");
        let torque = SharedValue::<Torque>::options().scope(case.world.scope()).open(NAME);
        let torque = torque.expect("the first that appends");
        let other = || SharedValue::<Mode>::options().scope(case.world.scope());
        let words = ["`rpm`", "field `mode`: another program has appended something else there"];
        case.refused("type-mismatch", &words, || other().open(NAME));
        case.refused("type-mismatch", &words, || other().open_read_only(NAME));
        assert_eq!(live.get().expect("untouched").rpm, 900);
        assert_eq!(torque.get().expect("untouched").level, 7);
    });
}

#[cfg(unix)] // Memory that nobody has is gone.
#[test]
fn type_mismatch_kept() {
    case!(type_mismatch_kept, |case| {
        let _user = case.kept();
        let other = SharedValue::<u64>::options().scope(case.world.scope());
        let words = ["`rpm`", "nobody: it is kept", "cohabit rm rpm"];
        case.refused("type-mismatch", &words, || other.open_or_create(NAME, || 0));
        case.clear();
    });
}

#[test]
fn format_version() {
    case!(format_version, |case| {
        let _user = case.kept();
        case.patch(8, &7_u32.to_le_bytes());
        case.refused_by_all("format-version", &["expected format 0", "found format 7"]);
        case.clear();
    });
}

#[test]
fn mechanism_mismatch() {
    case!(mechanism_mismatch, |case| {
        let _user = case.kept();
        let flags = case.bytes()[12];
        let own = cohabit_os::mechanism();
        let linux = Mechanism::Linux;
        let other = if own == linux { Mechanism::Portable } else { linux };
        case.patch(12, &[flags & !(3 << 4) | (other.code() as u8) << 4]);
        let words = ["expected", "found one of", own.as_str(), other.as_str()];
        case.refused_by_all("mechanism-mismatch", &words);
        case.patch(12, &[flags]);
        cohabit::remove(&case.world.scope(), NAME, true).expect("its own mechanism can");
    });
}

#[test]
fn not_an_object() {
    case!(not_an_object, |case| {
        let _user = case.kept();
        case.patch(0, b"Cohabit\0");
        case.refused_by_all("not-an-object", &["expected", "COHABIT", "found"]);
        for other in [&b"#!/bin/sh\necho a script of somebody\n"[..], b"", b"COHABIT"] {
            let _held = case.put(other);
            case.refused_by_all("not-an-object", &["expected", "COHABIT", "found"]);
            assert_eq!(case.bytes(), other, "it is left as it is");
        }
        case.clear();
    });
}

#[test]
fn truncated() {
    case!(truncated, |case| {
        let _user = case.kept();
        let (whole, mut held) = (case.bytes(), None);
        for size in [12, 128, 255] {
            let _held = case.put(&whole[..size]);
            let found = format!("found {size}");
            case.refused_by_all("truncated", &["expected a header of 256 bytes", &found]);
        }
        for size in [256, 300, whole.len() - 1] {
            held = Some(case.put(&whole[..size]));
            let (expected, found) = (format!("expected {}", whole.len()), format!("found {size}"));
            case.refused_by_all("truncated", &[&expected, &found]);
        }
        cohabit::remove(&case.world.scope(), NAME, false).expect_err("it may be in use");
        cohabit::remove(&case.world.scope(), NAME, true).expect("the cure");
        drop(held);
    });
}

#[test]
fn oversized() {
    case!(oversized, |case| {
        let _user = case.kept();
        let (mut bytes, mut held) = (case.bytes(), None);
        let expected = format!("expected {}", bytes.len());
        for more in [1, 4096] {
            bytes.resize(bytes.len() + more, 0);
            held = Some(case.put(&bytes));
            let found = format!("found {}", bytes.len());
            case.refused_by_all("oversized", &[&expected, &found]);
        }
        cohabit::remove(&case.world.scope(), NAME, true).expect("the cure");
        drop(held);
    });
}

/// The fields of the header that say where things are, by place and width.
const NUMBERS: [(usize, usize); 12] = [
    (12, 4),
    (16, 8),
    (56, 4),
    (60, 4),
    (64, 8),
    (72, 4),
    (76, 4),
    (80, 8),
    (88, 8),
    (96, 8),
    (104, 8),
    (112, 8),
];

#[test]
fn header_invalid() {
    case!(header_invalid, |case| {
        let _user = case.kept();
        let good = case.bytes();
        for (at, width) in NUMBERS {
            for lie in [u64::MAX, 1 << 31, 5_000_000] {
                case.patch(at as u64, &lie.to_le_bytes()[..width]);
                let what = if at == 12 { "flags" } else { "the header's" };
                case.refused_by_all("header-invalid", &[what, "rpm"]);
                case.patch(at as u64, &good[at..at + width]);
            }
        }
        // Numbers that go with each other, and not with the type whose fingerprint stands there.
        case.patch(96, &(64_u64 + 8).to_le_bytes());
        case.refused_by_all("header-invalid", &["has 72 bytes, expected 1088"]);
        cohabit::remove(&case.world.scope(), NAME, true).expect("the cure");
    });
}

/// A file with holes may be of any size, and a header may agree with it: but an object has no holes.
#[cfg(unix)] // A section has no holes.
#[test]
fn header_invalid_larger_than_its_filesystem() {
    case!(header_invalid_larger_than_its_filesystem, |case| {
        let _user = case.kept();
        let good = case.bytes();
        let object_at = u64::from_le_bytes(good[88..96].try_into().expect("8 bytes"));
        let object_size = 1 << 45;
        let segment_size = (object_at + object_size).next_multiple_of(4096);
        case.patch(16, &u64::to_le_bytes(segment_size));
        case.patch(96, &u64::to_le_bytes(object_size));
        let file = fs::OpenOptions::new().write(true).open(case.path()).expect("the object");
        file.set_len(segment_size).expect("a file with a hole");
        let words = ["the header's segment size is 35184", "the filesystem has room for"];
        case.refused_by_all("header-invalid", &words);
        case.refused("header-invalid", &words, || Untyped::open(NAME, &case.world.scope()));
        cohabit::remove(&case.world.scope(), NAME, true).expect("the cure");
    });
}

#[test]
fn header_invalid_schema() {
    case!(header_invalid_schema, |case| {
        let _user = case.kept();
        let good = case.bytes();
        for damage in [&b"{{{{{{{{"[..], b"\0\0\0\0\0\0\0\0", b"\xff\xff\xff\xff\xff\xff\xff\xff"] {
            for at in (256..400).step_by(8) {
                case.patch(at, damage);
                let open = || Untyped::open(NAME, &case.world.scope()).map(drop);
                case.refused("header-invalid", &["`rpm`", "schema"], open);
                let at_index = usize::try_from(at).expect("an index");
                case.patch(at, &good[at_index..at_index + 8]);
            }
        }
        // The type's own users do not read it.
        case.patch(256, b"????");
        let open = || case.options().open(NAME);
        assert_eq!(open().expect("the type is known").get().expect("a value"), Pair::of(5));
        case.clear();
    });
}

/// A peer makes an object that is held here claim to be a larger one, with the file to it; the mapping
/// that is held stays as small as it is.
#[cfg(unix)] // A section is as long as it is.
#[test]
fn type_mismatch_rewritten_in_use() {
    case!(type_mismatch_rewritten_in_use, |case| {
        type Small = [u32; 2];
        type Large = [u64; 4096];
        let as_small = || SharedValue::<Small>::options().scope(case.world.scope());
        let as_large = || SharedValue::<Large>::options().scope(case.world.scope());
        let zero = || Box::new([0; 4096]);
        let small = as_small().create(NAME, || [7, 0]).expect("an object");
        let view = as_small().open_read_only(NAME).expect("a view");
        let large = as_large().create("large", zero).expect("an object");
        let mut head = fs::read(case.world.path("large")).expect("the object");
        let size = head.len() as u64;
        head.truncate(128);
        // Everything but the object is where it was.
        assert_eq!(head[80..88], case.bytes()[80..88], "the place of the slots");
        // The instance is still the same: it is found among those that this process holds.
        head[24..40].copy_from_slice(&case.bytes()[24..40]);
        let file = fs::OpenOptions::new().write(true).open(case.path()).expect("the object");
        file.set_len(size).expect("a longer file");
        case.patch(0, &head);
        assert!(small.size() < size_of::<Large>() as u64 && size_of::<Large>() as u64 <= size);
        case.refused("type-mismatch", &["`rpm`"], || as_large().open(NAME));
        case.refused("type-mismatch", &["`rpm`"], || as_large().open_or_create(NAME, zero));
        case.refused("type-mismatch", &["`rpm`"], || as_large().open_read_only(NAME));
        let raw = Untyped::open(NAME, &case.world.scope()).expect("what is held");
        assert_eq!(raw.read().expect("a value").0, [7, 0, 0, 0, 0, 0, 0, 0]);
        drop(raw);
        small.set([8, 9]).expect("a set");
        assert_eq!((small.get().expect("a value"), view.get().expect("a value")), ([8, 9], [8, 9]));
        drop((small, view, large));
        case.world.assert_empty();
    });
}

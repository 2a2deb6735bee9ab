//! Constructors that work in the new object itself, through its cells, before anybody else does.

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cohabit::{ErrorKind, Options, Part, Shared, SharedValue, Value, Version};

use crate::support::World;

fn words(folder: &World, len: u64) -> Options<Value<[u64]>> {
    SharedValue::<[u64]>::options().scope(folder.scope()).len(len)
}

#[test]
fn threads_of_a_constructor_contend_for_its_cells() {
    const THREADS: usize = 4;
    const TIMES: u64 = 500;
    let folder = World::new();
    let made = words(&folder, THREADS as u64).create_in_place("sums", |sums| {
        std::thread::scope(|scope| {
            for id in 0..THREADS {
                let add = move || (0..TIMES).try_for_each(|_| sums.update(|all| all[id] += 1));
                scope.spawn(move || add().expect("updates"));
            }
        });
    });
    let sums = made.unwrap();
    assert_eq!(&*sums.get_boxed().unwrap(), &[TIMES; THREADS]);
    assert_eq!(sums.version().unwrap().number(), TIMES * THREADS as u64);
}

#[test]
fn a_constructor_may_wait_for_its_own_thread() {
    let folder = World::new();
    let made = words(&folder, 2).create_in_place("words", |words| {
        std::thread::scope(|scope| {
            scope.spawn(|| words.set_from(&[1, 2]).expect("a set"));
            words.wait_version(Version::NONE, Duration::MAX)
        })
    });
    assert_eq!(&*made.unwrap().get_boxed().unwrap(), &[1, 2]);
}

/// A wait leaves its mark in the commit word, which is no version.
#[test]
fn a_constructor_that_waits_in_vain_leaves_version_1() {
    let folder = World::new();
    let made = words(&folder, 2).create_in_place("words", |words| {
        let error = words.wait_version(Version::NONE, Duration::from_millis(1)).unwrap_err();
        assert_eq!((error.kind(), error.object()), (ErrorKind::TimedOut, "words"));
    });
    let words = made.unwrap();
    assert_eq!(words.version().unwrap().number(), 1);
    assert_eq!(&*words.get_boxed().unwrap(), &[0, 0]);
}

#[test]
fn errors_inside_a_constructor_name_the_object() {
    let folder = World::new();
    let made = words(&folder, 2).create_in_place("words", |words| {
        let far = words.get_part(Part::element(2)).unwrap_err();
        assert_eq!((far.kind(), far.object()), (ErrorKind::OutOfRange, "words"));
        words.set_from(&[7])
    });
    let error = made.unwrap_err();
    assert_eq!((error.kind(), error.object()), (ErrorKind::ConstructorFailed, "words"));
    let source = error.source().unwrap().downcast_ref::<cohabit::Error>().unwrap();
    assert_eq!((source.kind(), source.object()), (ErrorKind::LengthMismatch, "words"));
    folder.assert_empty();
}

#[test]
fn a_constructor_in_place_that_panics_leaves_nothing() {
    let folder = World::new();
    let options = Shared::<[AtomicU64]>::options().scope(folder.scope()).len(100);
    let make = || {
        options.open_or_create_in_place("hits", |hits| -> () {
            hits[99].store(1, Relaxed);
            panic!("on purpose");
        })
    };
    let panicked = catch_unwind(AssertUnwindSafe(make)).unwrap_err();
    assert_eq!(panicked.downcast_ref::<&str>(), Some(&"on purpose"));
    folder.assert_empty();
    let hits = options.open_or_create_in_place("hits", |_| ()).unwrap();
    assert!(hits.created() && hits[99].load(Relaxed) == 0);
}

#[test]
fn a_constructor_in_place_cannot_open_its_own_object() {
    let folder = World::new();
    let options = words(&folder, 2);
    let made = options.create_in_place("words", |_| options.open("words").map(drop));
    let error = made.unwrap_err();
    let source = error.source().unwrap().downcast_ref::<cohabit::Error>().unwrap();
    assert_eq!(source.kind(), ErrorKind::ConstructorReentered);
    folder.assert_empty();
}

/// The last word of a value may have room behind its elements.
#[test]
#[should_panic(expected = "a part must lie inside its value")]
fn a_filling_behind_the_end_is_a_panic() {
    let folder = World::new();
    let bytes = SharedValue::<[u8]>::options().scope(folder.scope()).len(3);
    let _ = bytes.create_with("bytes", |fill| fill.put(Part::element(5), 1));
}

#[test]
fn a_constructor_that_ends_the_process_leaves_nothing() {
    let world = World::new();
    let status = world.child("exits-in-place").end();
    assert_eq!(status.code(), Some(3));
    world.assert_empty();
}

/// Ends in the middle of a constructor.
pub(crate) fn exits(_peer: &mut crate::support::Peer) {
    let _ = Shared::<[AtomicU64]>::options().len(9).create_in_place("hits", |hits| -> () {
        hits[0].store(1, Relaxed);
        std::process::exit(3)
    });
}

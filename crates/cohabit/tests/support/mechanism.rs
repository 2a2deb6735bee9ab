//! Which mechanism the tests run with, and what the portable one does otherwise by design.
//!
//! `COHABIT_OS=portable cargo test --workspace` runs the whole suite with the other mechanism. A test that
//! meets one of its limits states that limit here or where it stands: it asserts what docs/portable.md says
//! instead, and prints that it did. None is skipped in silence.

use cohabit::SharedValue;

/// Whether this run is the portable mechanism's.
pub(crate) fn portable() -> bool {
    cohabit_os::mechanism() == cohabit_os::Mechanism::Portable
}

/// The same for a test that asserts something else then; prints why.
pub(crate) fn portable_since(why: &str) -> bool {
    if portable() {
        println!("otherwise for the portable mechanism: {why}");
    }
    portable()
}

/// Whether there are objects without a name. Where there are none, every way to one says so.
#[track_caller]
pub(crate) fn has_handles() -> bool {
    if !portable_since("nothing keeps a peer from cutting memory without a name") {
        return true;
    }
    let made = SharedValue::<u32>::anonymous(|| 1).map(drop);
    let joined = SharedValue::<u32>::from_fd(super::sys::memory()).map(drop);
    let viewed =
        cohabit::SharedView::<cohabit::Value<u32>>::from_fd(super::sys::memory()).map(drop);
    for outcome in [made, joined, viewed] {
        let error = outcome.expect_err("there are none");
        assert_eq!((error.code(), error.object()), ("unsupported", "anonymous"), "{error}");
        let text = error.to_string();
        assert!(text.contains("the portable mechanism"), "it says what has none: {text}");
        assert!(text.contains(error.kind().cure()), "the cure is missing: {text}");
    }
    false
}

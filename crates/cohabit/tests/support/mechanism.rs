//! Which mechanism the tests run with, and what the portable one does otherwise by design.
//!
//! `COHABIT_OS=portable cargo test --workspace` runs the whole suite with the other mechanism. A test that
//! meets one of its limits states that limit here or where it stands: it asserts what docs/portable.md says
//! instead, and prints that it did. None is skipped in silence.

use cohabit::{Keep, SharedValue};

use super::World;

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

/// Whether this run is on Windows.
pub(crate) fn windows() -> bool {
    cohabit_os::mechanism() == cohabit_os::Mechanism::Windows
}

/// The same for a test that asserts something else then; prints why.
pub(crate) fn windows_since(why: &str) -> bool {
    if windows() {
        println!("otherwise on Windows: {why}");
    }
    windows()
}

/// Whether an object can be kept that nobody uses. Where it cannot, asking for one says so.
pub(crate) fn keeps_what_nobody_uses() -> bool {
    if !windows_since("memory that nobody has is gone") {
        return true;
    }
    let world = World::new();
    let kept = SharedValue::<u32>::options().scope(world.scope()).keep(Keep::UntilReboot);
    let refused = kept.create("kept", || 1).expect_err("it would not be kept");
    let text = refused.to_string();
    assert_eq!((refused.code(), refused.object()), ("unsupported", "kept"), "{text}");
    assert!(text.contains("Keep::OnDisk"), "{text}");
    assert!(world.is_bare(), "nothing is left");
    false
}

/// `Keep::UntilReboot`, for a test that is not about it, where that can be had.
pub(crate) fn kept_if_possible() -> Keep {
    if windows() { Keep::WhileUsed } else { Keep::UntilReboot }
}

/// Whether there are objects without a name. Where there are none, every way to one says so.
#[track_caller]
pub(crate) fn has_handles() -> bool {
    if !portable_since("nothing keeps a peer from cutting memory without a name") {
        return true;
    }
    #[cfg(unix)]
    says_that_there_are_no_handles();
    false
}

#[cfg(unix)]
fn says_that_there_are_no_handles() {
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
}

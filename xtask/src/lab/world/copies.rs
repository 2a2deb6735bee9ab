//! Two copies of the library in one process: each is a user of its own, and dies with the process.
//!
//! The copies are the shared library of `copy.rs`, loaded from two paths, as two plugins would bring it.

use super::kernel::{self, Loaded};
use super::stage::{Stage, Talk, Verdict, check, held};
use crate::tools::{cargo, quietly, target_dir};
use std::fs;
use std::path::PathBuf;

/// Answers of a copy.
const FREE: i64 = 0;
const BUSY: i64 = 1;
const OWNER_DIED: i64 = 2;
const FORKED: i64 = -2;

/// Builds what the scenario loads.
pub(super) fn build() -> Result<(), String> {
    let mut build = cargo();
    build.args(["build", "--quiet", "--package", "xtask", "--example", "cohabit-copy"]);
    quietly(build).map(drop)
}

fn library() -> PathBuf {
    target_dir().join("debug/examples/libcohabit_copy.so")
}

/// Loads the library anew, from a path that is gone when this returns.
fn load(stage: &Stage, name: &str) -> Result<Loaded, String> {
    let path = stage.folder.join(name);
    fs::copy(library(), &path).map_err(|error| format!("{}: {error}", library().display()))?;
    let copy = kernel::load(&path);
    fs::remove_file(&path).map_err(|error| error.to_string())?;
    copy
}

fn is(what: &str, copy: Loaded, order: u8, expected: i64) -> Result<(), String> {
    let answer = copy.obeys(order);
    check(answer == expected, || format!("{what}: {answer}, not {expected}"))
}

/// A process with two copies, and a neighbour with one.
pub(super) fn two(stage: &Stage) -> Result<Verdict, String> {
    let mut both = stage.actor("the one with two copies", |talk| with_two(stage, talk))?;
    both.expect("holds")?;
    let neighbour = stage.actor("the neighbour", |talk| {
        enter(stage)?;
        let copy = load(stage, "third.so")?;
        is("open", copy, b'o', 0)?;
        is("users, with the two copies", copy, b'u', 3)?;
        talk.pause("sees three")?;
        is("users, when one copy has left", copy, b'u', 2)?;
        is("try_lock, when the other copy has left", copy, b't', BUSY)?;
        talk.pause("was told")?;
        is("try_lock, after its death", copy, b't', OWNER_DIED)?;
        is("users, after its death", copy, b'u', 1)?;
        is("add", copy, b'a', 3)?;
        is("try_lock", copy, b't', FREE)?;
        is("leave", copy, b'l', 0)
    })?;
    neighbour.expect("sees three")?;
    both.go()?;
    both.expect("one left")?;
    neighbour.go()?;
    neighbour.expect("was told")?;
    both.go()?;
    both.expect("is back")?;
    both.kill()?;
    neighbour.go()?;
    neighbour.end()?;
    let leaver = stage.actor("the one that ends with two copies", |_| {
        enter(stage)?;
        for name in ["first.so", "second.so"] {
            is("open", load(stage, name)?, b'o', 0)?;
        }
        kernel::exit()
    })?;
    leaver.end()?;
    held("three users in two processes; one copy left, and the other kept its lock until its death")
}

fn enter(stage: &Stage) -> Result<(), String> {
    std::env::set_current_dir(&stage.folder).map_err(|error| error.to_string())
}

fn with_two(stage: &Stage, talk: &Talk) -> Result<(), String> {
    enter(stage)?;
    let (one, other) = (load(stage, "first.so")?, load(stage, "second.so")?);
    check(!one.is(other), || "the library was loaded only once".to_owned())?;
    is("open", one, b'o', 0)?;
    is("open by the other copy", other, b'o', 0)?;
    is("users", one, b'u', 2)?;
    is("add", one, b'a', 1)?;
    is("add by the other copy", other, b'a', 2)?;
    is("hold", one, b'h', 0)?;
    is("try_lock by the other copy", other, b't', BUSY)?;
    talk.pause("holds")?;
    // Whatever it closes, what the first copy has open keeps the first copy alive.
    is("leave", other, b'l', 0)?;
    talk.pause("one left")?;
    is("open again", other, b'o', 0)?;
    if kernel::fork()?.is_none() {
        let told = is("a child's add", one, b'a', FORKED);
        return told.and_then(|()| is("a child's add by the other", other, b'a', FORKED));
    }
    is("users, after a fork", one, b'u', 3)?;
    talk.say("is back")?;
    kernel::wait_to_be_killed()
}

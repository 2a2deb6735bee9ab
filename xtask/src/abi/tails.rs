//! Objects of run-time length, shared between 32 and 64 bits, and those that 32 bits cannot map.
//!
//! The peer is the example `abi_tail`; its head says its contract.

use super::{Build, agree, counter, json};
use crate::large;
use crate::peer::Peer;
use crate::tools::{Outcome, Sandbox};
use serde_json::Value;
use std::path::Path;

const PROGRAM: &str = "abi_tail";
/// How many elements the objects have.
const LEN: u64 = 97;
/// How often each peer adds 1.
const ADDS: u64 = 2_000;
/// Words of an object that fits no 32 bits.
const HUGE: u64 = (5 << 30) / 8;
/// Words of an object that 32 bits could count, and no slice of 32 bits may span.
const HALF: u64 = (5 << 30) / 2 / 8;
/// What else a disk should have free.
const AIR: u64 = 1 << 30;

impl Build {
    fn tail(&self, folder: &Path, arguments: &[&str]) -> Result<Peer, String> {
        self.run(PROGRAM, folder, arguments)
    }

    /// The objects as this peer sees them.
    fn get_tails(&self, folder: &Path) -> Result<Value, String> {
        let peer = self.tail(folder, &["get"])?;
        let seen = json(&peer.line()?)?;
        peer.finish()?;
        Ok(seen)
    }
}

/// A value and a tail of cells: `first` makes them, both read and add, each survives the other's death.
pub(super) fn share(first: &Build, second: &Build) -> Result<String, String> {
    let sandbox = Sandbox::for_objects("abi-tails")?;
    let folder = sandbox.path();
    let creator = first.tail(folder, &["create", &LEN.to_string()])?;
    creator.line()?;
    let made = first.get_tails(folder)?;
    agree(&made, &second.get_tails(folder)?, "after they were made")?;
    if [&made["len"], &made["pairs"]].iter().any(|len| len.as_u64() != Some(LEN)) {
        return Err(format!("not {LEN} elements: {made}"));
    }

    let times = ADDS.to_string();
    let (one, other) =
        (first.tail(folder, &["add", &times])?, second.tail(folder, &["add", &times])?);
    one.finish()?;
    other.finish()?;
    let sum = second.get_tails(folder)?;
    agree(&first.get_tails(folder)?, &sum, "after both added")?;
    holds(&sum, &made)?;

    for (dying, living) in [(first, second), (second, first)] {
        survive(dying, living, folder)?;
    }
    creator.finish()?;
    match sandbox.files().as_slice() {
        [] => Ok(format!("{LEN} elements agree, sums exact, both deaths survived")),
        [left, ..] => Err(format!("{} was left behind", left.display())),
    }
}

/// Whether every number has grown by what was added, and no element differs from the others.
fn holds(sum: &Value, made: &Value) -> Outcome {
    let number = |name: &str| sum[name].as_u64().unwrap_or(u64::MAX);
    let added = 2 * ADDS;
    // The sum of the 16-bit numbers; the 64-bit ones began at the greatest and came round.
    let pairs = number("pairs") * (added % 65_536);
    // The value's numbers began at -1.
    let counted = number("counter") + 1 == added && number("hits") == added;
    let whole = sum["whole"] == true && sum["pinned"] == sum["counter"];
    if counted && whole && number("sum") == pairs && number("large") == added - 1 {
        return Ok(());
    }
    Err(format!("{added} were added to each of\n  {made}\nand there is\n  {sum}"))
}

/// One is killed inside an update; the other goes on, and nothing half done is seen.
fn survive(dying: &Build, living: &Build, folder: &Path) -> Outcome {
    let before = living.get_tails(folder)?;
    let holder = dying.tail(folder, &["hold"])?;
    holder.expect("holding")?;
    agree(&before, &living.get_tails(folder)?, "while it is held")?;
    holder.kill()?;
    living.tail(folder, &["add", "1"])?.finish()?;
    let (found, expected) = (counter(&living.get_tails(folder)?)?, counter(&before)? + 1);
    if found == expected {
        return Ok(());
    }
    let (dead, alive) = (dying.bits, living.bits);
    Err(format!("{dead} was killed, {alive} added 1: counter is {found}, expected {expected}"))
}

/// What 32 bits cannot map is refused with its size, whoever made it, and nothing is left of it.
pub(super) fn refuse(narrow: &Build, wide: &Build) -> Result<String, String> {
    let sandbox = Sandbox::for_objects("abi-huge")?;
    for len in [HUGE, HALF] {
        let peer = narrow.tail(sandbox.path(), &["fill", &len.to_string()])?;
        expect_refusal(&peer.line()?, len)?;
        peer.finish()?;
    }
    if let [left, ..] = sandbox.files().as_slice() {
        return Err(format!("{} was left behind", left.display()));
    }
    let disk = large::folder(None)?;
    if let Some(why) = large::obstacle(&disk, HUGE * 8 + AIR)? {
        return Ok(format!("not made, so not made by {}: {} {why}", wide.bits, disk.display()));
    }
    let sandbox = Sandbox::within(&disk, "abi-huge")?;
    for len in [HUGE, HALF] {
        let creator = wide.tail(sandbox.path(), &["fill", &len.to_string()])?;
        creator.expect("ok 77")?;
        let peer = narrow.tail(sandbox.path(), &["last"])?;
        expect_refusal(&peer.line()?, len)?;
        peer.finish()?;
        let peer = wide.tail(sandbox.path(), &["last"])?;
        peer.expect("ok 77")?;
        peer.finish()?;
        creator.finish()?;
    }
    Ok("5 and 2.5 GiB, by their creator and by one who opens them".to_owned())
}

/// Whether a peer was told that so many words do not fit, and how large they are.
fn expect_refusal(line: &str, len: u64) -> Outcome {
    let most = i32::MAX;
    let words = line.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok());
    let named = words.into_iter().any(|number: u64| (len * 8..len * 8 + 65_536).contains(&number));
    if line.starts_with("err no-address-space ") && named && line.contains(&most.to_string()) {
        return Ok(());
    }
    Err(format!("{len} words were to be refused with their size, and the peer printed `{line}`"))
}

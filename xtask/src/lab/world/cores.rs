//! A process that dumps core lives until the dump ends, and no longer.

use super::board::{Board, NAME, Pair, board, had, options, well};
use super::kernel;
use super::stage::{Stage, Verdict, cannot, check, held};
use crate::lab::raw::Waited;
use cohabit::LockError;
use rustix::process::Resource;
use std::fs;
use std::path::PathBuf;

/// A holder with much memory aborts. Its lock is not had before its core is whole.
pub(super) fn dump(stage: &Stage) -> Result<Verdict, String> {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let pattern = pattern.trim();
    if pattern != "core" {
        return cannot(format!("cores do not go to files of their process's folder: {pattern}"));
    }
    let hard = rustix::process::getrlimit(Resource::Core).maximum;
    if hard == Some(0) {
        return cannot("no cores may be written (ulimit -H -c is 0)");
    }
    let place = stage.folder.join("cores");
    fs::create_dir(&place).map_err(|error| error.to_string())?;
    let dumper = stage.actor("the one that aborts", |talk| {
        let board = board(stage)?;
        let mut guard = had("lock", board.mutex.lock())?.0;
        guard.one = 1;
        kernel::limit(Resource::Core, hard)?;
        kernel::may_dump()?;
        std::env::set_current_dir(&place).map_err(|error| error.to_string())?;
        let memory = vec![7_u8; if stage.full { 512 << 20 } else { 64 << 20 }];
        talk.pause("holds")?;
        std::hint::black_box(&memory);
        kernel::abort()
    })?;
    dumper.expect("holds")?;
    let heir = stage.actor("the heir", |talk| {
        let board = well("open", options(stage).open(NAME))?;
        talk.pause("attached")?;
        takes_when_whole(&board, &place, talk)
    })?;
    heir.expect("attached")?;
    dumper.go()?;
    heir.go()?;
    let said = heir.hear()?;
    let how = dumper.gone()?;
    check(how == Waited::Killed(libc::SIGABRT), || format!("it ended with {how:?}"))?;
    let whole = size_of_core(&place);
    let (busy, seen) = said.split_once(' ').ok_or("no numbers")?;
    check(seen == whole.to_string(), || format!("taken at {seen} of {whole} bytes"))?;
    heir.go()?;
    heir.end()?;
    fs::remove_dir_all(&place).map_err(|error| error.to_string())?;
    if whole == 0 {
        return cannot("the kernel wrote no core");
    }
    held(format!("a core of {} MiB; told {busy} times that it lives", whole >> 20))
}

/// Tries until the lock is had; says how often it was busy, and how large the core was then.
fn takes_when_whole(
    board: &Board,
    place: &std::path::Path,
    talk: &super::stage::Talk,
) -> Result<(), String> {
    let mut busy = 0_u64;
    loop {
        match board.mutex.try_lock() {
            Err(LockError::OwnerDied(mut guard)) => {
                let size = size_of_core(place);
                guard.mark_consistent();
                *guard = Pair::of(0);
                drop(guard);
                return talk.pause(&format!("{busy} {size}"));
            }
            Err(error) if error.kind() == cohabit::ErrorKind::Busy => busy += 1,
            Err(error) => return Err(error.to_string()),
            Ok(_) => return Err("a death was not told".to_owned()),
        }
    }
}

/// How large the core is, whatever its name.
fn size_of_core(place: &std::path::Path) -> u64 {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths
        .iter()
        .filter_map(|path| fs::metadata(path).ok())
        .map(|found| found.len())
        .max()
        .unwrap_or(0)
}

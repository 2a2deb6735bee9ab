//! `cargo xtask test-large`: objects of more than 4 GiB, in a folder on disk.
//!
//! They take room that a machine may not have, and time where a file system can reserve only by
//! writing. So what is there is looked at first, and a test that cannot be run is told, with the reason.

use crate::ci;
use crate::tools::{Outcome, cargo, quietly, step, target_dir};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What the tests reserve at once at most, and some air.
const NEEDED: u64 = 15 << 30;
/// What is reserved for a trial, in bytes, and how long that may take.
const TRIAL: (u64, Duration) = (256 << 20, Duration::from_millis(500));
/// The tests, by package, test binary and beginning of their names.
const TESTS: &[(&str, &str, &str)] =
    &[("cohabit", "cells", "huge::"), ("cohabit-cli", "cli", "huge::")];

/// Where.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder for the objects, on a disk of its own or another one (by default below `target`)
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Looks whether there is room, and runs the tests.
pub(crate) fn run(args: Args) -> Outcome {
    let folder = folder(args.folder)?;
    match obstacle(&folder, NEEDED)? {
        Some(why) => println!("skipped: {} {why}", folder.display()),
        None => {
            for (package, binary, names) in TESTS {
                step(&format!("{package} {binary}"), || test(&folder, package, binary, names))?;
            }
        }
    }
    Ok(())
}

/// The folder for large objects, by its whole path.
pub(crate) fn folder(named: Option<PathBuf>) -> Result<PathBuf, String> {
    let folder = named.unwrap_or_else(|| target_dir().join("large"));
    fs::create_dir_all(&folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    folder.canonicalize().map_err(|e| format!("{}: {e}", folder.display()))
}

/// Why objects of so many bytes cannot be tried there.
pub(crate) fn obstacle(folder: &Path, needed: u64) -> Result<Option<String>, String> {
    let mut stat = Command::new("stat");
    stat.args(["--file-system", "--format=%T %a %S"]).arg(folder);
    let told = quietly(stat)?;
    let about = FileSystem::parse(&told).ok_or_else(|| format!("stat says `{told}`"))?;
    Ok(about.obstacle(needed).or_else(|| trial(folder)))
}

/// What stat(1) says of a file system.
#[derive(Debug, PartialEq, Eq)]
struct FileSystem {
    kind: String,
    free: u64,
}

impl FileSystem {
    /// `KIND BLOCKS SIZE`; the kind may be of several words.
    fn parse(told: &str) -> Option<Self> {
        let (rest, size) = told.trim().rsplit_once(' ')?;
        let (kind, blocks) = rest.rsplit_once(' ')?;
        let free = blocks.parse::<u64>().ok()?.checked_mul(size.parse().ok()?)?;
        Some(Self { kind: kind.to_owned(), free })
    }

    fn obstacle(&self, needed: u64) -> Option<String> {
        if let "tmpfs" | "ramfs" = &*self.kind {
            return Some(format!("is in memory ({}); name another with --folder", self.kind));
        }
        let gib = |bytes: u64| bytes >> 30;
        (self.free < needed)
            .then(|| format!("has {} GiB free, and {} are needed", gib(self.free), gib(needed)))
    }
}

/// Reserves a little, to see whether that is a note in the file system's books or writing it all.
fn trial(folder: &Path) -> Option<String> {
    let (size, most) = TRIAL;
    let file = folder.join("trial");
    let start = Instant::now();
    let mut reserve = Command::new("fallocate");
    reserve.args(["--length", &size.to_string()]).arg(&file);
    let reserved = quietly(reserve);
    let took = start.elapsed();
    // It may not be there.
    let _ = fs::remove_file(&file);
    match reserved {
        Err(why) => Some(format!("cannot reserve: {}", why.trim())),
        Ok(_) if took > most => Some(format!("took {took:?} to reserve {} MiB", size >> 20)),
        Ok(_) => None,
    }
}

fn test(folder: &Path, package: &str, binary: &str, names: &str) -> Result<String, String> {
    let mut command = cargo();
    command.args(["test", "--quiet", "--package", package, "--test", binary, "--", "--ignored"]);
    command.args(["--test-threads", "1", names]).env("COHABIT_LARGE_FOLDER", folder);
    match ci::passed(&quietly(command)?) {
        0 => Err(format!("{package} {binary}: no test is called {names}*")),
        count => Ok(format!("{count} tests passed in {}", folder.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stat_says_is_understood() {
        let about = FileSystem::parse("ext2/ext3 16341 4096\n").expect("three words");
        assert_eq!(about, FileSystem { kind: "ext2/ext3".to_owned(), free: 16341 * 4096 });
        assert!(
            about.obstacle(NEEDED).expect("too small").contains("0 GiB free, and 15 are needed")
        );
        let memory = FileSystem::parse("tmpfs 99999999 4096").expect("three words");
        assert!(memory.obstacle(NEEDED).expect("no disk").contains("in memory"));
        let unknown = FileSystem::parse("UNKNOWN (0x1234) 99999999 4096").expect("its words");
        assert_eq!((unknown.kind.as_str(), unknown.obstacle(NEEDED)), ("UNKNOWN (0x1234)", None));
        assert_eq!(FileSystem::parse("tmpfs"), None);
    }
}

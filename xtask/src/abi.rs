//! `cargo xtask test-abi`: a 32-bit and a 64-bit process share one object.
//!
//! Objects of run-time length, and those that do not fit 32 bits, are in `tails`. The example `abi_peer` of the library is built for both and run on one object in a fresh
//! folder. Its contract:
//! - `NAME create`: makes the object, prints a line, leaves when its stdin ends.
//! - `NAME get`: opens the object, prints all its fields as one line of JSON, ends.
//! - `NAME add N`: opens the object, adds 1 to the field `counter` N times by `update`, and to the atomic
//!   `hits`, ends.
//! - `NAME hold`: opens the object, adds 1,000,000 to `counter` in one `update`, inside of which it
//!   prints `holding` and stays until its stdin ends, or until it is killed.

mod tails;

use crate::peer::Peer;
use crate::second::{self, with};
use crate::tools::{Outcome, Sandbox, cargo, openly, quietly, step, target_dir};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const TARGET: &str = "i686-unknown-linux-gnu";
const LINKER: &str = "i686-linux-gnu-gcc";
const LOADER: &str = "/usr/i686-linux-gnu/lib/ld-linux.so.2";
const LIBRARIES: &str = "/usr/i686-linux-gnu/lib";
const PACKAGES: &[&str] = &["gcc-i686-linux-gnu", "libc6-dev-i386-cross"];
/// The examples that are the peers.
const PROGRAMS: [&str; 2] = ["abi_peer", "abi_tail"];
/// How often each peer adds 1.
const ADDS: u64 = 10_000;
/// What a peer adds that holds the object.
const HELD: u64 = 1_000_000;

/// Whether to install.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Install what is missing with apt-get (as root, on Debian)
    #[arg(long)]
    install: bool,
}

/// Builds the peers and lets each be the first on an object that the other joins.
pub(crate) fn run(args: Args) -> Outcome {
    let packages = [second::PACKAGES, PACKAGES].concat();
    step("tools", || second::tools("test-abi", &packages, missing, args.install))?;
    let wide = built("build x86_64", build_64)?;
    let narrow = built("build i686", build_32)?;
    for (first, second) in [(&narrow, &wide), (&wide, &narrow)] {
        let name = format!("{} creates", first.bits);
        step(&name, || share(first, second))?;
        step(&format!("{name} tails"), || tails::share(first, second))?;
    }
    step("what does not fit", || tails::refuse(&narrow, &wide))
}

/// A build as a step.
fn built(name: &str, build: fn() -> Result<Build, String>) -> Result<Build, String> {
    let mut done = None;
    step(name, || {
        done = Some(build()?);
        Ok(String::new())
    })?;
    done.ok_or_else(|| format!("{name}: nothing was built"))
}

/// What is needed and not there, in words.
fn missing() -> Vec<String> {
    let mut missing = second::missing();
    if quietly(with(LINKER, &["--version"])).is_err() {
        missing.push(format!("{LINKER}: the 32-bit linker"));
    }
    if !Path::new(LOADER).exists() {
        missing.push(format!("{LOADER}: the 32-bit C library"));
    }
    missing
}

/// The programs, built for one target.
struct Build {
    bits: &'static str,
    /// Where they are.
    folder: PathBuf,
    /// Whether this machine needs to be told where the 32-bit C library is.
    foreign: bool,
}

impl Build {
    fn new(bits: &'static str, folder: PathBuf, foreign: bool) -> Result<Self, String> {
        let build = Self { bits, folder, foreign };
        match PROGRAMS.iter().find(|program| !build.folder.join(program).exists()) {
            Some(missing) => Err(format!("cargo built no {missing} in {}", build.folder.display())),
            None => Ok(build),
        }
    }

    /// The command for one call of a program's contract.
    fn command(&self, program: &str, folder: &Path, arguments: &[&str]) -> Command {
        let program = self.folder.join(program);
        let mut command = if self.foreign {
            let mut loader = with(LOADER, &["--library-path", LIBRARIES]);
            loader.arg(program);
            loader
        } else {
            Command::new(program)
        };
        command.env("COHABIT_DIR", folder).arg("abi").args(arguments);
        command
    }

    fn run(&self, program: &str, folder: &Path, arguments: &[&str]) -> Result<Peer, String> {
        let name = format!("the {} peer ({})", self.bits, arguments.join(" "));
        Peer::start(&name, self.command(program, folder, arguments))
    }

    fn start(&self, folder: &Path, arguments: &[&str]) -> Result<Peer, String> {
        self.run(PROGRAMS[0], folder, arguments)
    }

    /// The object as this peer sees it.
    fn get(&self, folder: &Path) -> Result<Value, String> {
        let peer = self.start(folder, &["get"])?;
        let seen = json(&peer.line()?)?;
        peer.finish()?;
        Ok(seen)
    }
}

/// The command that builds the programs, but for their target.
fn build_command() -> Command {
    let mut command = cargo();
    command.args(["build", "--quiet", "--release", "--package", "cohabit"]);
    for program in PROGRAMS {
        command.args(["--example", program]);
    }
    command.arg("--target-dir").arg(target_dir().join("abi"));
    command
}

fn build_64() -> Result<Build, String> {
    openly(&mut build_command())?;
    Build::new("x86_64", target_dir().join("abi/release/examples"), false)
}

fn build_32() -> Result<Build, String> {
    let mut command = build_command();
    second::build_for(TARGET, &mut command);
    command.env("CARGO_TARGET_I686_UNKNOWN_LINUX_GNU_LINKER", LINKER);
    openly(&mut command)?;
    let folder = target_dir().join(format!("abi/{TARGET}/release/examples"));
    Build::new("i686", folder, true)
}

/// One object: `first` makes it, both read it, both add, each survives the other's death.
fn share(first: &Build, second: &Build) -> Result<String, String> {
    let sandbox = Sandbox::for_objects("abi")?;
    let folder = sandbox.path();
    let creator = first.start(folder, &["create"])?;
    creator.line()?;
    let made = first.get(folder)?;
    agree(&made, &second.get(folder)?, "after it was made")?;

    add_together(first, second, folder)?;
    let sum = second.get(folder)?;
    agree(&first.get(folder)?, &sum, "after both added")?;
    let (found, expected) = (counter(&sum)?, counter(&made)? + HELD + 2 * ADDS);
    if found != expected {
        return Err(format!("the counter is {found}, expected {expected}"));
    }
    if sum["hits"] != 2 * ADDS {
        return Err(format!("the hits are {}, expected {}", sum["hits"], 2 * ADDS));
    }

    for (dying, living) in [(first, second), (second, first)] {
        survive(dying, living, folder)?;
    }
    creator.finish()?;
    match sandbox.files().as_slice() {
        [] => Ok(format!("{} fields agree, counter exact, both deaths survived", fields(&sum))),
        [left, ..] => Err(format!("{} was left behind", left.display())),
    }
}

/// Both add at the same time: they wait for one that holds the object, and go on together.
fn add_together(first: &Build, second: &Build, folder: &Path) -> Outcome {
    let holder = first.start(folder, &["hold"])?;
    holder.expect("holding")?;
    let count = ADDS.to_string();
    let one = first.start(folder, &["add", &count])?;
    let other = second.start(folder, &["add", &count])?;
    // Long enough for both to reach the lock. If it is not, the sum is as exact and less is shown.
    std::thread::sleep(Duration::from_millis(200));
    holder.finish()?;
    one.finish()?;
    other.finish().map(drop)
}

/// One is killed while it holds the object; the other goes on, and nothing half done is seen.
fn survive(dying: &Build, living: &Build, folder: &Path) -> Outcome {
    let before = living.get(folder)?;
    let holder = dying.start(folder, &["hold"])?;
    holder.expect("holding")?;
    agree(&before, &living.get(folder)?, "while it is held")?;
    holder.kill()?;
    living.start(folder, &["add", "1"])?.finish()?;
    let after = counter(&living.get(folder)?)?;
    let expected = counter(&before)? + 1;
    if after == expected {
        return Ok(());
    }
    let (dead, alive) = (dying.bits, living.bits);
    Err(format!("{dead} was killed, {alive} added 1: counter is {after}, expected {expected}"))
}

fn json(line: &str) -> Result<Value, String> {
    serde_json::from_str(line).map_err(|e| format!("a peer printed no JSON (`{line}`): {e}"))
}

fn counter(object: &Value) -> Result<u64, String> {
    object["counter"].as_u64().ok_or_else(|| format!("no number `counter` in {object}"))
}

fn fields(object: &Value) -> usize {
    object.as_object().map_or(0, serde_json::Map::len)
}

fn agree(one: &Value, other: &Value, when: &str) -> Outcome {
    if one == other {
        return Ok(());
    }
    Err(format!("the peers do not agree {when}:\n  {one}\n  {other}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_read_and_a_difference_is_told() {
        let one = json(r#"{"counter": 7, "half": 0.5}"#).unwrap();
        assert_eq!(counter(&one), Ok(7));
        assert_eq!(fields(&one), 2);
        let other = json(r#"{"counter": 7, "half": 0.25}"#).unwrap();
        assert!(agree(&one, &other, "now").unwrap_err().contains("0.25"));
        assert!(counter(&json("{}").unwrap()).is_err());
        assert!(json("no").is_err());
    }
}

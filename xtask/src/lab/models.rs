//! `cargo xtask lab models`: the protocols by themselves, under the schedules that the memory model allows.
//!
//! The models are a workspace of their own (`crates/cohabit-models`), since the same files are compiled
//! there with other atomics: with loom's, where every schedule is run, and with those that shuttle
//! schedules, of models that are too long for that.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::evidence::{self, Section};
use crate::tools::{Outcome, cargo, root, target_dir};

/// Along how many schedules shuttle runs each model, without and with `--full`.
const SCHEDULES: [u64; 2] = [2_000, 100_000];

/// `cargo xtask lab models`.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Fifty times as many schedules of the long models, recorded in docs/crash-evidence.md
    #[arg(long)]
    full: bool,
    /// What the schedules of the long models are drawn from
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Only models with this in their name
    #[arg(long)]
    only: Option<String>,
}

/// Builds and runs the models; all are run, also after one failed.
pub(super) fn run(args: &Args) -> Outcome {
    let start = Instant::now();
    let schedules = SCHEDULES[usize::from(args.full)];
    let every = one(args, "loom", &[]);
    let drawn = one(args, "shuttle", &[("SCHEDULES", schedules), ("SEED", args.seed)]);
    let (every, drawn) = (every?, drawn?);
    if every + drawn == 0 {
        return Err(format!("no model has {:?} in its name", args.only));
    }
    let total = u64::try_from(drawn).map_or(0, |models| models * schedules);
    let line = format!("{drawn} models, {total} schedules of seed {}", args.seed);
    println!("\nunder every schedule: {every} models; along drawn ones: {line}");
    if !args.full || args.only.is_some() {
        return Ok(());
    }
    evidence::record(&Section {
        name: "models".into(),
        command: format!("cargo xtask lab models --full --seed {}", args.seed),
        took: start.elapsed(),
        rows: vec![
            ("models under every schedule, by loom", every.to_string()),
            ("models along drawn schedules, by shuttle", drawn.to_string()),
            ("schedules of each", schedules.to_string()),
            ("failures", "0".into()),
        ],
        more: String::new(),
    })
}

/// Runs the models of one of the two; how many there were.
fn one(args: &Args, by: &str, settings: &[(&str, u64)]) -> Result<usize, String> {
    let mut command = command(by);
    command.args(["--", "--skip", "token::tests"]).args(&args.only);
    for (name, value) in settings {
        command.env(format!("COHABIT_{name}"), value.to_string());
    }
    counted(command)
}

/// What builds and runs them.
fn command(by: &str) -> Command {
    let mut command = cargo();
    command.args(["test", "--release", "--no-fail-fast", "--locked", "--lib", "--manifest-path"]);
    command.arg(root().join("crates/cohabit-models/Cargo.toml"));
    // Flags that differ would build everything anew in one folder.
    let folder = if by == "loom" { "models".to_owned() } else { format!("models-{by}") };
    command.arg("--target-dir").arg(target_dir().join(folder));
    command.env("RUSTFLAGS", format!("--cfg {by} -Dwarnings")).env("RUST_BACKTRACE", "0");
    command
}

/// Runs it, prints what it says, and counts the tests that passed.
fn counted(mut command: Command) -> Result<usize, String> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|e| format!("cannot start cargo: {e}"))?;
    let output = child.stdout.take().ok_or("cargo has no output")?;
    let mut passed = 0;
    for line in BufReader::new(output).lines() {
        let line = line.map_err(|e| format!("cannot read what cargo says: {e}"))?;
        passed += usize::from(line.starts_with("test ") && line.ends_with(" ... ok"));
        println!("{line}");
    }
    let status = child.wait().map_err(|e| format!("cannot wait for cargo: {e}"))?;
    if status.success() { Ok(passed) } else { Err("a model failed".into()) }
}

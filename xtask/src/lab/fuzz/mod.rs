//! `lab fuzz`: everything that is read from bytes, under a fuzzer that follows coverage.
//!
//! The engine is libFuzzer, through the crate `libfuzzer-sys`; what it calls is `crates/cohabit-fuzz`. Each
//! target begins with seeds that the library makes itself, and with every input that was found once
//! (`crates/cohabit-fuzz/found`). A finding is a panic, a report of AddressSanitizer, an input that takes
//! [`TIMEOUT_S`], or one that takes [`MEMORY_MIB`]; it is kept, and is to be put among the found ones.
//!
//! First a careless reader is fuzzed, in which the engine must find what no dice do.

mod job;

use super::evidence::{self, Section};
use super::sanitized;
use crate::tools::{root, target_dir};
use job::{Bench, Job, Outcome};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What cargo-fuzz hands to the compiler: counters at each edge, and what is compared with what.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// A call that takes so long, in seconds, hangs.
pub(super) const TIMEOUT_S: u64 = 25;
/// An input that makes a program take so much memory, in MiB, is a finding.
pub(super) const MEMORY_MIB: u64 = 2048;

/// What is fuzzed, and how much of each thousand executions it gets, by how quick it is.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) name: &'static str,
    share: u64,
    /// Processes that fuzz it beside each other, on what they find together.
    lanes: u64,
    /// The longest input, in bytes.
    pub(super) longest: u64,
}

/// Who attaches to what is torn waits for it to become whole, up to 100 ms: so there are more of them at once.
const TARGETS: [Target; 4] = [
    Target { name: "attach", share: 60, lanes: 8, longest: 4096 },
    Target { name: "schema", share: 440, lanes: 2, longest: 1024 },
    Target { name: "text", share: 490, lanes: 2, longest: 256 },
    Target { name: "command", share: 10, lanes: 2, longest: 512 },
];

/// A target that must be found wrong.
const CHEAT: Target = Target { name: "cheat", share: 0, lanes: 1, longest: 64 };

/// Executions of a run that is recorded, and of one that is not.
const FULL: u64 = 10_000_000;
const QUICK: u64 = 200_000;
/// Executions in which the cheat must be found: many times as many as it takes.
const CHEAT_RUNS: u64 = 3_000_000;

/// `cargo xtask lab fuzz`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Ten million executions, recorded in docs/crash-evidence.md
    #[arg(long)]
    full: bool,
    /// How many executions, of all targets together
    #[arg(long)]
    runs: Option<u64>,
    /// Only this target: attach, schema, text or command; may be given several times
    #[arg(long, value_parser = ["attach", "schema", "text", "command"])]
    target: Vec<String>,
    /// What the mutations begin with
    #[arg(long)]
    seed: Option<u64>,
    /// Begin with what the last runs came to, instead of the seeds alone
    #[arg(long)]
    resume: bool,
    /// Only run this input of the one target that is named
    #[arg(long, value_name = "FILE", requires = "target")]
    input: Option<PathBuf>,
}

/// Fuzzes.
///
/// # Errors
/// Something was found, the cheat was not, or the laboratory itself failed.
pub(super) fn run(args: &Args) -> Result<(), String> {
    let seed = args.seed.unwrap_or_else(|| u64::from(std::process::id()) % 10_000);
    let program = sanitized::compile("cohabit-fuzz", COVERAGE)?;
    let bench = Bench {
        program,
        kept: target_dir().join("fuzz"),
        crate_folder: root().join("crates/cohabit-fuzz"),
    };
    if let Some(input) = &args.input {
        return bench.again(&args.target[0], input);
    }
    println!("fuzz, seed {seed}: libFuzzer, {}", bench.program.checks());
    let runs = args.runs.unwrap_or(if args.full { FULL } else { QUICK });
    let is_chosen = |target: &&Target| {
        args.target.is_empty() || args.target.iter().any(|name| name == target.name)
    };
    let targets: Vec<&Target> = TARGETS.iter().filter(is_chosen).collect();
    bench.prepare(targets.iter().copied().chain([&CHEAT]), args.resume)?;
    cheat(&bench, seed)?;
    let started = Instant::now();
    let outcomes = all(&bench, &targets, runs, seed);
    summary(args, seed, &outcomes?, started)
}

/// The engine must find what is wrong with the careless reader.
fn cheat(bench: &Bench, seed: u64) -> Result<(), String> {
    let outcome = bench.fuzz(&Job { target: &CHEAT, runs: CHEAT_RUNS, seed })?;
    match &outcome.finding {
        Some(text) if !bench.program.is_sanitized || text.contains("AddressSanitizer") => {
            println!("a careless reader is found: {}", outcome.line());
            Ok(())
        }
        // Without the sanitizer, what it reads is there by chance.
        None if !bench.program.is_sanitized => Ok(()),
        other => {
            Err(format!("a careless reader is not found in {CHEAT_RUNS} executions: {other:?}"))
        }
    }
}

/// Fuzzes the targets one after the other, in several processes each.
fn all(bench: &Bench, targets: &[&Target], runs: u64, seed: u64) -> Result<Vec<Outcome>, String> {
    let shares: u64 = targets.iter().map(|target| target.share).sum();
    let mut outcomes = Vec::new();
    for target in targets {
        let runs = (runs * target.share).div_ceil(shares * target.lanes);
        let lanes: Mutex<Vec<Result<Outcome, String>>> = Mutex::default();
        std::thread::scope(|scope| {
            for lane in 0..target.lanes {
                let job = Job { target, runs, seed: seed * target.lanes + lane + 1 };
                let lanes = &lanes;
                scope.spawn(move || {
                    let outcome = bench.fuzz(&job);
                    locked(lanes).push(outcome);
                });
            }
        });
        let together = lanes.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter();
        let together = together.collect::<Result<Vec<_>, _>>()?.into_iter().reduce(Outcome::with);
        let outcome = together.ok_or("no process")?;
        println!("{}", outcome.line());
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn summary(args: &Args, seed: u64, outcomes: &[Outcome], started: Instant) -> Result<(), String> {
    let took = started.elapsed();
    let runs: u64 = outcomes.iter().map(|outcome| outcome.runs).sum();
    let findings: Vec<&str> =
        outcomes.iter().filter_map(|outcome| outcome.finding.as_deref()).collect();
    println!("{runs} executions in {} s, {} findings", took.as_secs(), findings.len());
    if !findings.is_empty() {
        findings.iter().for_each(|text| println!("FOUND: {text}"));
        return Err(
            "something was found; its input is named above: put it into crates/cohabit-fuzz/found"
                .to_owned(),
        );
    }
    if args.full {
        let table: Vec<String> = outcomes.iter().map(Outcome::line).collect();
        let resumed = if args.resume { " --resume" } else { "" };
        evidence::record(&Section {
            name: "fuzz".to_owned(),
            command: format!("cargo xtask lab fuzz --full --seed {seed}{resumed}"),
            took,
            rows: vec![
                ("engine", "libFuzzer, following coverage".to_owned()),
                ("executions", runs.to_string()),
                ("inputs found before, run again", found_before(&root()).to_string()),
                ("findings", findings.len().to_string()),
            ],
            more: format!("```text\n{}\n```\n", table.join("\n")),
        })?;
    }
    Ok(())
}

/// How many inputs there are that were found once.
fn found_before(root: &Path) -> usize {
    let folder = |target: &Target| root.join("crates/cohabit-fuzz/found").join(target.name);
    let files =
        TARGETS.iter().map(|target| fs::read_dir(folder(target)).map_or(0, Iterator::count));
    files.sum()
}

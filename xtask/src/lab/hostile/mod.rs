//! `lab hostile`: the whole segment is overwritten while victims use all of it.
//!
//! Each round is a folder of its own, six processes that use its two objects (typed users, one of locks, a
//! guest, an observer, one that comes and goes), and a peer that overwrites their files, at random or by
//! what it knows of the format (`crates/cohabit-hostile`), all compiled with AddressSanitizer, overflow
//! checks and debug assertions. What is found wrong: a signal, a report, a panic, a call beyond its
//! deadline by far, bits that are no value. After the files were made shorter, SIGBUS is what SAFETY.md says.
//!
//! Before the rounds, victims cheat: each way to find something is tried.

mod round;

use super::evidence::{self, Section};
use super::list::{self, What};
use super::sanitized::{self, Program};
use super::storm::Dice;
use round::{NO_CHEAT, Plan, Tally};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long rounds are begun: of a run that is recorded, and of one that is not.
const FULL: Duration = Duration::from_secs(600);
const QUICK: Duration = Duration::from_secs(25);

/// How the peer chooses, and what it may cost: see the crate's `vandal`.
const MODES: [&str; 6] = ["noise", "object", "frame", "all", "wipe", "cut"];

/// What victims do wrong, and the words by which that is found.
const CHEATS: [(&str, &str); 5] = [
    ("index", "AddressSanitizer"),
    ("panic", "panicked"),
    ("sum", "overflow"),
    ("hang", "hang"),
    ("bits", "bad bits"),
];

/// Rounds that run beside each other.
const LANES: usize = 2;

/// `cargo xtask lab hostile`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Ten minutes, recorded in docs/crash-evidence.md
    #[arg(long)]
    full: bool,
    /// What the peer writes where; what the scheduler adds is not repeated by it
    #[arg(long)]
    seed: Option<u64>,
    /// For how long rounds are begun, in seconds
    #[arg(long)]
    seconds: Option<u64>,
    /// Only rounds of this mode: noise, object, frame, all, wipe or cut
    #[arg(long, value_parser = MODES)]
    mode: Option<String>,
}

/// What is known while rounds run.
#[derive(Debug, Default)]
struct State {
    begun: usize,
    rounds: u64,
    tally: Tally,
    findings: Vec<String>,
}

struct Hostile {
    program: Program,
    seed: u64,
    modes: Vec<&'static str>,
    lasts: Duration,
    started: Instant,
    state: Mutex<State>,
}

/// Runs rounds for a while.
///
/// # Errors
/// Something was found, a cheat was not found, or the laboratory itself failed.
pub(super) fn run(args: &Args) -> Result<(), String> {
    let seed = args.seed.unwrap_or_else(|| u64::from(std::process::id()) % 10_000);
    let program = sanitized::compile("cohabit-hostile", "")?;
    println!("hostile, seed {seed}: {}", program.checks());
    cheats(&program, seed)?;
    let lasts = args.seconds.map_or(if args.full { FULL } else { QUICK }, Duration::from_secs);
    let chosen = |mode: &&str| args.mode.as_deref().is_none_or(|name| name == *mode);
    let modes = MODES.into_iter().filter(chosen).collect();
    let (started, state) = (Instant::now(), Mutex::default());
    let hostile = Hostile { program, seed, modes, lasts, started, state };
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| hostile.rounds());
        }
    });
    hostile.summary(args)
}

/// Lets victims cheat, one way after the other: each must be found.
fn cheats(program: &Program, seed: u64) -> Result<(), String> {
    for (cheat, word) in CHEATS {
        if cheat == "index" && !program.is_sanitized {
            continue;
        }
        let plan = Plan { mode: "object", place: "folder", seed, cheat };
        match round::run(program, &plan) {
            Err(text) if text.contains(word) => {}
            Err(text) => {
                return Err(format!(
                    "a victim that cheats ({cheat}) was found by this only: {text}"
                ));
            }
            Ok(_) => return Err(format!("a victim that cheats was not found: {cheat}")),
        }
    }
    println!("{} kinds of victims that cheat are found", CHEATS.len());
    Ok(())
}

impl Hostile {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs rounds one after the other, until the time is over or something was found.
    fn rounds(&self) {
        while self.started.elapsed() < self.lasts && self.state().findings.is_empty() {
            let index = {
                let mut state = self.state();
                state.begun += 1;
                state.begun - 1
            };
            let place = if index / self.modes.len() % 3 == 2 { "machine" } else { "folder" };
            let mode = self.modes[index % self.modes.len()];
            let seed = Dice::new(self.seed << 20 | index as u64).next();
            let outcome = round::run(&self.program, &Plan { mode, place, seed, cheat: NO_CHEAT });
            let mut state = self.state();
            state.rounds += 1;
            match outcome {
                Ok(tally) => state.tally.add(tally),
                Err(text) => {
                    println!("FOUND in round {index} ({mode}, {place}):\n{text}");
                    state.findings.push(format!("round {index}, {mode}"));
                }
            }
        }
    }

    fn summary(&self, args: &Args) -> Result<(), String> {
        let (state, took) = (self.state(), self.started.elapsed());
        let sums = state.tally.calls.values().fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        let kinds: Vec<String> =
            state.tally.kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        let (used, all, unused) = self.used(&state.tally);
        let rows = vec![
            ("compiled with", self.program.checks().to_owned()),
            ("rounds", state.rounds.to_string()),
            ("victims", state.tally.victims.to_string()),
            ("calls that worked", sums.0.to_string()),
            ("calls that were refused", sums.1.to_string()),
            ("ended by SIGBUS, their file having been cut", state.tally.cut.to_string()),
            ("registered operations on cells that were used", format!("{used} of {all}")),
            ("findings", state.findings.len().to_string()),
        ];
        rows.iter().for_each(|(what, figure)| println!("{what:<46} {figure}"));
        println!("refused as: {}", kinds.join(", "));
        println!(
            "registered and not used (waits without a deadline, or new): {}",
            unused.join(", ")
        );
        if !state.findings.is_empty() {
            let (seed, found) = (self.seed, state.findings.join("; "));
            return Err(format!("found: {found}; again: cargo xtask lab hostile --seed {seed}"));
        }
        if sums.0 == 0 || sums.1 == 0 {
            return Err("nothing was put to the test".to_owned());
        }
        if args.full {
            evidence::record(&Section {
                name: "hostile".to_owned(),
                command: format!("cargo xtask lab hostile --full --seed {}", self.seed),
                took,
                rows,
                more: format!("Calls were refused as: {}.", kinds.join(", ")),
            })?;
        }
        Ok(())
    }

    /// How many of the registered operations on cells the victims used, of how many, and which not.
    fn used(&self, tally: &Tally) -> (usize, usize, Vec<&'static str>) {
        let of_cells =
            list::all().filter(|operation| !matches!(operation.what, What::Life | What::Handle));
        let all: BTreeSet<&str> =
            of_cells.flat_map(|operation| operation.covers).copied().collect();
        let unused = all.iter().filter(|name| !tally.calls.contains_key(**name)).copied();
        let unused: Vec<&str> = unused.collect();
        (all.len() - unused.len(), all.len(), unused)
    }
}

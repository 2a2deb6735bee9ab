//! `lab storm`: processes of all kinds, killed every few milliseconds, and exact oracles.
//!
//! Arenas run beside each other, each with objects of its own and one of the [`kinds`] of actors. An
//! arena is a process that forks its actors and kills them ([`arena`]); what they have done is known from
//! memory of the arena's own ([`truth`]), not from what the objects say. A violation ends its arena, and
//! the storm with exit code 1.
//!
//! - `kinds`: what actors do and what must hold: one file for each kind · `actor`: what all of them have
//! - `latency`: how long others wait for what a victim held, measured when the arenas are over
//! - `arena`: kills, seats, the watchdog · `truth`: what really happened · `fork`: actors as children
mod actor;
mod arena;
pub(super) mod fork;
mod kinds;
mod latency;
mod truth;

use super::cast::child_command;
use super::evidence::{self, Section};
use super::oracle::Ground;
pub(super) use actor::Dice;
use actor::mixed;
use kinds::{ALL, Kind};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Kills of a run that is recorded, and of one that is not.
const FULL: u64 = 1_000_000;
const QUICK: u64 = 20_000;

/// `cargo xtask lab storm`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A million kills, recorded in docs/crash-evidence.md
    #[arg(long)]
    full: bool,
    /// How many kills, in all arenas together
    #[arg(long)]
    kills: Option<u64>,
    /// Who is killed when, and what the actors choose; what the scheduler adds is not repeated by it
    #[arg(long)]
    seed: Option<u64>,
    /// Only the arena of this kind; may be given several times
    #[arg(long)]
    arena: Vec<String>,
    /// What the actors are to do wrong, so that the oracle is tried
    #[arg(long, hide = true, default_value = "")]
    cheat: String,
    /// Print the kinds of arenas, and what their actors can do wrong
    #[arg(long)]
    list: bool,
}

/// What is known of an arena while it runs.
#[derive(Clone, Debug, Default)]
struct Report {
    kills: u64,
    rounds: u64,
    figures: BTreeMap<String, u64>,
    violation: Option<String>,
}

/// All arenas of one storm.
#[derive(Debug)]
struct Storm {
    kinds: Vec<&'static Kind>,
    seed: u64,
    kills: u64,
    cheat: String,
    started: Instant,
    reports: Mutex<Vec<Report>>,
}

/// Runs a storm.
///
/// # Errors
/// A promise was broken, or the laboratory itself failed.
pub(super) fn run(args: &Args) -> Result<(), String> {
    if args.list {
        list();
        return Ok(());
    }
    let seed = args.seed.unwrap_or_else(|| u64::from(std::process::id()) % 10_000);
    let kinds = chosen(&args.arena)?;
    let kills = args.kills.unwrap_or(if args.full { FULL } else { QUICK });
    println!("storm of seed {seed}: {kills} kills in {} arenas", kinds.len());
    let reports = Mutex::new(vec![Report::default(); kinds.len()]);
    let (cheat, started) = (args.cheat.clone(), Instant::now());
    let storm = Storm { kinds, seed, kills, cheat, started, reports };
    std::thread::scope(|scope| {
        let storm = &storm;
        let arenas: Vec<_> =
            (0..storm.kinds.len()).map(|index| scope.spawn(move || storm.arena(index))).collect();
        let all_over = || arenas.iter().all(std::thread::ScopedJoinHandle::is_finished);
        let mut told = Instant::now();
        while !all_over() {
            std::thread::sleep(Duration::from_millis(50));
            if told.elapsed() > Duration::from_secs(10) {
                storm.progress();
                told = Instant::now();
            }
        }
    });
    storm.summary(args)
}

fn list() {
    for kind in ALL {
        let roles = kind.roles.iter().map(|role| format!("{} {}", role.seats, role.name));
        println!("{:<8} {}", kind.name, roles.collect::<Vec<_>>().join(", "));
        for (cheat, found) in kind.cheats {
            println!("         --cheat {cheat:<10} is found: {found}");
        }
    }
}

fn chosen(names: &[String]) -> Result<Vec<&'static Kind>, String> {
    if names.is_empty() {
        return Ok(ALL.to_vec());
    }
    let kind =
        |name: &String| kinds::named(name).ok_or_else(|| format!("no arena {name}; see --list"));
    names.iter().map(kind).collect()
}

/// A number, as children are told it.
fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| format!("no number: {word}"))
}

/// What the storm starts: arenas and series, each a process of its own.
pub(super) fn child(words: &[&str]) -> Result<(), String> {
    match words {
        ["arena", words @ ..] => arena_child(words),
        ["latency", words @ ..] => latency::child(words),
        _ => Err(format!("the storm has no such child: {words:?}")),
    }
}

/// `lab child storm arena KIND SEED KILLS FOLDER CHEAT PARENT`.
fn arena_child(words: &[&str]) -> Result<(), String> {
    let [kind, seed, kills, folder, cheat, parent] = words else {
        return Err(format!("an arena takes six words, not {words:?}"));
    };
    fork::follow(u32::try_from(number(parent)?).unwrap_or(0));
    let plan = arena::Plan {
        kind: kinds::named(kind).ok_or_else(|| format!("no kind {kind}"))?,
        seed: number(seed)?,
        kills: number(kills)?,
        folder: PathBuf::from(folder),
        cheat: (*cheat).to_owned(),
    };
    if let Err(text) = arena::run(plan) {
        println!("violation {}", text.replace('\n', " "));
    }
    Ok(())
}

impl Storm {
    fn reports(&self) -> MutexGuard<'_, Vec<Report>> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the arena of this number.
    fn arena(&self, index: usize) {
        if let Err(text) = self.follow(index) {
            self.reports()[index].violation.get_or_insert(text);
        }
        let violation = self.reports()[index].violation.clone();
        if let Some(text) = violation {
            println!("VIOLATION in arena {}: {text}", self.kinds[index].name);
        }
    }

    fn follow(&self, index: usize) -> Result<(), String> {
        let ground = Ground::new()?;
        let name = self.kinds[index].name;
        let words = [
            "storm".to_owned(),
            "arena".to_owned(),
            name.to_owned(),
            // Arenas of one storm do not throw the same.
            mixed(self.seed << 8 | index as u64).to_string(),
            self.kills.div_ceil(self.kinds.len() as u64).to_string(),
            ground.folder().display().to_string(),
            self.cheat.clone(),
            std::process::id().to_string(),
        ];
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = child_command(&words)?;
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = started.map_err(|error| format!("does not start: {error}"))?;
        let out = child.stdout.take().ok_or("no pipe")?;
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            self.hear(index, &line);
        }
        let status = child.wait().map_err(|error| format!("does not end: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("ended with {status}")) }
    }

    fn hear(&self, index: usize, line: &str) {
        let number = |word: &str| word.parse().unwrap_or(0);
        let report = &mut self.reports()[index];
        match line.split_once(' ') {
            Some(("violation", text)) => report.violation = Some(text.to_owned()),
            Some(("progress", numbers)) => {
                let (kills, rounds) = numbers.split_once(' ').unwrap_or_default();
                (report.kills, report.rounds) = (number(kills), number(rounds));
            }
            Some(("figure", figure)) => {
                let (name, value) = figure.split_once(' ').unwrap_or_default();
                report.figures.insert(name.to_owned(), number(value));
            }
            _ => println!("{}: {line}", self.kinds[index].name),
        }
    }

    fn progress(&self) {
        let reports = self.reports();
        let kills: u64 = reports.iter().map(|report| report.kills).sum();
        let violations = reports.iter().filter(|report| report.violation.is_some()).count();
        let seconds = self.started.elapsed().as_secs();
        let rate = kills / seconds.max(1);
        println!("{seconds:>5} s  {kills} kills, {rate} a second, {violations} violations");
    }

    fn summary(&self, args: &Args) -> Result<(), String> {
        let took = self.started.elapsed();
        let table = self.table();
        println!("\n{table}");
        let reports = self.reports();
        let sum = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
        let (kills, rounds) = (sum(|report| report.kills), sum(|report| report.rounds));
        let figure = |report: &Report, name: &str| report.figures.get(name).copied().unwrap_or(0);
        let inside = reports.iter().map(|report| figure(report, "inside")).sum::<u64>();
        let violations = reports.iter().filter(|report| report.violation.is_some()).count();
        let rate = kills as f64 / took.as_secs_f64();
        println!(
            "{kills} kills ({inside} inside of a call), {rate:.0} a second, {rounds} calls, \
             {violations} violations"
        );
        if violations > 0 {
            let (seed, arenas) = (self.seed, self.broken(&reports));
            return Err(format!(
                "{violations} violations; to repeat: cargo xtask lab storm --seed {seed} --kills {}{arenas}",
                self.kills
            ));
        }
        drop(reports);
        let mut latencies = String::new();
        // A storm of one kind only is there to look for something else.
        for series in latency::series(args.full).into_iter().filter(|_| args.arena.is_empty()) {
            let text = latency::measure(series, self.seed)?;
            print!("{text}");
            latencies.push_str(&text);
        }
        if args.full {
            evidence::record(&Section {
                name: "storm".to_owned(),
                command: format!("cargo xtask lab storm --full --seed {}", self.seed),
                took,
                rows: vec![
                    ("arenas", self.kinds.len().to_string()),
                    ("kills", kills.to_string()),
                    ("kills inside of a call", inside.to_string()),
                    ("kills a second", format!("{rate:.0}")),
                    ("calls", rounds.to_string()),
                    ("violations", violations.to_string()),
                ],
                more: format!("```text\n{table}\n{latencies}```\n"),
            })?;
        }
        Ok(())
    }

    /// The options that repeat only what went wrong, with as many kills in each arena.
    fn broken(&self, reports: &[Report]) -> String {
        let broken =
            self.kinds.iter().zip(reports).filter(|(_, report)| report.violation.is_some());
        broken.map(|(kind, _)| format!(" --arena {}", kind.name)).collect()
    }

    fn table(&self) -> String {
        let mut table = format!(
            "{:<10} {:>9} {:>9} {:>12} {:>8} {:>8}\n",
            "arena", "kills", "in a call", "calls", "stopped", "left"
        );
        for (kind, report) in self.kinds.iter().zip(self.reports().iter()) {
            let figure = |name: &str| report.figures.get(name).copied().unwrap_or(0);
            let numbers =
                [report.kills, figure("inside"), report.rounds, figure("stops"), figure("exits")];
            let [kills, inside, rounds, stops, exits] = numbers;
            table.push_str(&format!(
                "{:<10} {kills:>9} {inside:>9} {rounds:>12} {stops:>8} {exits:>8}\n",
                kind.name
            ));
        }
        table
    }
}

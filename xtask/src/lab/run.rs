//! `lab step`: every operation that was asked for, on all processors, and a table at the end.
//!
//! Each operation has a stage of its own (folder, survivors, victims), so that operations run
//! beside each other without meeting. All of one operation happens on one thread, since only the
//! thread that started a victim may trace it.
use super::evidence::{self, Section};
use super::list::{self, Effect, Operation, Scene, Touch, What};
use super::oracle::cells::CellsStage;
use super::oracle::handle::HandleStage;
use super::oracle::life::LifeStage;
use super::oracle::locks::LocksStage;
use super::oracle::value::ValueStage;
use super::step::{self, Outcome, Stage, State};
use super::trace::Method;
use super::{Oracle, StepArgs, full};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Where Linux puts a position-independent program without randomisation.
const PROGRAM_AT: u64 = 0x5555_5555_4000;
/// Violations of one operation that are printed in full.
const SHOWN: usize = 12;

/// One operation to run: one row of the table.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) operation: &'static Operation,
    kind: Kind,
}

/// How a job is run.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// On a value of so many bytes, or on a slice.
    Value(Effect, &'static str),
    /// On cells without a lock.
    Cells(Touch),
    /// On a lock.
    Locks,
    /// On the life of an object.
    Life,
    /// On the life of an object without a name.
    Handle,
}

/// Runs what was asked for.
pub(super) fn run(args: &StepArgs) -> Result<(), String> {
    let start = Instant::now();
    let jobs = jobs(args);
    if jobs.is_empty() {
        return Err(format!("no operation is called {:?}; see `lab list`", args.operation));
    }
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    let work = || {
        while let Some((index, job)) = Some(next.fetch_add(1, Relaxed))
            .and_then(|index| jobs.get(index).map(|job| (index, job)))
        {
            let row = one(job, args).map_err(|error| format!("{}: {error}", job.name));
            let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
            report(job, &row, args);
            rows.push((index, row));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    rows.sort_by_key(|(index, _)| *index);
    let totals = summary(&jobs, rows.into_iter().map(|(_, row)| row).collect(), start)?;
    let instructions = if args.full { full::run(&jobs, args)? } else { full::Totals::default() };
    if args.full {
        record_run(args, jobs.len(), &totals, &instructions, start)?;
    }
    match (totals.violations + instructions.violations, totals.missed) {
        (0, 0) => Ok(()),
        (violations, missed) => Err(format!("{violations} violations, {missed} states missed")),
    }
}

fn jobs(args: &StepArgs) -> Vec<Job> {
    let asked = |operation: &&Operation| {
        args.operation.is_empty() || args.operation.iter().any(|name| name == operation.name)
    };
    if args.what == Oracle::Life {
        let job = |operation: &'static Operation| {
            let kind = match operation.what {
                What::Handle => Kind::Handle,
                _ => Kind::Life,
            };
            Job { name: operation.name.to_owned(), operation, kind }
        };
        return list::of_life().filter(asked).map(job).collect();
    }
    if args.what == Oracle::Cells {
        let job = |(operation, touch): (&'static Operation, _)| Job {
            name: operation.name.to_owned(),
            operation,
            kind: Kind::Cells(touch),
        };
        return list::of_cells().filter(|(operation, _)| asked(operation)).map(job).collect();
    }
    if args.what == Oracle::Locks {
        let job = |operation: &'static Operation| {
            let name = operation.name.to_owned();
            Job { name, operation, kind: Kind::Locks }
        };
        return list::of_locks().filter(asked).map(job).collect();
    }
    let all = list::of_value().filter(|(operation, _)| asked(operation));
    let sized = all.flat_map(|(operation, effect)| {
        sizes(operation, args).into_iter().map(move |size| {
            let bytes = if size == "slice" { "" } else { " bytes" };
            let name = format!("{} ({size}{bytes})", operation.name);
            Job { name, operation, kind: Kind::Value(effect, size) }
        })
    });
    sized.collect()
}

/// Only the large value can be torn; the small one is run where the whole is written. An older
/// program's writes must keep what it does not know. A slice has calls of its own for most things.
fn sizes(operation: &Operation, args: &StepArgs) -> Vec<&'static str> {
    let name = operation.name;
    let grows = ["set", "set_from", "set_part", "update", "update_takeover", "untyped_update"];
    let mut sizes = vec!["72"];
    sizes.extend((args.full || name == "set").then_some("8"));
    sizes.extend((args.full || grows.contains(&name)).then_some("128"));
    sizes.extend(list::ON_SLICES.contains(&name).then_some("slice"));
    sizes
}

/// Records and replays one operation.
fn one(job: &Job, args: &StepArgs) -> Result<(Vec<State>, Outcome), String> {
    let stage = &mut *stage_of(job, args.seed)?;
    let record = step::record(stage, Method::Faults)?;
    let mut outcome = step::replay(stage, &record)?;
    // Who waits beside the victim writes too, and finds more time for it the slower the victim runs.
    let alone = !matches!(job.operation.scene, Scene::Awaited | Scene::LongAwaited);
    if args.full && alone && !job.operation.served {
        let by_steps = step::record(stage, Method::Steps)?;
        outcome.violations.extend(differs(&record.states, &by_steps.states));
    }
    Ok((record.states, outcome))
}

/// The stage on which an operation is run.
pub(super) fn stage_of(job: &Job, seed: u64) -> Result<Box<dyn Stage>, String> {
    Ok(match job.kind {
        Kind::Value(effect, size) => {
            Box::new(ValueStage::new(job.operation, effect, size, seed)?) as Box<dyn Stage>
        }
        Kind::Cells(touch) => Box::new(CellsStage::new(job.operation, touch)?),
        Kind::Locks => Box::new(LocksStage::new(job.operation)?),
        Kind::Life => Box::new(LifeStage::new(job.operation, seed)?),
        Kind::Handle => Box::new(HandleStage::new(job.operation, seed)?),
    })
}

/// Whether two recordings name other states, and where first.
///
/// Results and ids differ from run to run, so of a call only its name counts, and of a change only
/// the word. What follows a pause by the clock depends on how long the run took, and is not
/// compared.
fn differs(faults: &[State], steps: &[State]) -> Option<String> {
    let by_faults = faults.iter().map(bare_name).chain(["the end".to_owned()]);
    let by_steps = steps.iter().map(bare_name).chain(["the end".to_owned()]);
    let timed = |(one, other): &(String, String)| one.contains("sleep") || other.contains("sleep");
    let mut pairs = by_faults.zip(by_steps).take_while(|pair| !timed(pair));
    let (one, other) = pairs.find(|(one, other)| one != other)?;
    Some(format!("recorded by write faults: {one}; instruction by instruction: {other}"))
}

/// A state's name without what differs from run to run.
fn bare_name(state: &State) -> String {
    let label = state.label.split(" = ").next().unwrap_or_default();
    let offset = label.strip_prefix("bytes +").and_then(|rest| rest.split(' ').next());
    match offset.and_then(|offset| offset.parse::<usize>().ok()) {
        Some(offset) => format!("{} word {}", state.position, offset / 8),
        None => format!("{} {label}", state.position),
    }
}

/// Prints what became of an operation, as soon as it is known.
fn report(job: &Job, row: &Result<(Vec<State>, Outcome), String>, args: &StepArgs) {
    let name = &job.name;
    let (states, outcome) = match row {
        Ok(row) => row,
        Err(error) => {
            println!("FAILED {error}");
            return;
        }
    };
    println!("{name}: {} kills in {:.1} s", outcome.kills, outcome.took.as_secs_f64());
    if args.states {
        for state in states {
            let position = state.position.to_string();
            println!("  {position:<8} {:<40} {}", state.label, located(state.address));
        }
    }
    print_violations(name, outcome);
    for text in &outcome.missed {
        println!("  MISSED {}", with_places(text));
    }
}

/// Prints the first of the promises that were broken.
pub(super) fn print_violations(name: &str, outcome: &Outcome) {
    for text in outcome.violations.iter().take(SHOWN) {
        println!("  VIOLATION {name}: {}", with_places(text));
    }
    if outcome.violations.len() > SHOWN {
        println!("  and {} violations more", outcome.violations.len() - SHOWN);
    }
}

/// What all operations showed.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    states: usize,
    kills: usize,
    violations: usize,
    missed: usize,
}

fn summary(
    jobs: &[Job],
    rows: Vec<Result<(Vec<State>, Outcome), String>>,
    start: Instant,
) -> Result<Totals, String> {
    let width = jobs.iter().map(|job| job.name.len()).max().unwrap_or(0).max("operation".len());
    println!(
        "\n{:<width$} {:>7} {:>7} {:>11} {:>7} {:>15}",
        "operation", "states", "kills", "violations", "missed", "ms to recover"
    );
    let (mut totals, mut failed) = (Totals::default(), Vec::new());
    for (job, row) in jobs.iter().zip(rows) {
        let name = &job.name;
        match row {
            Ok((states, outcome)) => {
                let broken = outcome.violations.len();
                let slowest = outcome.slowest.as_secs_f64() * 1000.0;
                let (states, killed, lost) = (states.len(), outcome.kills, outcome.missed.len());
                println!(
                    "{name:<width$} {states:>7} {killed:>7} {broken:>11} {lost:>7} {slowest:>15.1}"
                );
                totals.states += states;
                totals.kills += killed;
                totals.violations += broken;
                totals.missed += lost;
            }
            Err(error) => {
                println!("{name:<width$} FAILED");
                failed.push(error);
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let Totals { kills, violations, missed, .. } = totals;
    println!("{kills} kills, {violations} violations, {missed} states missed, {seconds:.0} s");
    if !failed.is_empty() {
        return Err(failed.join("; "));
    }
    Ok(totals)
}

/// The run as a person types it, with the profile that this program was built with.
fn command(what: &str, seed: u64) -> String {
    let release = "cargo run --release --package xtask --";
    let program = if cfg!(debug_assertions) { "cargo xtask" } else { release };
    format!("{program} lab step {what} --full --seed {seed}")
}

/// Writes the run down as evidence.
fn record_run(
    args: &StepArgs,
    operations: usize,
    totals: &Totals,
    instructions: &full::Totals,
    start: Instant,
) -> Result<(), String> {
    let what = args.name();
    let reached = instructions.reached;
    evidence::record(&Section {
        name: format!("step {what}"),
        command: command(&what, args.seed),
        took: start.elapsed(),
        rows: vec![
            ("operations", operations.to_string()),
            ("states", totals.states.to_string()),
            ("kills in states", totals.kills.to_string()),
            ("states missed", totals.missed.to_string()),
            ("instructions between states", reached.all.to_string()),
            ("of them tried", reached.done.to_string()),
            ("tried, and not passed again", reached.missed.to_string()),
            ("violations", (totals.violations + instructions.violations).to_string()),
        ],
        more: String::new(),
    })
}

/// Puts functions and lines behind the address that a text names.
fn with_places(text: &str) -> String {
    let digits = text.split("at 0x").nth(1).unwrap_or_default();
    let end = digits.find(|digit: char| !digit.is_ascii_hexdigit()).unwrap_or(digits.len());
    match u64::from_str_radix(&digits[..end], 16) {
        Ok(address) => format!("{text}\n    {}", located(address)),
        Err(_) => text.to_owned(),
    }
}

/// Function and line of an address of this program, by addr2line where the machine has it.
fn located(address: u64) -> String {
    let plain = format!("{address:#x}");
    let Some(offset) = address.checked_sub(PROGRAM_AT).filter(|offset| *offset < 1 << 32) else {
        return plain;
    };
    let program = std::fs::read_link("/proc/self/exe").unwrap_or_default();
    let mut command = Command::new("addr2line");
    command.args(["-f", "-i", "-C", "-s", "-e"]).arg(program).arg(format!("{offset:#x}"));
    let Ok(output) = command.output() else { return plain };
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().collect();
    let frames: Vec<String> = lines.chunks(2).take(6).map(|frame| frame.join(" ")).collect();
    if frames.is_empty() { plain } else { frames.join(" < ") }
}

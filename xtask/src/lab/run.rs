//! `lab step`: one operation after the other, a line of progress each, a table at the end.
use super::list::{self, Effect, Operation};
use super::oracle::life::LifeStage;
use super::oracle::value::ValueStage;
use super::step::{self, Outcome, Stage, State};
use super::trace::Method;
use super::{Oracle, StepArgs};
use std::io::{IsTerminal, Write};
use std::process::Command;
use std::time::Instant;

/// Where Linux puts a position-independent program without randomisation.
const PROGRAM_AT: u64 = 0x5555_5555_4000;
/// Violations of one operation that are printed in full.
const SHOWN: usize = 12;

/// One row of the table.
struct Row {
    name: String,
    outcome: Outcome,
}

/// Runs what was asked for.
pub(super) fn run(args: &StepArgs) -> Result<(), String> {
    let start = Instant::now();
    let mut rows = Vec::new();
    let asked = |operation: &Operation| {
        args.operation.is_empty() || args.operation.iter().any(|name| name == operation.name)
    };
    match args.what {
        Oracle::Value => {
            for (operation, effect) in list::of_value().filter(|(operation, _)| asked(operation)) {
                for &size in sizes(operation, effect, args.full) {
                    let name = format!("{} ({size} bytes)", operation.name);
                    let mut stage = ValueStage::new(operation, effect, size, args.seed)?;
                    rows.push(one(name, &mut stage, args)?);
                }
            }
        }
        Oracle::Life => {
            for operation in list::of_life().filter(|operation| asked(operation)) {
                let mut stage = LifeStage::new(operation, args.seed)?;
                rows.push(one(operation.name.to_owned(), &mut stage, args)?);
            }
        }
    }
    if rows.is_empty() {
        return Err(format!("no operation is called {:?}; see `lab list`", args.operation));
    }
    summary(&rows, start)
}

/// The large value can be torn; the small one is run where it writes.
fn sizes(operation: &Operation, effect: Effect, full: bool) -> &'static [u32] {
    let small_too = full || (effect != Effect::Reads && operation.name == "set");
    if small_too { &[8, 72] } else { &[72] }
}

fn one(name: String, stage: &mut dyn Stage, args: &StepArgs) -> Result<Row, String> {
    let in_context = |error: String| format!("{name}: {error}");
    let states = step::record(stage, Method::Faults).map_err(in_context)?;
    let mut disagreement = None;
    if args.full {
        let by_steps = step::record(stage, Method::Steps).map_err(in_context)?;
        disagreement = differs(&states, &by_steps);
    }
    if args.states {
        for state in &states {
            println!("  {:<8} {:<40} {}", state.position.to_string(), state.label, place(state));
        }
    }
    let mut outcome =
        step::replay(stage, &states, |index| progress(&name, index, states.len()))
            .map_err(in_context)?;
    outcome.violations.extend(disagreement.map(|(_, text)| text));
    finish(&name, &outcome);
    Ok(Row { name, outcome })
}

/// Whether two recordings name other states.
fn differs(faults: &[State], steps: &[State]) -> Option<(usize, String)> {
    let at = faults.iter().zip(steps).position(|(one, other)| {
        (one.position, &one.label) != (other.position, &other.label)
    });
    let at = at.or_else(|| (faults.len() != steps.len()).then_some(faults.len().min(steps.len())))?;
    let name = |states: &[State]| {
        let state = states.get(at);
        state.map_or_else(|| "the end".to_owned(), |s| format!("{} {}", s.position, s.label))
    };
    let (one, other) = (name(faults), name(steps));
    Some((at, format!("recorded by write faults: {one}; instruction by instruction: {other}")))
}

fn progress(name: &str, index: usize, states: usize) {
    let mut out = std::io::stdout().lock();
    if out.is_terminal() && index.is_multiple_of(8) {
        // Progress is for people who look on; that it cannot be written changes nothing.
        let _unseen = write!(out, "\r{name}: {index} of {states} states").and_then(|()| out.flush());
    }
}

fn finish(name: &str, outcome: &Outcome) {
    let seconds = outcome.took.as_secs_f64();
    let clear = if std::io::stdout().is_terminal() { "\r\x1b[K" } else { "" };
    println!("{clear}{name}: {} kills in {seconds:.1} s", outcome.kills);
    for text in outcome.violations.iter().take(SHOWN) {
        println!("  VIOLATION {}", with_places(text));
    }
    if outcome.violations.len() > SHOWN {
        println!("  and {} violations more", outcome.violations.len() - SHOWN);
    }
    for text in &outcome.missed {
        println!("  MISSED {}", with_places(text));
    }
}

fn summary(rows: &[Row], start: Instant) -> Result<(), String> {
    println!(
        "\n{:<36} {:>7} {:>7} {:>11} {:>7} {:>15}",
        "operation", "states", "kills", "violations", "missed", "ms to recover"
    );
    for Row { name, outcome } in rows {
        println!(
            "{name:<36} {:>7} {:>7} {:>11} {:>7} {:>15.1}",
            outcome.states,
            outcome.kills,
            outcome.violations.len(),
            outcome.missed.len(),
            outcome.slowest.as_secs_f64() * 1000.0
        );
    }
    let sum = |count: fn(&Outcome) -> usize| rows.iter().map(|row| count(&row.outcome)).sum();
    let kills: usize = sum(|outcome| outcome.kills);
    let violations: usize = sum(|outcome| outcome.violations.len());
    let missed: usize = sum(|outcome| outcome.missed.len());
    let seconds = start.elapsed().as_secs_f64();
    println!("{kills} kills, {violations} violations, {missed} states missed, {seconds:.0} s");
    match (violations, missed) {
        (0, 0) => Ok(()),
        _ => Err(format!("{violations} violations, {missed} states missed")),
    }
}

/// Puts file and line behind the addresses of a text.
fn with_places(text: &str) -> String {
    let address = text.split("at 0x").nth(1).map(|rest| {
        rest.chars().take_while(char::is_ascii_hexdigit).collect::<String>()
    });
    let place = address.and_then(|hex| u64::from_str_radix(&hex, 16).ok()).map(located);
    place.map_or_else(|| text.to_owned(), |place| format!("{text}\n    {place}"))
}

fn place(state: &State) -> String {
    located(state.address)
}

/// Function and line of an address of this program, by addr2line where the machine has it.
fn located(address: u64) -> String {
    let Some(offset) = address.checked_sub(PROGRAM_AT).filter(|offset| *offset < 1 << 32) else {
        return format!("{address:#x}");
    };
    let program = std::fs::read_link("/proc/self/exe").unwrap_or_default();
    let mut command = Command::new("addr2line");
    command.args(["-f", "-i", "-C", "-s", "-e"]).arg(program).arg(format!("{offset:#x}"));
    let Ok(output) = command.output() else { return format!("{address:#x}") };
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().collect();
    let frames = lines.chunks(2).take(6).map(|frame| frame.join(" "));
    frames.collect::<Vec<_>>().join(" < ")
}

//! `lab recovery`: what recovers may die too, or only stand still, and so may two in one window.
//!
//! For each [`list::PAIRS`], a first process is brought to a state of its operation, and a second one, the
//! victim, to a state of its own; then survivors must prove what they must after one death (see
//! [`super::step`]). What becomes of the two is the pair's [`super::pair::Fate`]: the first one is dead before the
//! victim begins, which recovers; both die before anybody recovers; or the first one dies, and the victim stands
//! still, delays nobody, or, where it holds what others need, is waited for, and goes on.
//!
//! Where the victim waits for a first one that stands still, its states are those up to its third wait: from
//! then on it goes round. Without `--full` some states are chosen by the seed. With it, all states of both are
//! taken, but for life: there, all of the first one, and for each some of the victim.
mod done;
mod list;

use super::evidence::{self, Section};
use super::pair::{Cheat, First, Pairs};
use super::step::{self, Outcome, Record, State};
use super::storm::Dice;
use super::trace::Method;
use done::{Done, Row};
use list::{Oracle, PAIRS, Pair};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// States of the first one, and of the victim for each of them, where not all are taken.
const FIRSTS: usize = 10;
const SECONDS: usize = 6;
/// States of the victim for each of the first one where all times all would take half a day: each is taken
/// with some state of the first one.
const SECONDS_OF_A_LIFE: usize = 8;
/// Waits of a victim until it goes round.
const WAITS: usize = 3;
/// Violations of one pair that are printed.
const SHOWN: usize = 12;

/// `cargo xtask lab recovery`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// All states, recorded in docs/crash-evidence.md
    #[arg(long)]
    full: bool,
    /// Which states are chosen, where the copies of a value start, and who comes before the kill
    #[arg(long)]
    seed: Option<u64>,
    /// Go on where the last `--full` run of this seed and commit was interrupted, and seek what it missed
    #[arg(long)]
    resume: bool,
    /// Only pairs whose name contains this
    #[arg(long, default_value = "")]
    pair: String,
    /// What the laboratory is to do wrong, so that the oracle is tried: ends with the first violation
    #[arg(long, hide = true)]
    cheat: Option<Cheat>,
    /// Print the pairs
    #[arg(long)]
    list: bool,
}

impl Args {
    /// Whether all pairs are run in full; what is found then is recorded, and noted for a run that goes on.
    fn is_recorded(&self) -> bool {
        self.full && self.pair.is_empty()
    }
}

/// What became of one pair.
#[derive(Clone, Debug, Default)]
struct Found {
    row: Row,
    /// States of the first one.
    firsts: usize,
    /// How many of them were taken.
    taken: usize,
}

/// Runs the pairs.
///
/// # Errors
/// A promise was broken, or the laboratory itself failed.
pub(super) fn run(args: &Args) -> Result<(), String> {
    let chosen = PAIRS.iter().filter(|pair| pair.name().contains(&args.pair));
    let pairs: Vec<&Pair> = chosen.collect();
    if args.list {
        pairs.iter().for_each(|pair| println!("{}", pair.name()));
        return Ok(());
    }
    if pairs.is_empty() {
        return Err(format!("no pair has `{}` in its name; see --list", args.pair));
    }
    let seed = args.seed.unwrap_or_else(|| u64::from(std::process::id()) % 10_000);
    println!("recovery of seed {seed}: {} pairs", pairs.len());
    let start = Instant::now();
    let done = Done::open(seed, args.is_recorded(), args.resume)?;
    let results = run_all(&pairs, seed, args, &done);
    summary(&pairs, results, seed, args, start.elapsed())
}

/// All pairs, on all processors.
fn run_all(pairs: &[&Pair], seed: u64, args: &Args, done: &Done) -> Vec<Result<Found, String>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(vec![Err("it was not run".to_owned()); pairs.len()]);
    let work = || {
        while let Some((index, pair)) = Some(next.fetch_add(1, Relaxed))
            .and_then(|index| pairs.get(index).map(|pair| (index, *pair)))
        {
            let start = Instant::now();
            let result = one(pair, seed, args, done).map_err(|e| format!("{}: {e}", pair.name()));
            match &result {
                Ok(Found { row, .. }) => {
                    let (kills, took) = (row.cases, start.elapsed().as_secs_f64());
                    println!("{}: {kills} cases in {took:.1} s", pair.name());
                }
                Err(error) => println!("FAILED {error}"),
            }
            results.lock().unwrap_or_else(PoisonError::into_inner)[index] = result;
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).min(pairs.len()) {
            scope.spawn(work);
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// One pair: the states of the first one, and for each that is taken those of the victim.
fn one(pair: &Pair, seed: u64, args: &Args, done: &Done) -> Result<Found, String> {
    let (first, second) = (pair.first(), pair.second());
    let (first, second) = first.zip(second).ok_or("an operation is not listed")?;
    let mut rehearsal = pair.stage(first, seed)?;
    rehearsal.come_first();
    let states = step::record(&mut *rehearsal, Method::Faults)?.states;
    drop(rehearsal);
    let dice = Dice::new(seed ^ states.len() as u64);
    let taken =
        if args.full { (0..states.len()).collect() } else { some(states.len(), FIRSTS, &dice) };
    let mut stage = pair.stage(second, seed)?;
    let mut result = Found { firsts: states.len(), taken: taken.len(), ..Found::default() };
    for index in taken {
        let state = &states[index];
        if let Some(row) = done.find(&pair.name(), index) {
            result.row.add(&row);
            continue;
        }
        let (position, fate, cheat) = (state.position, pair.fate, args.cheat);
        stage.precede(First { operation: first, position, fate, cheat });
        let seconds = match (args.full, pair.oracle) {
            // Each of those that hang takes the watchdog's time, and one is enough.
            _ if args.cheat.is_some() => 1,
            (false, _) => SECONDS,
            (true, Oracle::Life) => SECONDS_OF_A_LIFE,
            (true, _) => usize::MAX,
        };
        let (outcome, all) = in_state(&mut *stage, seconds, &dice)?;
        tell(pair, state, &outcome);
        let row = Row {
            states: all,
            cases: outcome.kills,
            violations: outcome.violations.len(),
            missed: outcome.missed.len(),
            slowest_ms: outcome.slowest.as_secs_f64() * 1000.0,
        };
        done.note(&pair.name(), index, &row)?;
        result.row.add(&row);
        if args.cheat.is_some() && row.violations > 0 {
            break;
        }
    }
    Ok(result)
}

/// With the first one in its state: the victim in states of its own; and how many it has.
fn in_state(
    stage: &mut dyn Pairs,
    seconds: usize,
    dice: &Dice,
) -> Result<(Outcome, usize), String> {
    let record = step::record_to_wait(stage, Method::Faults, WAITS)?;
    let all = record.states.len();
    let chosen = some(all, seconds, dice).into_iter();
    let states = chosen.map(|index| record.states[index].clone()).collect();
    step::replay(stage, &Record { states, ..record }).map(|outcome| (outcome, all))
}

/// Some of so many, in their order: one in each of as many parts of equal length.
fn some(all: usize, count: usize, dice: &Dice) -> Vec<usize> {
    let count = count.min(all);
    let at = |part: usize| part * all / count;
    let within = |part| usize::try_from(dice.below((at(part + 1) - at(part)) as u64)).unwrap_or(0);
    (0..count).map(|part| at(part) + within(part)).collect()
}

fn tell(pair: &Pair, first: &State, outcome: &Outcome) {
    let (position, label) = (first.position, &first.label);
    for text in outcome.violations.iter().take(SHOWN) {
        println!("VIOLATION {}; first one in {position} ({label}): {text}", pair.name());
    }
    for text in outcome.missed.iter().take(SHOWN) {
        println!("MISSED {}; first one in {position} ({label}): {text}", pair.name());
    }
}

fn summary(
    pairs: &[&Pair],
    results: Vec<Result<Found, String>>,
    seed: u64,
    args: &Args,
    took: Duration,
) -> Result<(), String> {
    let width = pairs.iter().map(|pair| pair.name().len()).max().unwrap_or(0);
    println!(
        "\n{:<width$} {:>11} {:>15} {:>10} {:>6} {:>9}",
        "pair", "first in", "victim in", "violations", "missed", "ms at most"
    );
    let (mut total, mut failed, mut firsts, mut taken) = (Row::default(), Vec::new(), 0, 0);
    for (pair, result) in pairs.iter().zip(results) {
        let name = pair.name();
        match result {
            Ok(it) => {
                let (of_first, row) = (format!("{} of {}", it.taken, it.firsts), &it.row);
                let of_second = format!("{} of {}", row.cases, row.states);
                let Row { violations, missed, slowest_ms, .. } = row;
                println!(
                    "{name:<width$} {of_first:>11} {of_second:>15} {violations:>10} {missed:>6} \
                     {slowest_ms:>9.1}"
                );
                total.add(row);
                (firsts, taken) = (firsts + it.firsts, taken + it.taken);
            }
            Err(error) => failed.push(error),
        }
    }
    let Row { states, cases, violations, missed, slowest_ms } = total;
    println!(
        "{cases} cases, of {states} in which the first one was in {taken} of its {firsts} states; \
         {violations} violations, {missed} missed, {:.0} s",
        took.as_secs_f64()
    );
    if !failed.is_empty() {
        return Err(failed.join("; "));
    }
    if args.is_recorded() {
        evidence::record(&Section {
            name: "recovery".to_owned(),
            command: format!("cargo xtask lab recovery --full --seed {seed}"),
            took,
            rows: vec![
                ("pairs of operations", pairs.len().to_string()),
                ("states of the first process", firsts.to_string()),
                ("cases: states of the victim, too", cases.to_string()),
                ("of so many states of victims", states.to_string()),
                ("violations", violations.to_string()),
                ("cases missed", missed.to_string()),
                ("from the kill until survivors were done, ms at most", format!("{slowest_ms:.1}")),
            ],
            more: String::new(),
        })?;
    }
    if violations + missed > 0 {
        let full = if args.full { " --full" } else { "" };
        return Err(format!(
            "{violations} violations, {missed} missed; to repeat: \
             cargo xtask lab recovery --seed {seed}{full}, with --pair and a pair's name"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_are_chosen_are_spread_and_in_order() {
        for seed in 0..50 {
            let chosen = some(17, 5, &Dice::new(seed));
            assert_eq!(chosen.len(), 5);
            assert!(chosen.is_sorted_by(|one, other| one < other) && chosen[4] < 17, "{chosen:?}");
            assert!(chosen[0] < 4 && chosen[4] >= 13, "{chosen:?}");
        }
        assert_eq!(some(3, 5, &Dice::new(1)), [0, 1, 2]);
        assert_eq!(some(0, 5, &Dice::new(1)), [0; 0]);
    }
}

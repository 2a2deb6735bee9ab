//! `cargo xtask lab mutants`: the library with one fault at a time, each found by a test that is named.
//!
//! - `table`: what a mutant is · `life`, `liveness`, `value`, `growth`, `locks`: the mutants
//! - `tree`: the copy that they are put into · `test`: building and running what must fail
//!
//! A run builds each test without a fault first, where it must pass. Then, for each mutant, the fault is
//! put in, the test is built again and run alone: **caught** when it fails, caught by the watchdog when
//! it never ends, **SURVIVED** when it passes. A survivor is a hole in the tests, and the run fails.
//!
//! All of them take some twenty minutes. So without `--full` a run takes a few that stand beside each other
//! in the table. Which, says the number of the commit, so that one commit after the other goes through
//! all of them.

mod growth;
mod life;
mod liveness;
mod locks;
mod table;
mod test;
mod tree;
mod value;

use super::evidence::{self, Section};
use crate::tools::{Outcome, root};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};
use table::{Mutant, Test};
use test::Ended;
use tree::Tree;

/// How many mutants a run without `--full` takes.
const FEW: usize = 8;
/// What a test may take under a mutant: so many times as long as without, and at least this.
const WATCHDOG: (u32, Duration) = (10, Duration::from_secs(30));

/// `cargo xtask lab mutants`.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// All mutants, recorded in docs/crash-evidence.md
    #[arg(long)]
    full: bool,
    /// Only mutants with this in their name; may be given several times
    #[arg(long)]
    only: Vec<String>,
    /// Which of the samples; by itself, the number of the commit
    #[arg(long)]
    seed: Option<usize>,
    /// Print the table and run nothing
    #[arg(long)]
    list: bool,
}

/// What came of one mutant.
#[derive(Debug)]
enum Fate {
    Caught(Ended),
    Survived,
    DoesNotBuild(String),
}

/// Runs the mutants that were asked for.
pub(super) fn run(args: &Args) -> Outcome {
    table::check()?;
    let all = table::all();
    if args.list {
        print(&all);
        return Ok(());
    }
    let start = Instant::now();
    let chosen = chosen(args, &all)?;
    let tree = Tree::copied()?;
    let clean = clean(&tree, &chosen)?;
    let mut fates = Vec::new();
    for mutant in &chosen {
        let fate = fate(&tree, mutant, clean[&mutant.test])?;
        report(mutant, &fate);
        fates.push(fate);
    }
    let (caught, line) = summary(&fates);
    println!("\n{line} ({} in the table, {} s)", all.len(), start.elapsed().as_secs());
    if args.full && args.only.is_empty() {
        record(&chosen, &fates, &line, start.elapsed())?;
    }
    if caught == fates.len() { Ok(()) } else { Err("a mutant was not caught".into()) }
}

/// The mutants of this run, and why these.
fn chosen(args: &Args, all: &[&'static Mutant]) -> Result<Vec<&'static Mutant>, String> {
    if !args.only.is_empty() {
        let asked = |mutant: &&&Mutant| args.only.iter().any(|part| mutant.name.contains(part));
        let chosen: Vec<_> = all.iter().filter(asked).copied().collect();
        let none = || format!("no mutant is called {:?}; see `lab mutants --list`", args.only);
        return if chosen.is_empty() { Err(none()) } else { Ok(chosen) };
    }
    if args.full {
        println!("all {} mutants", all.len());
        return Ok(all.to_vec());
    }
    let seed = args.seed.map_or_else(commit_number, Ok)?;
    let chosen = sample(all, seed);
    let of = all.len();
    println!("{} of {of} mutants; again: cargo xtask lab mutants --seed {seed}", chosen.len());
    Ok(chosen)
}

/// The sample of a number: `FEW` that stand beside each other, so that few programs are built.
fn sample(all: &[&'static Mutant], seed: usize) -> Vec<&'static Mutant> {
    let samples: Vec<_> = all.chunks(FEW).collect();
    samples.get(seed % samples.len().max(1)).map(|few| few.to_vec()).unwrap_or_default()
}

/// How many commits there are.
fn commit_number() -> Result<usize, String> {
    let mut git = Command::new("git");
    git.args(["rev-list", "--count", "HEAD"]).current_dir(root());
    let output = git.output().map_err(|e| format!("cannot start git: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| format!("git counts no commits: {text:?}; give --seed"))
}

/// Runs each test without a fault, and says how long it may take with one.
fn clean(tree: &Tree, chosen: &[&Mutant]) -> Result<BTreeMap<Test, Duration>, String> {
    let mut watchdogs = BTreeMap::new();
    for mutant in chosen {
        if watchdogs.contains_key(&mutant.test) {
            continue;
        }
        let built = test::build(tree, mutant.test)?;
        let start = Instant::now();
        match built.run(Duration::from_secs(600))? {
            Ended::Well => {}
            ended => return Err(format!("{:?} fails without a mutant: {ended:?}", mutant.test)),
        }
        let (times, least) = WATCHDOG;
        watchdogs.insert(mutant.test, (start.elapsed() * times).max(least));
    }
    println!("{} tests pass without a mutant", watchdogs.len());
    Ok(watchdogs)
}

fn fate(tree: &Tree, mutant: &Mutant, watchdog: Duration) -> Result<Fate, String> {
    let _mutated = tree.mutated(mutant)?;
    let built = match test::build(tree, mutant.test) {
        Ok(built) => built,
        Err(why) => return Ok(Fate::DoesNotBuild(why)),
    };
    Ok(match built.run(watchdog)? {
        Ended::Well => Fate::Survived,
        ended => Fate::Caught(ended),
    })
}

/// How the line of a mutant begins.
fn word(fate: &Fate) -> &'static str {
    match fate {
        Fate::Caught(Ended::Never(_)) => "caught by the watchdog",
        Fate::Caught(_) => "caught",
        Fate::Survived => "SURVIVED",
        Fate::DoesNotBuild(_) => "DOES NOT BUILD",
    }
}

fn report(mutant: &Mutant, fate: &Fate) {
    println!("{:<44} {}", mutant.name, word(fate));
    match fate {
        Fate::Caught(Ended::Badly(why)) => println!("    {}: {why}", mutant.test.name()),
        Fate::Caught(_) => println!("    {}", mutant.test.name()),
        Fate::Survived => println!("    {} passes, though: {}", mutant.test.name(), mutant.why),
        Fate::DoesNotBuild(why) => println!("{why}"),
    }
}

/// How many were caught, and a line that says what came of all.
fn summary(fates: &[Fate]) -> (usize, String) {
    let count = |is: fn(&Fate) -> bool| fates.iter().filter(|fate| is(fate)).count();
    let caught = count(|fate| matches!(fate, Fate::Caught(_)));
    let hung = count(|fate| matches!(fate, Fate::Caught(Ended::Never(_))));
    let survived = count(|fate| matches!(fate, Fate::Survived));
    let unbuilt = count(|fate| matches!(fate, Fate::DoesNotBuild(_)));
    let line = format!(
        "{} mutants: {caught} caught ({hung} of them by the watchdog), {survived} survived, {unbuilt} \
         do not build",
        fates.len()
    );
    (caught, line)
}

impl Test {
    /// As a person finds it.
    fn name(self) -> String {
        match self {
            Test::Unit { package, name } => format!("{package} {name}"),
            Test::Integration { package, binary, name } => format!("{package} {binary} {name}"),
            Test::Loom(name) => format!("loom {name}"),
            Test::Shuttle(name) => format!("shuttle {name}"),
            Test::Step { what, operation } => format!("lab step {what} --operation {operation}"),
        }
    }
}

fn print(all: &[&Mutant]) {
    for mutant in all {
        println!(
            "{}  {}\n    {}\n    {}",
            mutant.name,
            mutant.file,
            mutant.why,
            mutant.test.name()
        );
    }
    println!("\nfaults that are none:");
    for mutant in table::equivalent() {
        println!("{}  {}\n    {}", mutant.name, mutant.file, mutant.reason);
    }
}

fn record(chosen: &[&Mutant], fates: &[Fate], line: &str, took: Duration) -> Outcome {
    let mut more = String::from("| mutant | in | must fail | |\n|---|---|---|---|\n");
    for (mutant, fate) in chosen.iter().zip(fates) {
        let file = mutant.file.trim_start_matches("crates/").replace("/src/", " ");
        let (test, word) = (mutant.test.name(), word(fate));
        let _ = writeln!(more, "| {} | {file} | {test} | {word} |", mutant.name);
    }
    evidence::record(&Section {
        name: "mutants".into(),
        command: "cargo xtask lab mutants --full".into(),
        took,
        rows: vec![("mutants", line.to_owned())],
        more,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_numbers_go_through_all_mutants() {
        let all = table::all();
        let samples = all.len().div_ceil(FEW);
        let seen: Vec<_> = (0..samples).flat_map(|seed| sample(&all, seed + samples)).collect();
        let names = |mutants: &[&Mutant]| mutants.iter().map(|m| m.name).collect::<Vec<_>>();
        assert_eq!(names(&seen), names(&all));
    }
}

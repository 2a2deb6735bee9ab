//! `lab world`: what happens around a process, and what must hold all the same.
//!
//! Stopped for a minute, forked while it holds a lock, its descriptors closed or sent away, a signal in
//! every wait, other namespaces, a refusal of every system call, a file removed under it: each is a
//! *scenario*, a function with real processes and an exact oracle. A scenario runs in a process of
//! its own ([`stage`]), in which nothing of the library was ever used; its actors are forked from it.
//! What this machine does not allow is printed with the reason, and is no success.
//!
//! - `list`: all scenarios · `stage`: a scenario's folder and its actors · `board`: the object that
//!   they share · `kernel`: the calls to the kernel, each behind a safe function
//! - `stopped` `forks` `descriptors` `signals` `namespaces` `names`: one theme each
//! - `copies` and `copy`: the library twice in one process
//! - `limits` `cores`: what a process or a disk may not have more of, and a death that takes its time
//! - `injected` and `operations`: refused system calls, and in what
mod board;
mod copies;
mod cores;
mod descriptors;
mod forks;
mod injected;
mod kernel;
mod limits;
mod list;
mod names;
mod namespaces;
mod operations;
mod signals;
mod stage;
mod stopped;

use super::cast::child_command;
use super::evidence::{self, Section};
use super::oracle::Ground;
use super::raw;
use list::{ALL, Scenario};
use stage::{Stage, Verdict};
use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How long a scenario may take before it counts as a hang, and how long when stops last a minute.
const WATCHDOG: Duration = Duration::from_secs(300);
const LONG_WATCHDOG: Duration = Duration::from_secs(1_800);

/// `cargo xtask lab world`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Stop for 60 s instead of 1 s, refuse each system call in each way; recorded in docs/crash-evidence.md
    #[arg(long)]
    full: bool,
    /// Only the scenarios whose names begin so; may be given several times
    #[arg(long)]
    only: Vec<String>,
    /// Print the scenarios
    #[arg(long)]
    list: bool,
    /// Chooses what is tried where not all is: which error a system call is refused with
    #[arg(long)]
    seed: Option<u64>,
}

/// Runs the scenarios.
///
/// # Errors
/// A promise was broken, or the laboratory itself failed.
pub(super) fn run(args: &Args) -> Result<(), String> {
    let chosen = chosen(&args.only)?;
    if args.list {
        chosen.iter().for_each(|scenario| println!("{:<28} {}", scenario.name, scenario.what));
        return Ok(());
    }
    let seed = args.seed.unwrap_or_else(|| u64::from(std::process::id()) % 10_000);
    if chosen.iter().any(|scenario| scenario.name == "two-copies") {
        copies::build()?;
    }
    println!("{} scenarios, seed {seed}", chosen.len());
    let started = Instant::now();
    let mut table = String::new();
    let (mut cannot, mut violations) = (0, Vec::new());
    for scenario in &chosen {
        let began = Instant::now();
        let (word, text) = match play(scenario, args.full, seed) {
            Ok(Verdict::Held(text)) => ("held", text),
            Ok(Verdict::Cannot(text)) => {
                cannot += 1;
                ("cannot", text)
            }
            Err(text) => {
                violations.push(scenario.name);
                ("VIOLATION", text)
            }
        };
        let seconds = began.elapsed().as_secs_f64();
        let line = format!("{:<28} {word:<9} {seconds:>6.1} s  {text}", scenario.name);
        println!("{}", line.trim_end());
        table.push_str(&format!("{:<28} {word:<9} {text}\n", scenario.name));
    }
    let (count, took) = (chosen.len(), started.elapsed());
    println!(
        "{count} scenarios, {cannot} cannot be run here, {} violations, {:.0} s",
        violations.len(),
        took.as_secs_f64()
    );
    if let [first, ..] = violations[..] {
        let all = violations.join(", ");
        return Err(format!(
            "violations in {all}; to repeat: cargo xtask lab world --only {first}"
        ));
    }
    if args.full && args.only.is_empty() { record(count, cannot, took, table) } else { Ok(()) }
}

fn record(count: usize, cannot: usize, took: Duration, table: String) -> Result<(), String> {
    evidence::record(&Section {
        name: "world".to_owned(),
        command: "cargo xtask lab world --full".to_owned(),
        took,
        rows: vec![
            ("scenarios", count.to_string()),
            ("not to be run on this machine", cannot.to_string()),
            ("violations", "0".to_owned()),
        ],
        more: format!("```text\n{table}```\n"),
    })
}

fn chosen(names: &[String]) -> Result<Vec<&'static Scenario>, String> {
    let begins = |scenario: &&Scenario| {
        names.is_empty() || names.iter().any(|name| scenario.name.starts_with(name.as_str()))
    };
    let chosen: Vec<_> = ALL.iter().filter(begins).collect();
    if chosen.is_empty() { Err(format!("no scenario {names:?}; see --list")) } else { Ok(chosen) }
}

/// Runs one scenario in a process of its own, with a folder of its own, in which nothing may be left.
fn play(scenario: &Scenario, full: bool, seed: u64) -> Result<Verdict, String> {
    let ground = Ground::new()?;
    let folder = ground.folder().display().to_string();
    let (full_word, seed) = (if full { "full" } else { "quick" }, seed.to_string());
    let parent = std::process::id().to_string();
    let mut command = child_command(&["world", scenario.name, &folder, full_word, &seed, &parent])?;
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = started.map_err(|error| format!("does not start: {error}"))?;
    let said = listen(&mut child, if full { LONG_WATCHDOG } else { WATCHDOG });
    // It has said all, or is late; in both cases it is to be gone.
    let _gone_already = child.kill();
    let ended = child.wait().map_err(|error| error.to_string())?;
    let said = said?;
    let last = said.lines().last().unwrap_or_default();
    let verdict = match last.split_once(' ').unwrap_or((last, "")) {
        ("held", text) => Verdict::Held(text.to_owned()),
        ("cannot", text) => return Ok(Verdict::Cannot(text.to_owned())),
        ("violation", text) => return Err(text.to_owned()),
        _ => return Err(format!("ended with {ended}, having said `{last}`")),
    };
    let left = ground.names();
    if left.is_empty() { Ok(verdict) } else { Err(format!("left behind: {left:?}")) }
}

/// All that a scenario prints until its end.
fn listen(child: &mut Child, limit: Duration) -> Result<String, String> {
    let mut out = child.stdout.take().ok_or("no pipe")?;
    let (until, mut said) = (Instant::now() + limit, Vec::new());
    loop {
        let left = until.saturating_duration_since(Instant::now()).as_millis();
        let ready = raw::readable(out.as_fd(), i32::try_from(left).unwrap_or(i32::MAX));
        if !ready.map_err(|error| error.to_string())? {
            return Err(format!("hang: not over after {limit:?}"));
        }
        let mut buffer = [0; 4096];
        match out.read(&mut buffer).map_err(|error| error.to_string())? {
            0 => return Ok(String::from_utf8_lossy(&said).into_owned()),
            count => said.extend_from_slice(&buffer[..count]),
        }
    }
}

/// `lab child world SCENARIO FOLDER full|quick SEED PARENT`, and what scenarios execute.
pub(super) fn child(words: &[&str]) -> Result<(), String> {
    match words {
        ["idle"] => stage::idle(),
        [name, folder, full, seed, parent] => {
            super::storm::fork::follow(parent.parse().unwrap_or(0));
            let scenario = ALL.iter().find(|scenario| scenario.name == *name);
            let scenario = scenario.ok_or_else(|| format!("no scenario {name}"))?;
            let seed = seed.parse().unwrap_or(0);
            std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
            let stage = Stage::new(folder.into(), *full == "full", seed);
            let line = match (scenario.act)(&stage) {
                Ok(Verdict::Held(text)) => format!("held {text}"),
                Ok(Verdict::Cannot(text)) => format!("cannot {text}"),
                Err(text) => format!("violation {text}"),
            };
            println!("{}", line.replace('\n', " "));
            Ok(())
        }
        _ => Err(format!("the world has no such child: {words:?}")),
    }
}

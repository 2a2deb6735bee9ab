//! The crash laboratory: kills a process in every state of an operation and asks the survivors.
//!
//! `lab step value`, `cells`, `locks` and `life` run each operation of [`list`] in a child under ptrace. A
//! first run records its states (every change of shared bytes, and both sides of every system
//! call); then, for each state, a new child is brought there and killed, and survivors must prove
//! what ARCHITECTURE promises: no hang, no torn value, nothing committed lost, constructors and
//! ends counted right, at most one orphan, nothing left.
//!
//! - `trace` and `raw`: a child under ptrace, state by state · `remains`: what a kill can leave
//!   behind
//! - `step`: recording and replaying · `instruction` and `full`: the same behind every instruction
//! - `recovery` and `pair`: two processes, one of which recovers, or stands still
//! - `oracle`: the scenes and what must hold after them
//! - `storm`: processes of all kinds killed at random, many at once, with oracles of its own
//! - `evidence`: what a recorded run showed, kept in docs/
//! - `hostile`: a peer that overwrites everything · `fuzz`: everything that is read from bytes
//! - `sanitized`: how both are compiled
//! - `models`: the protocols by themselves, under loom and shuttle
//! - `mutants`: one fault at a time, each found by a test that is named
//! - `world`: what happens around a process: stops, forks, exec, descriptors, signals,
//!   namespaces, names, refused system calls
//! - `cast` and `child`: the survivors, from without and from within
//!
//! The registers and the `syscall` instruction are x86_64's, and ptrace is Linux's; elsewhere the
//! list is printed and stepping is refused.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod calls;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod cast;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod child;
pub(crate) mod evidence;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod full;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod fuzz;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod hostile;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod instruction;
pub(crate) mod list;
mod lock_list;
mod models;
mod mutants;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod oracle;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod pair;
pub(crate) mod pure_list;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod raw;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod recovery;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod remains;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod run;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod sanitized;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod step;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod storm;
#[cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
mod tests;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod trace;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod world;

use list::What;
use pure_list::PURE;

/// `cargo xtask lab`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Print the operations that are registered, and what is left out with the reason
    List,
    /// Kill a process in every state of each operation, and let survivors prove the oracle
    Step(StepArgs),
    /// Kill those that recover in each of their states too, two at once, and one beside another that is stopped
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Recovery(recovery::Args),
    /// Kill processes of all kinds every few milliseconds, and hold what is left against exact oracles
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Storm(storm::Args),
    /// Play scenarios of the world around a process, each with an exact oracle
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    World(world::Args),
    /// Overwrite the whole segment, at random and by structure, while victims use all of it
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Hostile(hostile::Args),
    /// Fuzz everything that is read from bytes, following coverage
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Fuzz(fuzz::Args),
    /// Run the protocols under every schedule that the memory model allows, and long ones along many, with
    /// processes that die at each of their steps
    Models(models::Args),
    /// Put one fault at a time into the library, and look whether the test that is named finds it
    Mutants(mutants::Args),
    /// What the laboratory starts as its victims and survivors
    #[command(hide = true)]
    Child {
        /// Which child
        words: Vec<String>,
    },
}

/// `cargo xtask lab step`.
#[derive(clap::Args, Debug)]
pub(crate) struct StepArgs {
    /// Which operations
    what: Oracle,
    /// Only the operation of this name; may be given several times
    #[arg(long)]
    operation: Vec<String>,
    /// Where the copies of a value start, and who comes before the kill
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Run all sizes of every value, compare the states with those found instruction by instruction,
    /// and then kill behind every instruction; recorded in docs/crash-evidence.md
    #[arg(long)]
    full: bool,
    /// Only with --full: end after so many minutes of killing behind instructions
    #[arg(long, requires = "full")]
    minutes: Option<u64>,
    /// Only with --full: go on where the last run with this seed and of this commit ended
    #[arg(long, requires = "full")]
    resume: bool,
    /// Print the states of each operation
    #[arg(long)]
    states: bool,
}

impl StepArgs {
    /// The word for what is run.
    fn name(&self) -> String {
        let name = clap::ValueEnum::to_possible_value(&self.what);
        name.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Which oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Oracle {
    /// Calls on a value
    Value,
    /// Locks
    Locks,
    /// Creating, opening, leaving, exit, removal
    Life,
    /// Calls on atomics, flags and cells without a lock
    Cells,
}

/// Runs the laboratory.
///
/// # Errors
/// A promise was broken, a state could not be reached again, or the laboratory itself failed.
pub(crate) fn run(args: Args) -> Result<(), String> {
    match args.command {
        Command::List => {
            list_all();
            Ok(())
        }
        Command::Step(step) => run_step(&step),
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        Command::Recovery(recovery) => recovery::run(&recovery),
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        Command::Storm(storm) => storm::run(&storm),
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        Command::World(world) => world::run(&world),
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        Command::Hostile(hostile) => hostile::run(&hostile),
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        Command::Fuzz(fuzz) => fuzz::run(&fuzz),
        Command::Models(args) => models::run(&args),
        Command::Mutants(args) => mutants::run(&args),
        Command::Child { words } => run_child(&words),
    }
}

fn list_all() {
    for operation in list::all() {
        let covers = operation.covers.join(" ");
        let oracle = match operation.what {
            What::Value(_) => "value",
            What::Locks => "locks",
            What::Cells(_) => "cells",
            What::Life | What::Handle => "life",
        };
        println!("{oracle:<6} {:<28} {covers}", operation.name);
    }
    println!("\nwithout a victim:");
    for (name, reason) in PURE {
        println!("       {name:<28} {reason}");
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn run_step(args: &StepArgs) -> Result<(), String> {
    run::run(args)
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn run_child(words: &[String]) -> Result<(), String> {
    child::run(words)
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn run_step(args: &StepArgs) -> Result<(), String> {
    let asked = (args.what, &args.operation, args.seed, args.full, args.states);
    Err(format!("stepping needs Linux on x86_64; this is another system ({asked:?})"))
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn run_child(words: &[String]) -> Result<(), String> {
    Err(format!("the laboratory's children need Linux on x86_64 ({words:?})"))
}

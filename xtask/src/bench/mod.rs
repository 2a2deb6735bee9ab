//! `cargo xtask bench`: every figure that cohabit promises, beside the floor of the same run.
//!
//! A *floor* is the least that the same work costs without cohabit: a plain copy, bare system calls,
//! a mutex of the C library. Floor and measurement take turns in short batches, and the figure is the
//! median of their ratios, so that what else the machine does falls on both.
//!
//! A figure over its limit is a MISS, which is printed and fails nothing: machines differ. What fails
//! is what must hold on every machine: a torn value, a system call or an allocation where none may be,
//! more instructions than a call's budget.
//!
//! - `report`: figures and how they are printed · `rounds`: batches that take turns
//! - `subjects`: one file for each group of figures · `child`: the processes that they start
//! - `stepped`: the instructions of a call, by stepping through them
//! - `raw`: the bare system calls of the floors · `count`: the allocations of a thread
#[cfg(target_os = "linux")]
mod child;
mod count;
#[cfg(target_os = "linux")]
mod raw;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod rounds;
#[cfg(target_os = "linux")]
mod stepped;
#[cfg(target_os = "linux")]
mod subjects;

use crate::tools::{self, Outcome};

/// What is to be measured.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Fewer and shorter rounds
    #[arg(long)]
    quick: bool,
    /// Only the subjects whose name contains this; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
    /// What the benchmark starts as its other processes
    #[arg(long, hide = true, num_args = 1.., value_name = "WORD")]
    child: Vec<String>,
}

/// Measures and prints.
///
/// # Errors
/// A value was torn, an uncontended call entered the kernel or allocated, or a subject could not run.
pub(crate) fn run(args: Args) -> Outcome {
    if cfg!(debug_assertions) {
        return run_built_in_release(&args);
    }
    #[cfg(target_os = "linux")]
    return run_here(&args);
    #[cfg(not(target_os = "linux"))]
    Err("the benchmark needs Linux: its floors are Linux's system calls".into())
}

/// A figure of a debug build says nothing: builds this program in release and runs that one.
fn run_built_in_release(args: &Args) -> Outcome {
    eprintln!("measuring in release: cargo run --release --package xtask -- bench");
    let mut command = tools::cargo();
    command.args(["run", "--quiet", "--release", "--package", "xtask", "--", "bench"]);
    if args.quick {
        command.arg("--quick");
    }
    if args.json {
        command.arg("--json");
    }
    for name in &args.only {
        command.args(["--only", name]);
    }
    tools::openly(&mut command)
}

#[cfg(target_os = "linux")]
fn run_here(args: &Args) -> Outcome {
    if !args.child.is_empty() {
        return child::run(&args.child);
    }
    let setting = subjects::Setting::new(args.quick)?;
    let chosen = subjects::chosen(&args.only)?;
    let mut figures = Vec::new();
    for (name, measure) in chosen {
        let measured =
            measure(&setting).unwrap_or_else(|why| vec![report::Figure::new(name).broken(why)]);
        if !args.json {
            for figure in &measured {
                println!("{figure}");
            }
        }
        figures.extend(measured);
    }
    if args.json {
        println!("{:#}", report::json(&figures));
    }
    report::outcome(&figures)
}

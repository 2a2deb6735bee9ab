//! What the developers of cohabit run: `cargo xtask COMMAND`.
//!
//! This file is the table of contents. Each command is a module with an `Args` and a
//! `run(Args) -> Result<(), String>`; an error is one sentence, printed, and exit code 1.
//! The large ones, `bench` and `lab`, are `pub` so that their parts may be.

mod abi;
pub mod bench;
mod ci;
pub mod lab;
mod large;
mod licences;
mod peer;
mod permissions;
mod quickstart;
mod readme;
mod second;
mod targets;
mod tidy;
mod tools;
mod windows;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// What the developers of cohabit run.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check everything that can be checked quickly: format, lints, docs, tests, licences, tidy
    Ci(ci::Args),
    /// Hold the rules of the source that a machine can hold
    Tidy(tidy::Args),
    /// Check that every dependency has a licence and a source that we accept
    Licences(licences::Args),
    /// Measure, beside the floor of the same run, and print PASS or MISS
    Bench(bench::Args),
    /// Run the crash laboratory
    Lab(lab::Args),
    /// Have the compiler check everything for macOS and FreeBSD
    CheckTargets(targets::Args),
    /// Share one object between a 32-bit and a 64-bit process
    TestAbi(abi::Args),
    /// Use objects of more than 4 GiB, in a folder on disk
    TestLarge(large::Args),
    /// Try who may do what with objects that several users share, under real user ids
    TestPermissions(permissions::Args),
    /// Build and run README's first program as a user would, in two processes
    TestQuickstart(quickstart::Args),
    /// Run every command that README shows
    TestReadme(readme::Args),
    /// Build the Windows mechanism, and run its tests under Wine
    TestWindows(windows::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Ci(args) => ci::run(args),
        Command::Tidy(args) => tidy::run(args),
        Command::Licences(args) => licences::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Lab(args) => lab::run(args),
        Command::CheckTargets(args) => targets::run(args),
        Command::TestAbi(args) => abi::run(args),
        Command::TestLarge(args) => large::run(args),
        Command::TestPermissions(args) => permissions::run(args),
        Command::TestQuickstart(args) => quickstart::run(args),
        Command::TestReadme(args) => readme::run(args),
        Command::TestWindows(args) => windows::run(args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

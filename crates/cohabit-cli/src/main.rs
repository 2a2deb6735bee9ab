//! The command line of cohabit: objects that live in several processes at once, seen from a terminal.
//!
//! It knows no type: everything it shows and changes, it finds by the schema that stands in the object.
//! One command is one file in [`commands`]; what they share is beside it.

mod assignment;
mod bad_text;
mod cli;
mod commands;
mod dynamic;
mod exit;
mod export;
mod grammar;
mod nearest;
mod out;
mod path;
mod table;

use std::process::ExitCode;

use clap::Parser;
use cohabit::Scope;

use crate::cli::{Cli, Command};
use crate::exit::Outcome;
use crate::path::hint_at_trust;

fn main() -> ExitCode {
    exit::finish(run(Cli::parse()))
}

fn run(cli: Cli) -> Outcome {
    let scope = cli.scope();
    dispatch(&scope, cli.command).map_err(|failure| hint_at_trust(failure, &scope))
}

fn dispatch(scope: &Scope, command: Option<Command>) -> Outcome {
    match command {
        None => commands::hello::run(),
        Some(Command::Ls(args)) => commands::ls::run(scope, &args),
        Some(Command::Show(args)) => commands::show::run(scope, &args),
        Some(Command::New(args)) => commands::new::run(scope, &args),
        Some(Command::Set(args)) => commands::set::run(scope, &args),
        Some(Command::Watch(args)) => commands::watch::run(scope, &args),
        Some(Command::Who(args)) => commands::who::run(scope, &args),
        Some(Command::Schema(args)) => commands::schema::run(scope, &args),
        Some(Command::Diff(args)) => commands::diff::run(scope, &args),
        Some(Command::Rm(args)) => commands::rm::run(scope, &args),
        Some(Command::Gc(args)) => commands::gc::run(scope, &args),
        Some(Command::Doctor(args)) => commands::doctor::run(scope, &args),
        Some(Command::Explain(args)) => commands::explain::run(&args),
        Some(Command::Completions(args)) => commands::completions::run(&args),
        Some(Command::Man(args)) => commands::man::run(&args),
        Some(Command::Demo(args)) => commands::demo::run(scope, &args),
        Some(Command::DemoProcess(args)) => commands::demo::process::run(scope, &args),
    }
}

//! What can be typed: the commands, their common options, and the texts of `--help`.

use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use cohabit::{Access, Scope};

use crate::bad_text::BadText;
use crate::commands::{
    completions, demo, diff, doctor, explain, gc, ls, man, new, rm, schema, set, show, watch, who,
};
use crate::exit;

/// Lists, shows, sets and watches objects that live in several processes at once.
#[derive(Debug, Parser)]
#[command(name = "cohabit", version, after_help = exit::HELP)]
pub(crate) struct Cli {
    /// The folder in which the objects are [default: the user's own]
    #[arg(long, global = true, value_name = "PATH")]
    folder: Option<PathBuf>,

    /// Those objects that several users of this machine share
    #[arg(long, global = true)]
    machine: bool,

    /// With --machine: believe also what belongs to this user, a name or a number, on Windows a name or S-1-…
    #[arg(long, global = true, value_name = "USER")]
    trust: Vec<String>,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The commands. Without one, three commands to try are printed.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the objects
    Ls(ls::Args),
    /// Print an object's value, or a part of it
    Show(show::Args),
    /// Make an object of a type that is typed here
    New(new::Args),
    /// Change an object's value: all that is named becomes one commit
    Set(set::Args),
    /// Print an object's value whenever it has changed, until the object ends; changes that follow each
    /// other closely may show as one
    Watch(watch::Args),
    /// Show who uses an object, who reads it, and who has its locks for how long, stopped and dead ones too
    Who(who::Args),
    /// Print what an object is: as a type, JSON, Rust or C
    Schema(schema::Args),
    /// Say how the types of two objects differ, or that of an object from a type
    Diff(diff::Args),
    /// Take an object away that nobody uses
    Rm(rm::Args),
    /// Take away what nobody can use any more: objects whose users were killed, ended ones, and
    /// those from before the last start of the machine
    Gc(gc::Args),
    /// Look whether objects can live here, and say what to do where they cannot
    Doctor(doctor::Args),
    /// Say what the code of an error means, the usual causes, and what to do
    Explain(explain::Args),
    /// See it work: real processes share an object, and one of them is killed
    Demo(demo::Args),
    /// Print the script that lets a shell complete commands, options and codes
    Completions(completions::Args),
    /// Print a manual page, or write them all
    Man(man::Args),
    /// One of the processes of `demo`
    #[command(hide = true)]
    DemoProcess(demo::process::Args),
}

impl Cli {
    /// Where the objects are. Ends the program where that contradicts itself: clap does not see it when
    /// one option stands before the command and the other behind it.
    pub(crate) fn scope(&self) -> Scope {
        let refuse = |kind, what| -> ! { Cli::command().error(kind, what).exit() };
        if self.machine && self.folder.is_some() {
            refuse(ErrorKind::ArgumentConflict, "--machine and --folder name different objects");
        }
        if !self.machine && !self.trust.is_empty() {
            refuse(ErrorKind::MissingRequiredArgument, "--trust is for objects of --machine");
        }
        match &self.folder {
            Some(folder) => Scope::Folder(folder.clone()),
            None if self.machine => {
                Scope::Machine(self.trust.iter().fold(Access::owner(), |access, user| {
                    match user.parse::<u32>() {
                        Ok(id) => access.trust_user(id),
                        Err(_) => access.trust_user(user.as_str()),
                    }
                }))
            }
            None => Scope::User,
        }
    }
}

/// The commands without the hidden one: what shells complete and manual pages describe.
pub(crate) fn visible_commands() -> clap::Command {
    let all = Cli::command();
    let visible = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    clap::Command::new("cohabit")
        .version(env!("CARGO_PKG_VERSION"))
        .about(all.get_about().cloned().unwrap_or_default())
        .after_help(exit::HELP)
        .args(all.get_arguments().cloned())
        .subcommands(visible)
}

/// The units of time, and how many seconds each is.
const UNITS: [(&str, f64); 5] =
    [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("min", 60.0), ("h", 3600.0)];

/// A time such as `500ms`, `1.5s` or `2min`.
///
/// # Errors
/// What is no number, what is no unit, and what is too long.
pub(crate) fn parse_time(text: &str) -> Result<Duration, BadText> {
    let expected = "expected a time such as 500ms, 1.5s, 2min or 1h";
    let is_digit = |c: char| c.is_ascii_digit() || c == '.';
    let digits = text.find(|c| !is_digit(c)).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let Ok(count) = number.parse::<f64>() else {
        let what = match number {
            "" => format!("{expected}: a number is missing"),
            _ => format!("{expected}: `{number}` is no number"),
        };
        return Err(BadText::new(text, 0..digits.max(1), what));
    };
    let Some((_, seconds)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let units = UNITS.map(|(name, _)| name).join(", ");
        let what = match unit {
            "" => format!("{expected}: a unit is missing, one of {units}"),
            _ => format!("{expected}: `{unit}` is no unit; there are {units}"),
        };
        return Err(BadText::new(text, digits..text.len(), what));
    };
    Duration::try_from_secs_f64(count * seconds).map_err(|_| {
        let what = format!("{expected}: that is too long");
        BadText::new(text, 0..text.len(), what)
    })
}

/// A count of at least 1.
///
/// # Errors
/// What is no such number.
pub(crate) fn parse_count(text: &str) -> Result<u64, BadText> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => {
            let what = format!("expected a count from 1 to {}", u64::MAX);
            Err(BadText::new(text, 0..text.len(), what))
        }
    }
}

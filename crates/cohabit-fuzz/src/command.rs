//! Whole command lines, run in this process on objects of the run's own.
//!
//! The words stand between line ends. Those commands are run that look at objects and change them; where
//! objects are is not taken from the words, or files of others would be found. What `schema`, `show` and
//! `ls` print goes to /dev/null, which libFuzzer puts in the place of our output.

use clap::Parser;
use cohabit::{Scope, collect, remove};

use crate::cli_root::cli::{Cli, Command};
use crate::cli_root::commands;
use crate::schema::TYPES;

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let scope = Scope::User;
    for line in text.split("\n\n").take(4) {
        let words = std::iter::once("cohabit").chain(line.split('\n'));
        let Ok(cli) = Cli::try_parse_from(words) else { continue };
        let outcome = match &cli.command {
            Some(Command::Ls(args)) => commands::ls::run(&scope, args),
            Some(Command::Show(args)) => commands::show::run(&scope, args),
            Some(Command::New(args)) => commands::new::run(&scope, args),
            Some(Command::Set(args)) => commands::set::run(&scope, args),
            Some(Command::Schema(args)) => commands::schema::run(&scope, args),
            Some(Command::Rm(args)) => commands::rm::run(&scope, args),
            Some(Command::Explain(args)) => commands::explain::run(args),
            _ => Ok(()),
        };
        drop(std::hint::black_box(outcome.map_err(|failure| failure.to_string())));
    }
    for entry in cohabit::list(&scope).unwrap_or_default() {
        let _others = remove(&scope, &entry.name, true);
    }
    let _nothing = collect(&scope);
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let made = |(number, text): (usize, &&str)| {
        let len = if text.contains("[u16]") || text.contains("rest") { "--len\n3\n" } else { "" };
        format!(
            "new\nobject\n{len}{text}\n\nshow\nobject\n--json\n\nschema\nobject\n--as\n{}",
            AS[number % 4]
        )
    };
    let more = [
        "new\na.b\nx: i32\n--set\nx=3\n\nset\na.b\nx=5\n\nshow\na.b.x\n\nrm\na.b",
        "new\nn\n[u8; 4]\n\nset\nn\n[1,2,3,4]\n\nls\n--json\n\nexplain\nbusy",
        "new\nn\nText<9>\n\nset\nn\n=a text\n--timeout\n1ms\n\nshow\nn",
    ];
    let made = TYPES.iter().enumerate().map(made);
    made.chain(more.map(str::to_owned)).map(String::into_bytes).collect()
}

const AS: [&str; 4] = ["type", "json", "rust", "c"];

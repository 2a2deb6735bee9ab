//! `cargo xtask ci`: every quick check, a line a step; the first failure ends it.

use crate::tools::{Outcome, cargo, quietly, step};
use crate::{licences, tidy};
use std::process::Command;

/// Which steps, and what to do when one fails.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The steps to run (all, if none is named)
    #[arg(value_parser = names())]
    steps: Vec<String>,
    /// A step to leave out; may be given several times
    #[arg(long, value_parser = names())]
    skip: Vec<String>,
    /// Run the other steps also after one failed
    #[arg(long)]
    keep_going: bool,
}

/// A named check: its remark if it holds, all it has to say if it does not.
type Step = (&'static str, fn() -> Result<String, String>);

/// The cheap ones first.
const STEPS: &[Step] = &[
    ("fmt", fmt),
    ("tidy", tidy::check),
    ("licences", licences::check),
    ("clippy", clippy),
    ("doc", doc),
    ("test", test),
];

fn names() -> Vec<&'static str> {
    STEPS.iter().map(|(name, _)| *name).collect()
}

/// Runs the steps that were asked for.
pub(crate) fn run(args: Args) -> Outcome {
    let mut failed = Vec::new();
    for (name, work) in STEPS {
        let asked = args.steps.is_empty() || args.steps.iter().any(|step| step == name);
        if !asked {
            continue;
        }
        if args.skip.iter().any(|step| step == name) {
            println!("{name:<24} left out, as asked for");
            continue;
        }
        if let Err(why) = step(name, work) {
            eprintln!("{}", why.trim_end());
            failed.push(*name);
            if !args.keep_going {
                break;
            }
        }
    }
    match failed.as_slice() {
        [] => Ok(()),
        names => Err(format!("failed: {}", names.join(", "))),
    }
}

fn with(arguments: &[&str]) -> Command {
    let mut command = cargo();
    command.args(arguments);
    command
}

fn fmt() -> Result<String, String> {
    quietly(with(&["fmt", "--all", "--check"])).map(|_| String::new())
}

/// Without and with what is optional.
fn clippy() -> Result<String, String> {
    let lint = ["clippy", "--quiet", "--workspace", "--all-targets"];
    for features in [&[][..], &["--all-features"]] {
        quietly(with(&[&lint, features, &["--", "-D", "warnings"]].concat()))?;
    }
    Ok(String::new())
}

/// Without the binaries: `cohabit` the program would write over the pages of `cohabit` the library.
fn doc() -> Result<String, String> {
    let pages = ["doc", "--quiet", "--workspace", "--no-deps", "--lib", "--all-features"];
    let mut command = with(&pages);
    command.env("RUSTDOCFLAGS", "-D warnings");
    quietly(command).map(|_| String::new())
}

/// Everything as it comes; then what the feature `tokio` adds.
fn test() -> Result<String, String> {
    let with_tokio = ["test", "--package", "cohabit", "--features", "tokio"];
    let runs = [
        &["test", "--workspace"][..],
        &[&with_tokio[..], &["--test", "changed"]].concat(),
        &[&with_tokio[..], &["--doc", "changed"]].concat(),
    ];
    let mut count = 0;
    for arguments in runs {
        count += passed(&quietly(with(arguments))?);
    }
    Ok(format!("{count} tests passed"))
}

/// The sum of the numbers in cargo's lines `test result: ok. 12 passed; …`.
pub(crate) fn passed(text: &str) -> u64 {
    let results = text.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    results.filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn passed_tests_are_summed_over_the_binaries() {
        let text = "x\ntest result: ok. 12 passed; 0 failed\ntest result: ok. 3 passed; 0 failed\n";
        assert_eq!(super::passed(text), 15);
    }
}

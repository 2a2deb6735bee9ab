//! What tests under Wine print, and is to be seen though they pass: figures, and descriptors of rights.

use super::cargo_for_windows;
use super::prefix::Prefix;
use crate::second::with;
use crate::tools::quietly;
use std::process::Command;

/// A test that is run in full, and what it prints.
struct Shown {
    package: &'static str,
    program: &'static str,
    test: &'static str,
    /// How the lines begin that are shown.
    begin: &'static str,
    on_one_processor: bool,
}

const SHOWN: [Shown; 4] = [
    Shown {
        package: "cohabit-os",
        program: "--lib",
        test: "the_kernel_lets_in_whom_the_rights_name",
        begin: "rights ",
        on_one_processor: false,
    },
    Shown {
        package: "cohabit",
        program: "--test=locks",
        test: "after_each_death_the_one_who_waits_is_next",
        begin: "100 deaths ",
        on_one_processor: false,
    },
    Shown {
        package: "cohabit",
        program: "--test=life",
        test: "a_storm_of_kills_leaves_nothing",
        begin: "storm: ",
        on_one_processor: false,
    },
    Shown {
        package: "cohabit",
        program: "--test=leaks",
        test: "attach_and_detach_100_000_times",
        begin: "attach: 100000 times: ",
        on_one_processor: true,
    },
];

/// Runs them, each with its lines.
pub(super) fn run(prefix: &Prefix) -> Result<String, String> {
    let mut lines = Vec::new();
    for shown in SHOWN {
        let mut command = cargo_for_windows("test");
        let Shown { package, program, test, begin, on_one_processor } = shown;
        command.args(["--package", package, program, "--", test, "--nocapture"]);
        command.env("COHABIT_TEST_FULL", "1");
        let said = if on_one_processor {
            on_one(prefix, &command)?
        } else {
            quietly(prefix.applied(command))?
        };
        let found = lines.len();
        lines.extend(said.lines().filter(|line| line.starts_with(begin)).map(str::to_owned));
        if lines.len() == found {
            return Err(format!("{said}\n{test} printed no line that begins with {begin:?}"));
        }
    }
    Ok(format!("\n{}", lines.join("\n")))
}

/// On one processor, who asks Wine's server and the server take turns, at a fifth of the time. The server is
/// where the program is that starts it, and so none may be there before, nor stay.
fn on_one(prefix: &Prefix, command: &Command) -> Result<String, String> {
    let mut pinned = with("taskset", &["--cpu-list", "0"]);
    pinned.arg(command.get_program()).args(command.get_args());
    pinned.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    prefix.end();
    let said = quietly(prefix.applied(pinned));
    prefix.end();
    said
}

//! The tests of the library and the command line under Wine, and that each one of Linux is there, or has a
//! reason in the table for not being so.

use super::cargo_for_windows;
use super::prefix::Prefix;
use crate::tools::{Outcome, cargo, quietly, step};
use std::collections::BTreeSet;
use std::process::Command;

/// The test programs of each package, as cargo names them.
const PACKAGES: [(&str, &[&str]); 3] = [
    ("cohabit-os", &["--lib", "--test=everywhere"]),
    (
        "cohabit",
        &[
            "--lib",
            "--test=appending",
            "--test=bad_input",
            "--test=cells",
            "--test=changed",
            "--test=examples",
            "--test=handles",
            "--test=leaks",
            "--test=life",
            "--test=locks",
            "--test=plain",
            "--test=schema",
            "--test=value",
        ],
    ),
    ("cohabit-cli", &["--bins", "--test=cli"]),
];

/// Which tests of Linux are not run, by the beginning of their names, and why. A test is known by its program
/// and its own name.
const NOT_RUN: &[(&str, &str)] = &[
    (
        "contract ",
        "its peers are forked, and it is about what Linux has: descriptors, byte locks, links, limits",
    ),
    ("cohabit_os error::tests::every_errno", OTHER_CODE),
    ("cohabit_os health::linux::", OTHER_CODE),
    ("cohabit_os liveness::linux::", OTHER_CODE),
    ("cohabit_os place::linux::", OTHER_CODE),
    ("cohabit_os process::linux::", OTHER_CODE),
    ("changed forks::", FORKS),
    ("changed limits::a_system_that_refuses", FORKS),
    ("changed limits::without_futex_waitv", "it forbids a call of the kernel of Linux"),
    ("examples a_handle_is_served", "it hands a descriptor over a socket"),
    ("handles ends::a_builder_is_waited", "it finds memory in /proc"),
    ("handles lost::", "it is about descriptors, forks and /proc"),
    ("handles rights::", SECTIONS),
    ("places ", "its processes become other users, and its files are those of Linux"),
    ("refusals ", "what the compiler says is the same for every target"),
    ("bad_input files::folder_unsafe", OWNERS),
    ("bad_input files::hard_link", LINKS),
    ("bad_input files::not_a_file", LINKS),
    ("bad_input files::other_owner", OWNERS),
    ("bad_input files::permission_denied", OWNERS),
    ("bad_input files::read_only_filesystem", MOUNTS),
    ("bad_input files::symbolic_link", LINKS),
    ("bad_input handles::bad_handle_closed", DESCRIPTORS),
    ("bad_input handles::bad_handle_directory", DESCRIPTORS),
    ("bad_input handles::bad_handle_not_sealed", SECTIONS),
    ("bad_input handles::bad_handle_path_only", DESCRIPTORS),
    ("bad_input handles::bad_handle_with_holes", SECTIONS),
    ("bad_input handles::bad_handle_write_only", SECTIONS),
    ("bad_input handles::no_descriptors", LIMITS),
    ("bad_input handles::permission_denied_by_another_user", OWNERS),
    ("bad_input handles::read_only_handle_for_ever", SECTIONS),
    ("bad_input resources::file_size_limit", LIMITS),
    ("bad_input resources::no_address_space", LIMITS),
    ("bad_input resources::no_descriptors", LIMITS),
    ("bad_input resources::no_space", MOUNTS),
    ("bad_input running::forked", FORKS),
    ("bad_input running::liveness_lost", DESCRIPTORS),
    ("bad_input running::truncated_in_use", SECTIONS),
    ("bad_input types::header_invalid_larger", SECTIONS),
    ("bad_input types::type_mismatch_kept", "memory that nobody has is gone, so nothing is kept"),
    ("bad_input types::type_mismatch_rewritten", SECTIONS),
    ("cells made::a_child_that_was_forked", FORKS),
    ("cells outside::in_a_forked_child", FORKS),
    ("life following::a_forked_child", FORKS),
    ("life following::a_program_that_closes", DESCRIPTORS),
    ("life forks::", FORKS),
    ("life late_forks::", FORKS),
    ("life statics::who_is_on_its_way_out", "nothing of the library runs in an exit"),
    ("life storm::", FORKS),
    ("locks mutex::a_forked_child", FORKS),
    ("locks rw_lock::a_forked_child", FORKS),
    ("locks semaphore::a_forked_child", FORKS),
    ("locks who::a_debugged_holder", "who debugs a process is not shown"),
    ("cohabit.exe export::c::", "it runs a C compiler"),
    ("cli companions::bash_completes", SHELL),
    ("cli companions::nobody_to_write_to", SHELL),
    ("cli doctor::an_unsafe_folder", OWNERS),
    ("cli doctor::few_descriptors", LIMITS),
    ("cli machine::a_strangers_object", OWNERS),
    ("cli places::a_folder_that_others", OWNERS),
    ("cli who::a_stopped_holder", "Wine does not tell that a process stands still"),
    ("cli who::what_a_process_calls", "a process is called by its file's name"),
];
const OTHER_CODE: &str = "it is about code that Windows has other code for";
const FORKS: &str = "no process forks there";
const OWNERS: &str = "owners, modes and becoming somebody else are those of Unix";
const LINKS: &str = "it makes links, fifos or sockets in the place of an object";
const MOUNTS: &str = "it mounts";
const LIMITS: &str = "it sets limits of its process, which are those of Unix";
const DESCRIPTORS: &str = "it is about descriptors and their numbers";
const SECTIONS: &str = "a section is as long as it was made, has no holes, and no seals";
const SHELL: &str = "it runs a shell of Unix";

/// Builds the programs, without a warning: only this build compiles the lines that are for Windows.
pub(super) fn build() -> Result<String, String> {
    for (package, programs) in PACKAGES {
        let said = quietly(tests(cargo_for_windows("test"), package, programs, &["--no-run"]))?;
        if said.lines().any(|line| line.starts_with("warning")) {
            return Err(format!("{said}\nthe Windows build has warnings"));
        }
    }
    Ok(String::new())
}

/// Runs them, and says which ones were not run.
pub(super) fn run(prefix: &Prefix) -> Outcome {
    for (package, programs) in PACKAGES {
        step(&format!("{package} under Wine"), || {
            let command = tests(cargo_for_windows("test"), package, programs, &["--no-fail-fast"]);
            let said = quietly(prefix.applied(command))?;
            match passed(&said) {
                0 => Err(format!("{said}\nno test was run")),
                count => Ok(format!("{count} tests passed")),
            }
        })?;
    }
    let mut account = Vec::new();
    step("none is left out in silence", || {
        let (mut here, mut there) = (BTreeSet::new(), BTreeSet::new());
        for (package, programs) in PACKAGES {
            let list = |command, programs| quietly(tests(command, package, programs, &LIST));
            here.extend(named(&list(cargo_here(), &["--tests"])?));
            there.extend(named(&list(prefix.applied(cargo_for_windows("test")), programs)?));
        }
        account = left_out(&here, &there, NOT_RUN)?;
        Ok(format!("{} of {} tests are not run", here.difference(&there).count(), here.len()))
    })?;
    for (prefix, why, count) in account {
        println!("not run: {prefix} ({count}): {why}");
    }
    Ok(())
}

const LIST: [&str; 2] = ["--", "--list"];

fn cargo_here() -> Command {
    let mut command = cargo();
    command.arg("test");
    command
}

fn tests(mut command: Command, package: &str, programs: &[&str], more: &[&str]) -> Command {
    command.args(["--package", package]).args(programs).args(more);
    command
}

/// How many tests passed, by the harness's own words.
fn passed(said: &str) -> usize {
    let results = said.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    results.filter_map(|rest| rest.split(' ').next()?.parse::<usize>().ok()).sum()
}

/// The tests that programs list, each with its program's name before its own.
fn named(said: &str) -> BTreeSet<String> {
    let (mut program, mut found) = (String::new(), BTreeSet::new());
    for line in said.lines() {
        if let Some(running) = line.trim_start().strip_prefix("Running ") {
            program = program_of(running);
        } else if let Some(test) = line.strip_suffix(": test") {
            found.insert(format!("{program} {test}"));
        }
    }
    found
}

/// The program's name, of `unittests src/lib.rs (target/debug/deps/cohabit_os-0123456789abcdef)`.
fn program_of(running: &str) -> String {
    let (source, path) = running.split_once(" (").unwrap_or((running, ""));
    let file = path.rsplit('/').next().unwrap_or_default();
    let name = file.rsplit_once('-').map_or(file, |(name, _)| name);
    // A library and a command may have one name.
    let which = if source.ends_with("src/main.rs") { ".exe" } else { "" };
    format!("{name}{which}")
}

/// A row of the table, with how many tests it is about.
type Row<'a> = (&'a str, &'a str, usize);

/// The reasons why tests of Linux are not there.
///
/// # Errors
/// One is not there without a reason, or a reason is about none.
fn left_out<'a>(
    here: &BTreeSet<String>,
    there: &BTreeSet<String>,
    table: &[(&'a str, &'a str)],
) -> Result<Vec<Row<'a>>, String> {
    let mut rows: Vec<Row<'_>> = table.iter().map(|(prefix, why)| (*prefix, *why, 0)).collect();
    let mut without = Vec::new();
    for test in here.difference(there) {
        match rows.iter_mut().find(|(prefix, ..)| test.starts_with(prefix)) {
            Some((.., count)) => *count += 1,
            None => without.push(format!("left out without a reason: {test}")),
        }
    }
    let idle = rows.iter().filter(|(.., count)| *count == 0);
    without.extend(idle.map(|(prefix, ..)| format!("a reason that is about no test: {prefix}")));
    if without.is_empty() { Ok(rows) } else { Err(without.join("\n")) }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn passed_tests_are_counted() {
        let said = "test a ... ok\ntest result: ok. 11 passed; 0 failed\n\n\
                    test result: ok. 30 passed; 0 failed\n";
        assert_eq!(passed(said), 41);
        assert_eq!(passed("test result: FAILED. 3 passed; 1 failed"), 0);
    }

    fn set(tests: &[&str]) -> BTreeSet<String> {
        tests.iter().map(|test| (*test).to_owned()).collect()
    }

    #[test]
    fn tests_are_known_by_their_programs() {
        let said = "     Running unittests src/lib.rs (target/debug/deps/cohabit_os-01ab)\n\
                    one::two: test\n\n1 test, 0 benchmarks\n\
                    \x20    Running tests/life/main.rs (target/debug/deps/life-23cd.exe)\n\
                    forks::three: test\n\
                    \x20    Running unittests src/main.rs (target/debug/deps/cohabit-45ef)\n\
                    four: test\n";
        let expected = ["cohabit.exe four", "cohabit_os one::two", "life forks::three"];
        assert_eq!(named(said), set(&expected));
    }

    #[test]
    fn what_is_left_out_has_a_reason_and_each_reason_a_test() {
        let here = set(&["life a::one", "life b::two", "locks c::three"]);
        let there = set(&["life a::one", "life d::more"]);
        let rows = left_out(&here, &there, &[("life b::", "forks"), ("locks", "debugs")]);
        assert_eq!(rows, Ok(vec![("life b::", "forks", 1), ("locks", "debugs", 1)]));
        let refused = left_out(&here, &there, &[("life b::", "forks"), ("life a::", "forks")]);
        assert_eq!(
            refused,
            Err("left out without a reason: locks c::three\n\
                 a reason that is about no test: life a::"
                .to_owned())
        );
    }
}

//! What tests under Wine print, and is to be seen though they pass: figures, and descriptors of rights.

use super::cargo_for_windows;
use super::prefix::Prefix;
use crate::tools::quietly;

/// A test by its package, its program and its name, and how the lines begin that are shown, behind what.
const SHOWN: [(&str, &str, &str, &str); 2] = [
    ("cohabit-os", "--lib", "the_kernel_lets_in_whom_the_rights_name", "rights "),
    ("cohabit", "--test=locks", "after_each_death_the_one_who_waits_is_next", "100 deaths "),
];

/// Runs them, each with its lines.
pub(super) fn run(prefix: &Prefix) -> Result<String, String> {
    let mut lines = Vec::new();
    for (package, program, test, begin) in SHOWN {
        let mut command = cargo_for_windows("test");
        command.args(["--package", package, program, "--", test, "--nocapture"]);
        let said = quietly(prefix.applied(command))?;
        let found = lines.len();
        lines.extend(said.lines().filter(|line| line.starts_with(begin)).map(str::to_owned));
        if lines.len() == found {
            return Err(format!("{said}\n{test} printed no line that begins with {begin:?}"));
        }
    }
    Ok(format!("\n{}", lines.join("\n")))
}

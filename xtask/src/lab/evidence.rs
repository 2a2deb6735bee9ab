//! `docs/crash-evidence.md`: what recorded runs of the laboratory showed, written by the runs.
//!
//! Each command of the laboratory has a section of its own there, between two marks; recording a run
//! replaces its section and leaves the others as they are. A run is recorded by those commands that
//! are given `--full`.

use crate::tools::{Outcome, root};
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const INTRO: &str = "# Crash evidence\n\n\
    What recorded runs of the crash laboratory showed. Every section was written by the command that it \
    names: run it again, and it writes its section anew. What the laboratory is, and what it must find, \
    says ARCHITECTURE.md.\n";

/// What one run showed.
pub(crate) struct Section {
    /// The heading and the mark: `storm`.
    pub(crate) name: String,
    /// As a person types it: `cargo xtask lab storm --full --seed 1`.
    pub(crate) command: String,
    /// How long it ran.
    pub(crate) took: Duration,
    /// The figures: what, and how many.
    pub(crate) rows: Vec<(&'static str, String)>,
    /// Further Markdown behind the figures, such as a table or a histogram; may be empty.
    pub(crate) more: String,
}

/// Writes the section, in place of what it said before.
///
/// # Errors
/// The file cannot be read or written.
pub(crate) fn record(section: &Section) -> Outcome {
    let path = root().join("docs/crash-evidence.md");
    let before = fs::read_to_string(&path).unwrap_or_else(|_| INTRO.to_owned());
    let after = replaced(&before, &section.name, &text(section));
    fs::write(&path, after).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    println!("recorded in docs/crash-evidence.md, section {}", section.name);
    Ok(())
}

/// The document with one section replaced, or added at its end.
fn replaced(document: &str, name: &str, section: &str) -> String {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
    let section = format!("{begin}{section}{end}");
    let found = document.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some(format!("{before}{section}{after}"))
    });
    found.unwrap_or_else(|| format!("{}\n\n{section}", document.trim_end()))
}

fn text(section: &Section) -> String {
    let mut text = format!("## {}\n\n`{}`\n\n| | |\n|---|---|\n", section.name, section.command);
    let seconds = section.took.as_secs();
    let took = format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let place = [("commit", commit()), ("date", date()), ("machine", machine()), ("took", took)];
    for (what, how_many) in place.iter().chain(&section.rows) {
        let _ = writeln!(text, "| {what} | {how_many} |");
    }
    if !section.more.is_empty() {
        let _ = writeln!(text, "\n{}", section.more.trim_end());
    }
    text
}

/// The commit that was run, and whether the tree held more than it.
pub(crate) fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(root()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(id) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    // What this file itself says is no change of what was run.
    match git(&["status", "--porcelain", "--", ".", ":!docs/crash-evidence.md"]) {
        Some(changes) if changes.is_empty() => id,
        _ => format!("{id}, with changes that were not committed"),
    }
}

/// The day, in UTC.
fn date() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = civil(i64::try_from(now.as_secs() / 86_400).unwrap_or_default());
    format!("{year}-{month:02}-{day:02}")
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. The method is Howard Hinnant's,
/// "chrono-Compatible Low-Level Date Algorithms": years that begin in March, in eras of 400.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Kernel and processors.
fn machine() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let (system, hardware) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("{system} {}, {hardware}, {processors} processors", release.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_added_and_then_replaced_and_the_others_stay() {
        let one = replaced(INTRO, "storm", "## storm\n\n1\n");
        let two = replaced(&one, "fuzz", "## fuzz\n\n2\n");
        let three = replaced(&two, "storm", "## storm\n\n3\n");
        assert!(three.starts_with(INTRO.trim_end()));
        assert!(three.contains("3\n<!-- end of storm -->\n") && three.contains("## fuzz\n\n2\n"));
        assert_eq!(three.matches("## storm").count(), 1);
        assert!(!three.contains("\n1\n"));
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_782), (2026, 11, 25));
    }
}

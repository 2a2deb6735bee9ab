//! `cohabit doctor`: whether objects can live here, and what to do where they cannot.
//!
//! Every check looks at facts (`cohabit_os::health`) and judges them by a pure function, which is what
//! the tests call. Nothing is left behind: the two trials use files that never have a name.

mod limits;
mod locks;
mod objects;
mod place;
mod system;

use cohabit::Scope;
use serde_json::{Value as Json, json};

use crate::exit::{Failure, Outcome};
use crate::out;

/// What can be typed behind `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print a JSON object with the list of checks
    #[arg(long)]
    json: bool,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Nothing to do.
    Ok,
    /// It works, and may not for ever or not for all.
    Warn,
    /// It does not work.
    Bad,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Bad => "bad",
        }
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    check: &'static str,
    level: Level,
    text: String,
    /// What to do, or what to know.
    advice: Option<String>,
}

impl Finding {
    fn new(check: &'static str, level: Level, text: impl Into<String>) -> Self {
        Self { check, level, text: text.into(), advice: None }
    }

    fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self::new(check, Level::Ok, text)
    }

    fn warn(check: &'static str, text: impl Into<String>) -> Self {
        Self::new(check, Level::Warn, text)
    }

    fn bad(check: &'static str, text: impl Into<String>) -> Self {
        Self::new(check, Level::Bad, text)
    }

    /// The library's own words, which say what to do.
    fn refused(check: &'static str, error: &cohabit::Error) -> Self {
        let text = format!("{} [{}]", error.detail(), error.code());
        Self::bad(check, text).advise(error.kind().cure())
    }

    fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// Makes every check, and fails if one is bad.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    let findings = examine(scope);
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
    if args.json {
        let checks: Vec<_> = findings.iter().map(document).collect();
        out::json(&json!({"worst": worst.as_str(), "checks": checks}))?;
    } else {
        out::text(&report(&findings))?;
    }
    match findings.iter().filter(|finding| finding.level == Level::Bad).count() {
        0 => Ok(()),
        1 => Err(Failure::Unfit("1 check is bad".to_owned())),
        count => Err(Failure::Unfit(format!("{count} checks are bad"))),
    }
}

fn examine(scope: &Scope) -> Vec<Finding> {
    let mut findings = place::check(scope);
    findings.extend(system::check(scope));
    findings.extend(limits::check());
    findings.extend(objects::check(scope));
    findings
}

/// A line for each check, and below it what to do.
fn report(findings: &[Finding]) -> String {
    let widest = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Finding { check, level, text: found, advice } in findings {
        text += &format!("{:<4}  {check:<widest$}  {found}\n", level.as_str());
        if let Some(advice) = advice {
            text += &format!("{:indent$}{advice}\n", "", indent = 4 + 2 + widest + 2);
        }
    }
    // What peers wrote may stand in it: it shall not steer the terminal.
    out::flat(&text)
}

fn document(finding: &Finding) -> Json {
    json!({
        "check": finding.check,
        "level": finding.level.as_str(),
        "text": finding.text,
        "do": finding.advice,
    })
}

/// So many bytes, for people.
fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS.iter().find(|(size, _)| count >= *size);
    match unit {
        Some((size, name)) if count.is_multiple_of(*size) => format!("{} {name}", count / size),
        Some((size, name)) => format!("{:.1} {name}", count as f64 / *size as f64),
        None => format!("{count} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_stands_below_its_check() {
        let findings = [
            Finding::ok("place", "fine"),
            Finding::warn("remove-ipc", "hm\u{1b}[2J").advise("Do it."),
        ];
        let expected = "ok    place       fine\n\
                        warn  remove-ipc  hm\u{FFFD}[2J\n                  Do it.\n";
        assert_eq!(report(&findings), expected);
    }

    #[test]
    fn bytes_are_told_in_large_units() {
        assert_eq!(bytes(64 << 20), "64 MiB");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(12), "12 bytes");
    }
}

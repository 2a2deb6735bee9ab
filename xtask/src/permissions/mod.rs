//! `cargo xtask test-permissions`: who may do what with objects that several users share.
//!
//! Real processes under real user ids go through a table: who acts × which rights the object gives ×
//! umask × what stands in the name's place, and what each call must say is computed from the rights
//! alone (`table`). Then come what nobody must not be able to do (`story`), and the folder's sticky
//! bit. All of it is run under each value of `fs.protected_regular` that may be set.
//!
//! As a plain user it runs in a user namespace of its own. What the kernel forbids there is printed as
//! skipped, with the reason.
#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(target_os = "linux")]
mod people;
#[cfg(target_os = "linux")]
mod story;
#[cfg(target_os = "linux")]
mod table;

use crate::tools::Outcome;

/// `cargo xtask test-permissions`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What the test starts as its users
    #[arg(hide = true)]
    words: Vec<String>,
}

/// Runs the table and the story.
pub(crate) fn run(args: Args) -> Outcome {
    #[cfg(target_os = "linux")]
    {
        if args.words.is_empty() { everything() } else { child::run(&args.words) }
    }
    #[cfg(not(target_os = "linux"))]
    {
        Err(format!("needs Linux; this is another system ({:?})", args.words))
    }
}

/// What was looked at, and what was found wrong.
#[cfg(target_os = "linux")]
#[derive(Debug, Default)]
struct Report {
    cells: usize,
    checks: usize,
    violations: Vec<String>,
    skipped: Vec<String>,
}

#[cfg(target_os = "linux")]
impl Report {
    /// Counts a check, and keeps `text` if it did not hold.
    fn check(&mut self, held: bool, text: impl FnOnce() -> String) {
        self.checks += 1;
        if !held {
            let text = text();
            println!("VIOLATION {text}");
            self.violations.push(text);
        }
    }

    fn skip(&mut self, text: String) {
        println!("skipped: {text}");
        self.skipped.push(text);
    }
}

#[cfg(target_os = "linux")]
fn everything() -> Outcome {
    if let Some(outcome) = kernel::in_a_namespace_if_needed() {
        return outcome;
    }
    let mut report = Report::default();
    let people = people::People::gather(&mut report)?;
    kernel::under_each("protected_regular", &["0", "1", "2"], &mut report, |value, report| {
        let (cells, checks) = (report.cells, report.checks);
        table::run(&people, report)?;
        story::run(&people, report)?;
        let (cells, checks) = (report.cells - cells, report.checks - checks);
        println!("fs.protected_regular = {value}: {cells} cells, {checks} checks");
        Ok(())
    })?;
    kernel::under_each("protected_hardlinks", &["0", "1"], &mut report, |value, report| {
        let checks = report.checks;
        story::second_names(&people, report)?;
        println!("fs.protected_hardlinks = {value}: {} checks", report.checks - checks);
        Ok(())
    })?;
    let Report { cells, checks, violations, skipped } = &report;
    let (violations, skipped) = (violations.len(), skipped.len());
    println!("{cells} cells, {checks} checks, {violations} violations, {skipped} skipped");
    if violations == 0 { Ok(()) } else { Err(format!("{violations} violations")) }
}

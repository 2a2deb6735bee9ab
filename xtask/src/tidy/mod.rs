//! `cargo xtask tidy`: rules of the source that a machine can hold, one file each.
//!
//! A rule is a function from the tree of files to findings. A finding is
//! `file:line: what, and what to do`. Each rule has unit tests with small bad sources:
//! a rule that cannot fail is no rule.

mod allows;
mod bad_input;
mod header;
mod length;
mod machine_paths;
mod markers;
mod operations;
mod orderings;
mod os_cfg;
mod public;
mod safety;
mod source;
mod token;

use crate::tools::Outcome;
use source::Tree;
use std::fmt;

/// Which rules.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The rules to hold (all, if none is named)
    #[arg(value_parser = names())]
    rules: Vec<String>,
    /// Print the rules and hold none
    #[arg(long)]
    list: bool,
}

/// Something that breaks a rule, or that a person should look at.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    path: String,
    line: usize,
    what: String,
    /// Printed, but fails nothing.
    only_a_remark: bool,
}

impl Finding {
    fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), only_a_remark: false }
    }

    fn remark(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { only_a_remark: true, ..Self::at(path, line, what) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, what, only_a_remark } = self;
        let prefix = if *only_a_remark { "remark: " } else { "" };
        write!(f, "{path}:{line}: {prefix}{what}")
    }
}

/// A rule: its name, what it holds, and the function that holds it.
type Rule = (&'static str, &'static str, fn(&Tree) -> Vec<Finding>);

const RULES: &[Rule] = &[
    ("parse", "every Rust file can be read", source::unread),
    ("header", "every Rust file begins with //!, saying what it is for", header::check),
    ("length", "functions have at most 70 lines, files at most 600 (aim: 400)", length::check),
    ("os-cfg", "only crates/cohabit-os asks which system it is built for", os_cfg::check),
    ("safety", "every unsafe block has a note that argues; unsafe fns a # Safety", safety::check),
    ("orderings", "an ordering in the library names its partner", orderings::check),
    ("bad-input", "every row of docs/bad-input.md has a test of its name", bad_input::check),
    ("operations", "every public operation is registered in the laboratory", operations::check),
    ("markers", "no markers for work to be done later", markers::check),
    ("allows", "no lint is switched off without a reason", allows::check),
    ("machine-paths", "no absolute path of a developer's machine", machine_paths::check),
];

fn names() -> Vec<&'static str> {
    RULES.iter().map(|(name, ..)| *name).collect()
}

/// Holds the rules that were asked for and prints what breaks them.
pub(crate) fn run(args: Args) -> Outcome {
    if args.list {
        for (name, holds, _) in RULES {
            println!("{name:<14} {holds}");
        }
        return Ok(());
    }
    let asked = |name: &str| args.rules.is_empty() || args.rules.iter().any(|rule| rule == name);
    println!("{}", report(asked)?);
    Ok(())
}

/// All rules, as a step of `cargo xtask ci`.
pub(crate) fn check() -> Result<String, String> {
    report(|_| true)
}

/// Counts in words; remarks are printed on the way.
///
/// # Errors
/// One line for each finding.
fn report(asked: impl Fn(&str) -> bool) -> Result<String, String> {
    let tree = Tree::of_workspace()?;
    let rules: Vec<&Rule> = RULES.iter().filter(|(name, ..)| asked(name)).collect();
    let mut lines = Vec::new();
    for (name, _, check) in &rules {
        let mut findings = check(&tree);
        findings.sort();
        for finding in findings {
            if finding.only_a_remark {
                println!("{finding}");
            } else {
                lines.push(format!("{finding} [{name}]"));
            }
        }
    }
    if lines.is_empty() {
        return Ok(format!("{} rules hold in {} files", rules.len(), tree.files.len()));
    }
    lines.push(format!("{} findings", lines.len()));
    Err(lines.join("\n"))
}

/// What the tests of the rules share.
#[cfg(test)]
mod testing {
    use super::Finding;
    use super::source::{Source, Tree};

    /// No line.
    pub(super) const NONE: [usize; 0] = [];

    /// A tree of one file.
    pub(super) fn tree(path: &str, text: &str) -> Tree {
        Tree { files: vec![Source::new(path, text)] }
    }

    /// The lines that a rule finds in one file, without remarks.
    pub(super) fn lines(check: fn(&Tree) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        let tree = tree(path, text);
        assert_eq!(super::source::unread(&tree), [], "a bad source must be Rust: {text}");
        let found = check(&tree);
        found.into_iter().filter(|f| !f.only_a_remark).map(|f| f.line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_place_and_a_sentence() {
        assert_eq!(Finding::at("a/b.rs", 3, "bad; do").to_string(), "a/b.rs:3: bad; do");
        assert_eq!(Finding::remark("a", 1, "x").to_string(), "a:1: remark: x");
    }

    #[test]
    fn names_of_rules_are_unique() {
        let mut all = names();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), RULES.len());
    }
}

//! Rule: every row of docs/bad-input.md has a test of its name.
//!
//! The table's first column is an id in backticks, such as `name-empty`; a test function
//! `name_empty`, or one whose name begins with `name_empty_`, shows what happens.

use super::Finding;
use super::source::Tree;
use super::token::{Token, reads};
use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = "docs/bad-input.md";

/// Holds the rule.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(table) = tree.file(TABLE) else {
        return vec![Finding::at(TABLE, 1, "is missing; write the table of bad input")];
    };
    let tests: BTreeSet<&str> = tree.rust().flat_map(|(_, rust)| tests(&rust.tokens)).collect();
    let mut findings = Vec::new();
    let mut seen = BTreeMap::new();
    for (line, id) in table.lines().filter_map(|(line, text)| Some((line, id(text)?))) {
        let mut complain = |what: String| findings.push(Finding::at(TABLE, line, what));
        if !is_well_formed(id) {
            complain(format!("`{id}` is no id; use small letters and digits, joined by `-`"));
            continue;
        }
        if let Some(first) = seen.insert(id, line) {
            complain(format!("`{id}` stands in line {first} already; give it another id"));
        }
        let name = id.replace('-', "_");
        let longer = format!("{name}_");
        if !tests.iter().any(|test| *test == name || test.starts_with(&longer)) {
            complain(format!("`{id}` has no test; write `fn {name}()` or `fn {name}_…()`"));
        }
    }
    if seen.is_empty() {
        findings.push(Finding::at(TABLE, 1, "has no row `| \\`id\\` | …`; write the table"));
    }
    findings
}

/// The id of a row: what stands in backticks in the first column.
fn id(line: &str) -> Option<&str> {
    let cell = line.trim_start().strip_prefix('|')?.split('|').next()?.trim();
    cell.strip_prefix('`')?.strip_suffix('`')
}

fn is_well_formed(id: &str) -> bool {
    let is_word = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    id.split('-').all(is_word)
}

/// The names of the functions under `#[test]`, also those inside of macros.
fn tests(tokens: &[Token]) -> Vec<&str> {
    let marks = (0..tokens.len()).filter(|at| reads(tokens, *at, &["#", "[", "test", "]"]));
    marks.filter_map(|at| function_after(tokens, at + 4)).collect()
}

/// The name of the function that the attribute before `at` belongs to.
fn function_after(tokens: &[Token], mut at: usize) -> Option<&str> {
    while reads(tokens, at, &["#", "["]) {
        at = tokens[at + 1].close? + 1;
    }
    while !reads(tokens, at, &["fn"]) {
        let modifier = matches!(tokens.get(at)?.text.as_str(), "pub" | "async" | "const");
        at = if modifier { at + 1 } else { return None };
    }
    tokens.get(at + 1).map(|name| name.text.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::*;

    const HEAD: &str = "# Bad input\n\n| id | what |\n|---|---|\n";

    fn found(rows: &str, code: &str) -> Vec<(usize, String)> {
        let files =
            vec![Source::new(TABLE, &format!("{HEAD}{rows}")), Source::new("tests/a.rs", code)];
        check(&Tree { files }).into_iter().map(|f| (f.line, f.what)).collect()
    }

    #[test]
    fn a_row_without_its_test_is_found() {
        let no_test = found("| `name-empty` | x |\n", "fn name_empty() {}\n#[test]\nfn name() {}");
        assert_eq!(no_test.len(), 1);
        assert_eq!(no_test[0].0, 5);
        assert!(no_test[0].1.contains("fn name_empty()"));
        assert_eq!(found("| `a` | x |", "#[test]\nfn ab() {}").len(), 1);
    }

    #[test]
    fn a_test_of_the_name_or_with_more_is_enough() {
        let rows = "| `name-empty` | x |\n| `slash` | y |\n";
        let code = "#[test]\n#[ignore = \"slow\"]\nfn name_empty_in_cli() {}\n\
                    proptest! { #[test]\nfn slash(a in b) {} }";
        assert_eq!(found(rows, code), []);
    }

    #[test]
    fn a_repeated_id_and_a_bad_id_are_found() {
        let code = "#[test]\nfn a() {}";
        assert_eq!(found("| `a` | x |\n| `a` | y |", code)[0].0, 6);
        assert!(found("| `a_B` | x |\n", code)[0].1.contains("no id"));
    }

    #[test]
    fn a_missing_and_an_empty_table_are_found() {
        assert_eq!(check(&Tree { files: vec![] }).len(), 1);
        assert_eq!(found("", "").len(), 1);
    }
}

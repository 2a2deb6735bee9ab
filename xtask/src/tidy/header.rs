//! Rule: every Rust file begins with `//!`, saying what it is for.

use super::Finding;
use super::source::{Source, Tree};

/// Holds the rule.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let bad = |file: &&Source| file.path.ends_with(".rs") && !begins_well(&file.text);
    let finding = |file: &Source| {
        let what = "does not begin with `//! …`; say in its first line what the file is for";
        Finding::at(&file.path, 1, what)
    };
    tree.files.iter().filter(bad).map(finding).collect()
}

fn begins_well(text: &str) -> bool {
    let first = text.lines().next().and_then(|line| line.strip_prefix("//!"));
    first.is_some_and(|words| !words.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NONE, lines};
    use super::*;

    #[test]
    fn a_file_without_its_line_is_found() {
        for bad in ["", "fn a() {}", "\n//! Late.\n", "//!\n//! Empty first line.", "// No.\n"] {
            assert_eq!(lines(check, "a.rs", bad), [1], "{bad}");
        }
        assert_eq!(lines(check, "a.rs", "//! Good.\n"), NONE);
        assert_eq!(lines(check, "a.md", "# Not Rust\n"), NONE);
    }
}

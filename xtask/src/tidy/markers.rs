//! Rule: no markers for work to be done later. What is open is an issue; what is missing is said.

use super::Finding;
use super::source::Tree;

/// The words, put together here so that this file does not hold them.
fn words() -> [String; 3] {
    [["TO", "DO"].concat(), ["FIX", "ME"].concat(), "X".repeat(3)]
}

/// Holds the rule in every text of the project.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let words = words();
    let mut findings = Vec::new();
    for file in &tree.files {
        for (number, line) in file.lines() {
            let mut parts = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            if let Some(word) = parts.find(|part| words.iter().any(|word| word == part)) {
                let what = format!("`{word}` stands here; do it, or say what is missing and why");
                findings.push(Finding::at(&file.path, number, what));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NONE, lines};
    use super::*;

    #[test]
    fn each_marker_is_found_as_a_word_and_only_so() {
        for word in words() {
            let text = format!("//! a\n// {word}: later\nfn a() {{}} // ({word})\n");
            assert_eq!(lines(check, "a.rs", &text), [2, 3]);
            assert_eq!(lines(check, "a.md", &format!("a {word}")), [1]);
            assert_eq!(lines(check, "a.rs", &format!("// mkstemp(\"{word}{word}\")")), NONE);
        }
    }
}

//! Rule: no absolute path of a developer's machine; what works on one machine only is not shared.

use super::Finding;
use super::source::Tree;

/// The folders, put together here so that this file does not hold them.
fn folders() -> [String; 3] {
    ["work", "home", "root"].map(|name| format!("/{name}/"))
}

/// Holds the rule in every text of the project.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let folders = folders();
    let mut findings = Vec::new();
    for file in &tree.files {
        for (number, line) in file.lines() {
            if let Some(folder) = folders.iter().find(|folder| names(line, folder)) {
                let what = format!("names a path below `{folder}`; make it relative, or find it");
                findings.push(Finding::at(&file.path, number, what));
            }
        }
    }
    findings
}

/// Whether the folder stands in the line as the beginning of a path: `a/home/b` is another path.
fn names(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !(c.is_alphanumeric() || "._-~}*".contains(c)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NONE, lines};
    use super::*;

    #[test]
    fn an_absolute_path_is_found_and_a_relative_one_is_not() {
        for folder in folders() {
            assert_eq!(lines(check, "a.sh", &format!("#!/bin/sh\ncd {folder}me\n")), [2]);
            assert_eq!(lines(check, "a.rs", &format!("f!(\"{folder}x\");")), [1]);
            assert_eq!(lines(check, "a.rs", &format!("f!(\"crates{folder}x\");")), NONE);
            assert_eq!(lines(check, "a.sh", &format!("cd ${{ROOT}}{folder}x")), NONE);
        }
    }
}

//! The files of the project, read once; what rules ask of a file.

use super::Finding;
use super::token::{Token, tokens};
use crate::tools::root;
use std::process::Command;

/// Every file that git knows or would know.
pub(super) struct Tree {
    pub(super) files: Vec<Source>,
}

/// One file.
pub(super) struct Source {
    /// From the workspace's folder, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    rust: Option<Result<Rust, String>>,
}

/// What a file of Rust is besides its text.
pub(super) struct Rust {
    pub(super) tokens: Vec<Token>,
    pub(super) syntax: syn::File,
    /// For each line: the column after the last token that ends there.
    code_ends: Vec<usize>,
    /// For each line: whether it begins inside of a literal.
    in_literal: Vec<bool>,
}

impl Tree {
    /// Reads the files of the workspace; those that are not text are left out.
    pub(super) fn of_workspace() -> Result<Self, String> {
        let root = root();
        let mut git = Command::new("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let output = git.current_dir(&root).output().map_err(|e| format!("cannot run git: {e}"))?;
        if !output.status.success() {
            return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let list = String::from_utf8_lossy(&output.stdout);
        let mut files = Vec::new();
        for path in list.split('\0').filter(|path| !path.is_empty()) {
            // A file that was deleted but is still in the index is listed too.
            if let Ok(text) = std::fs::read_to_string(root.join(path)) {
                files.push(Source::new(path, &text));
            }
        }
        Ok(Self { files })
    }

    /// The Rust files that could be read, with what was read.
    pub(super) fn rust(&self) -> impl Iterator<Item = (&Source, &Rust)> {
        self.files.iter().filter_map(|file| match &file.rust {
            Some(Ok(rust)) => Some((file, rust)),
            _ => None,
        })
    }

    /// The file of this path.
    pub(super) fn file(&self, path: &str) -> Option<&Source> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let rust = path.ends_with(".rs").then(|| Rust::read(text));
        Self { path: path.to_owned(), text: text.to_owned(), rust }
    }

    /// Its lines with their numbers, from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The line of this number; empty if there is none.
    pub(super) fn line(&self, number: usize) -> &str {
        let index = number.checked_sub(1);
        index.and_then(|index| self.text.lines().nth(index)).unwrap_or("")
    }

    /// Whether the file is a crate's test or benchmark, or a file of a `mod tests`.
    pub(super) fn is_test(&self) -> bool {
        ["/tests/", "/benches/"].iter().any(|folder| self.path.contains(folder))
            || self.path.ends_with("/tests.rs")
    }
}

impl Rust {
    fn read(text: &str) -> Result<Self, String> {
        let syntax = syn::parse_file(text).map_err(|e| e.to_string())?;
        let tokens = tokens(text)?;
        let lines = text.lines().count();
        let mut code_ends = vec![0; lines + 2];
        let mut in_literal = vec![false; lines + 2];
        for token in &tokens {
            let end = &mut code_ends[token.end_line];
            *end = (*end).max(token.end_column);
            in_literal[token.line + 1..=token.end_line].fill(true);
        }
        Ok(Self { tokens, syntax, code_ends, in_literal })
    }

    /// The comment that fills this line, with its slashes.
    pub(super) fn comment_line<'a>(&self, file: &'a Source, line: usize) -> Option<&'a str> {
        let text = file.line(line).trim();
        let in_literal = self.in_literal.get(line).copied().unwrap_or(false);
        (text.starts_with("//") && !in_literal).then_some(text)
    }

    /// The code on this line, without a comment after it.
    pub(super) fn code_on(&self, file: &Source, line: usize) -> String {
        let end = self.code_ends.get(line).copied().unwrap_or(0);
        let text: String = file.line(line).chars().take(end).collect();
        text.trim().to_owned()
    }

    /// The comment on this line, alone or after code.
    pub(super) fn comment_on(&self, file: &Source, line: usize) -> Option<String> {
        if let Some(whole) = self.comment_line(file, line) {
            return Some(whole.to_owned());
        }
        let end = self.code_ends.get(line).copied().unwrap_or(0);
        let rest: String = file.line(line).chars().skip(end).collect();
        let rest = rest.trim();
        (end > 0 && rest.starts_with("//")).then(|| rest.to_owned())
    }

    /// The block of comment lines that ends on this line, top first; empty if it is no comment.
    pub(super) fn comment_block<'a>(&self, file: &'a Source, end: usize) -> Vec<&'a str> {
        let upwards = (1..=end).rev().map_while(|line| self.comment_line(file, line));
        let mut block: Vec<&str> = upwards.collect();
        block.reverse();
        block
    }
}

/// Holds: every Rust file can be read.
pub(super) fn unread(tree: &Tree) -> Vec<Finding> {
    let unread = |file: &Source| match &file.rust {
        Some(Err(why)) => {
            let what = format!("cannot be read as Rust ({why}); mend it");
            Some(Finding::at(&file.path, 1, what))
        }
        _ => None,
    };
    tree.files.iter().filter_map(unread).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::tree;
    use super::*;

    #[test]
    fn a_file_that_is_no_rust_is_found() {
        let found = |path: &str, text: &str| unread(&tree(path, text)).len();
        assert_eq!(found("a.rs", "fn a( {"), 1);
        assert_eq!(found("a.rs", "fn a() {}"), 0);
        assert_eq!(found("a.txt", "fn a( {"), 0);
    }

    #[test]
    fn comments_are_told_from_strings() {
        let text = "// one\n// two\nlet_a!(); // three\nlet_b!(\"\n// no\n\");\nc!(\"// no\");\n";
        let tree = tree("a.rs", text);
        let (file, rust) = tree.rust().next().unwrap();
        assert_eq!(rust.comment_block(file, 2), ["// one", "// two"]);
        assert_eq!(rust.comment_on(file, 3).as_deref(), Some("// three"));
        for line in 4..=7 {
            assert_eq!(rust.comment_on(file, line), None, "{line}");
        }
    }

    #[test]
    fn the_workspace_has_this_file() {
        assert!(Tree::of_workspace().unwrap().file("xtask/src/tidy/source.rs").is_some());
    }
}

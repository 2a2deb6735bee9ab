//! Rule: only crates/cohabit-os asks which system it is built for.
//!
//! Tests and examples may ask, with dependencies of their own, and so may this tool, which is not part of the
//! product.

use super::Finding;
use super::source::{Rust, Source, Tree};
use super::token::{Token, in_tests};

const WORDS: &[&str] = &["target_os", "target_family", "windows", "unix"];
const EXCEPTED: &[&str] = &["crates/cohabit-os/", "xtask/"];

/// Holds the rule.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let excepted = |file: &Source| EXCEPTED.iter().any(|folder| file.path.starts_with(folder));
    let mut findings = Vec::new();
    let may_ask =
        |file: &Source| excepted(file) || file.is_test() || file.path.contains("/examples/");
    for (file, rust) in tree.rust().filter(|(file, _)| !may_ask(file)) {
        findings.extend(in_rust(file, rust));
    }
    for file in tree.files.iter().filter(|file| !excepted(file)) {
        if file.path.ends_with("Cargo.toml") {
            findings.extend(in_manifest(file));
        }
    }
    findings
}

fn finding(file: &Source, line: usize, word: &str) -> Finding {
    let what = format!(
        "a cfg names `{word}` outside of crates/cohabit-os; give that crate a function for it"
    );
    Finding::at(&file.path, line, what)
}

fn in_rust(file: &Source, rust: &Rust) -> Vec<Finding> {
    let tokens = &rust.tokens;
    let asks = |at: &usize| WORDS.contains(&tokens[*at].text.as_str());
    let in_cfg = |at: &usize| predicate(tokens, *at).is_some_and(|open| !about_tests(tokens, open));
    let places = (0..tokens.len()).filter(asks).filter(in_cfg).filter(|at| !in_tests(tokens, *at));
    places.map(|at| finding(file, tokens[at].line, &tokens[at].text)).collect()
}

/// The bracket that opens the `cfg(…)`, `cfg_attr(…)` or `cfg!(…)` in which the token stands.
fn predicate(tokens: &[Token], at: usize) -> Option<usize> {
    let mut open = tokens[at].parent;
    while let Some(here) = open {
        let name =
            if here >= 2 && tokens[here - 1].text == "!" { here - 2 } else { here.max(1) - 1 };
        if matches!(tokens[name].text.as_str(), "cfg" | "cfg_attr" | "cfg_select") {
            return Some(here);
        }
        open = tokens[here].parent;
    }
    None
}

/// Whether the predicate also names `test`, or the attribute is a test's `ignore`.
fn about_tests(tokens: &[Token], open: usize) -> bool {
    let close = tokens[open].close.unwrap_or(open);
    tokens[open..close].iter().any(|token| token.text == "test" || token.text == "ignore")
}

/// A table such as `[target.'cfg(windows)'.dependencies]`.
fn in_manifest(file: &Source) -> Vec<Finding> {
    let is_table = |line: &str| line.starts_with("[target.") && !line.contains(".dev-dependencies");
    let tables = file.lines().filter(|(_, line)| is_table(line.trim_start()));
    let named = |(number, line): (usize, &str)| {
        let word = WORDS.iter().find(|word| line.contains(**word))?;
        Some(finding(file, number, word))
    };
    tables.filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NONE, lines};
    use super::*;

    #[test]
    fn a_cfg_that_names_a_system_is_found() {
        for bad in [
            "#[cfg(target_os = \"linux\")]\nfn a() {}",
            "#[cfg(not(any(windows, loom)))]\nfn a() {}",
            "#![cfg_attr(unix, doc = \"x\")]",
            "const A: bool = cfg!(target_family = \"unix\");",
            "cfg_select! { windows => { fn a() {} } _ => {} }",
        ] {
            assert_eq!(lines(check, "crates/cohabit/src/a.rs", bad), [1], "{bad}");
            assert_eq!(lines(check, "crates/cohabit-os/src/a.rs", bad), NONE, "{bad}");
            assert_eq!(lines(check, "xtask/src/a.rs", bad), NONE, "{bad}");
        }
    }

    #[test]
    fn tests_and_other_uses_of_the_words_are_not() {
        for good in [
            "mod tests { #[cfg(unix)]\nfn a() {} }",
            "#[test]\n#[cfg_attr(windows, ignore)]\nfn a() {}",
            "#[cfg(all(test, unix))]\nfn a() {}",
            "fn a(windows: u8) { b(\"cfg(unix)\", windows) } // cfg(windows)",
            "#[cfg(target_pointer_width = \"64\")]\nfn a() {}",
        ] {
            assert_eq!(lines(check, "crates/cohabit/src/a.rs", good), NONE, "{good}");
        }
        let text = "#[cfg(unix)]\nfn a() {}";
        assert_eq!(lines(check, "crates/cohabit/tests/a.rs", text), NONE);
        assert_eq!(lines(check, "crates/cohabit/examples/a.rs", text), NONE);
    }

    #[test]
    fn a_manifest_that_names_a_system_is_found() {
        let text = "[package]\n[target.'cfg(windows)'.dependencies]\n";
        assert_eq!(lines(check, "crates/cohabit/Cargo.toml", text), [2]);
        assert_eq!(lines(check, "crates/cohabit-os/Cargo.toml", text), NONE);
        let text = "[package]\n[target.'cfg(windows)'.dev-dependencies]\n";
        assert_eq!(lines(check, "crates/cohabit/Cargo.toml", text), NONE);
    }
}

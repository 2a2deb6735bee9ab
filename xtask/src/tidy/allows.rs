//! Rule: no lint is switched off without a reason.

use super::Finding;
use super::source::Tree;
use super::token::{Token, reads};

/// Holds the rule.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, rust) in tree.rust() {
        let tokens = &rust.tokens;
        for at in (0..tokens.len()).filter(|at| is_unreasoned(tokens, *at)) {
            let word = &tokens[at].text;
            let what =
                format!("`{word}(…)` without a reason; mend the code, or add `reason = \"…\"`");
            findings.push(Finding::at(&file.path, tokens[at].line, what));
        }
    }
    findings
}

fn is_unreasoned(tokens: &[Token], at: usize) -> bool {
    let is_word = matches!(tokens[at].text.as_str(), "allow" | "expect");
    let close = match tokens.get(at + 1) {
        Some(open) if open.text == "(" => open.close.unwrap_or(at),
        _ => return false,
    };
    is_word && in_attribute(tokens, at) && !tokens[at..close].iter().any(|t| t.text == "reason")
}

/// Whether the word is an attribute, alone or in a `cfg_attr`.
fn in_attribute(tokens: &[Token], at: usize) -> bool {
    let Some(open) = tokens[at].parent.filter(|open| *open > 0) else {
        return false;
    };
    match tokens[open].text.as_str() {
        "[" => open + 1 == at && begins_attribute(tokens, open),
        "(" => tokens[open - 1].text == "cfg_attr",
        _ => false,
    }
}

/// Whether `#` or `#!` stands before the bracket; `vec![` has a `!` only.
fn begins_attribute(tokens: &[Token], open: usize) -> bool {
    reads(tokens, open - 1, &["#"]) || (open > 1 && reads(tokens, open - 2, &["#", "!"]))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NONE, lines};
    use super::*;

    #[test]
    fn a_lint_switched_off_without_a_reason_is_found() {
        for bad in [
            "#[allow(dead_code)]\nfn a() {}",
            "#![allow(dead_code, unused)]",
            "#[expect(dead_code)]\nfn a() {}",
            "#[cfg_attr(loom, allow(dead_code))]\nfn a() {}",
            "macro_rules! a { () => { #[allow(dead_code)] fn a() {} } }",
        ] {
            assert_eq!(lines(check, "a.rs", bad), [1], "{bad}");
        }
    }

    #[test]
    fn a_reason_and_other_uses_of_the_words_are_fine() {
        for good in [
            "#[allow(dead_code, reason = \"for the next part\")]\nfn a() {}",
            "fn a() { b.expect(\"c\"); allow(1); vec![expect(2)]; }",
            "#[warn(dead_code)]\nfn a() {}",
        ] {
            assert_eq!(lines(check, "a.rs", good), NONE, "{good}");
        }
    }
}

//! Rule: in the library, an atomic ordering other than Relaxed names its partner.
//!
//! A comment on the line, or within the three lines above the call, has the words "pairs with"
//! (and with what) or, for SeqCst, "orders" (and which two variables).

use super::Finding;
use super::source::{Rust, Source, Tree};
use super::token::in_tests;
use std::ops::RangeInclusive;
use syn::spanned::Spanned as _;
use syn::visit::Visit;

const ORDERINGS: &[&str] = &["Acquire", "Release", "AcqRel", "SeqCst"];
const FOLDER: &str = "crates/cohabit/src/";
const LINES_ABOVE: usize = 3;

/// Holds the rule.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let library = |file: &Source| file.path.starts_with(FOLDER) && !file.is_test();
    for (file, rust) in tree.rust().filter(|(file, _)| library(file)) {
        let mut imports = Imports::default();
        imports.visit_file(&rust.syntax);
        for (at, token) in rust.tokens.iter().enumerate() {
            let imported = imports.lines.iter().any(|lines| lines.contains(&token.line));
            let is_ordering = ORDERINGS.contains(&token.text.as_str());
            if is_ordering && !imported && !in_tests(&rust.tokens, at) && !explained(file, rust, at)
            {
                let what = format!(
                    "`{}` names no partner; add a comment: `pairs with …`, or `orders … and …`",
                    token.text
                );
                findings.push(Finding::at(&file.path, token.line, what));
            }
        }
    }
    findings
}

/// Whether a comment near the call says what the ordering is for.
fn explained(file: &Source, rust: &Rust, at: usize) -> bool {
    let token = &rust.tokens[at];
    let call = token.parent.map(|open| &rust.tokens[open]).filter(|open| open.text == "(");
    let first = call.map_or(token.line, |open| open.line);
    let says = |text: &str| {
        let text = text.to_lowercase();
        text.contains("pairs with") || text.contains("orders")
    };
    let near = first.saturating_sub(LINES_ABOVE).max(1)..=token.line;
    near.clone().any(|line| rust.comment_on(file, line).is_some_and(|text| says(&text)))
        // A long comment counts as a whole when it reaches into the lines above.
        || near.rev().any(|line| says(&rust.comment_block(file, line).join(" ")))
}

/// The lines of `use` items.
#[derive(Default)]
struct Imports {
    lines: Vec<RangeInclusive<usize>>,
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let span = item.span();
        self.lines.push(span.start().line..=span.end().line);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NONE, lines};
    use super::*;

    const FILE: &str = "crates/cohabit/src/a.rs";

    #[test]
    fn an_ordering_without_its_partner_is_found() {
        assert_eq!(lines(check, FILE, "fn a() {\n    b.load(Ordering::Acquire);\n}"), [2]);
        assert_eq!(lines(check, FILE, "fn a() {\n    // Why not.\n    fence(SeqCst);\n}"), [3]);
        let far =
            "fn a() {\n    // pairs with c\n    d();\n    d();\n    d();\n    fence(SeqCst);\n}";
        assert_eq!(lines(check, FILE, far), [6]);
        let twice =
            "fn a() {\n    b.compare_exchange(\n        c, d, AcqRel,\n        Acquire);\n}";
        assert_eq!(lines(check, FILE, twice), [3, 4]);
        assert_eq!(lines(check, FILE, "fn a() { b(Release, \"pairs with\") }"), [1]);
    }

    #[test]
    fn a_comment_above_the_call_or_on_the_line_is_enough() {
        for good in [
            "fn a() {\n    b.load(Acquire); // Pairs with Release in `c`.\n}",
            "fn a() {\n    // Orders the pin and the commit word.\n    fence(SeqCst);\n}",
            "fn a() {\n    // pairs with c\n    b.compare_exchange(\n        x,\n        y,\n        \
             z,\n        AcqRel,\n        Relaxed,\n    );\n}",
            "fn a() {\n    // pairs with c,\n    // 2\n    // 3\n    // 4\n    // 5\n    fence(AcqRel);\n}",
            "use std::sync::atomic::Ordering::{\n    Acquire, Relaxed,\n};",
            "fn a() { b.load(Relaxed) }",
            "mod tests { fn a() { b.load(Acquire) } }",
        ] {
            assert_eq!(lines(check, FILE, good), NONE, "{good}");
        }
        assert_eq!(lines(check, "crates/cohabit-cli/src/a.rs", "fn a() { b(SeqCst) }"), NONE);
    }
}

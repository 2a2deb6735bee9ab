//! Rule: functions of at most 70 lines, files of at most 600 (aim: 400), so that each can be read.
//!
//! A function's lines are counted from `fn` to its last brace, without lines that are only
//! comment: a protocol may be explained at length. A file's lines are counted without `mod tests`.

use super::Finding;
use super::source::{Rust, Source, Tree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 600;
const FILE_LINES_AIM: usize = 400;

/// Holds the rule.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, rust) in tree.rust() {
        findings.extend(file_length(file, rust));
        let mut functions = Functions { file, rust, findings: Vec::new() };
        functions.visit_file(&rust.syntax);
        findings.append(&mut functions.findings);
    }
    findings
}

fn file_length(file: &Source, rust: &Rust) -> Option<Finding> {
    let tests: usize = rust.syntax.items.iter().map(lines_of_tests).sum();
    let lines = file.lines().count() - tests;
    let counted = format!("has {lines} lines without its tests");
    if lines > FILE_LINES_MAX {
        let what = format!("{counted}, at most {FILE_LINES_MAX} are allowed; divide it");
        return Some(Finding::at(&file.path, 1, what));
    }
    let what = || format!("{counted}, aim for {FILE_LINES_AIM}");
    (lines > FILE_LINES_AIM).then(|| Finding::remark(&file.path, 1, what()))
}

fn lines_of_tests(item: &syn::Item) -> usize {
    match item {
        syn::Item::Mod(module) if module.ident == "tests" => {
            let span = module.span();
            span.end().line - span.start().line + 1
        }
        _ => 0,
    }
}

/// Walks over the functions of a file.
struct Functions<'a> {
    file: &'a Source,
    rust: &'a Rust,
    findings: Vec<Finding>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let last = block.brace_token.span.close().end().line;
        let counted = |line: &usize| self.rust.comment_line(self.file, *line).is_none();
        let lines = (first..=last).filter(counted).count();
        if lines > FUNCTION_LINES_MAX {
            let name = &signature.ident;
            let what = format!(
                "`{name}` has {lines} lines, at most {FUNCTION_LINES_MAX} are allowed; divide it"
            );
            self.findings.push(Finding::at(&self.file.path, first, what));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NONE, lines, tree};
    use super::*;

    fn function(body_line: &str, count: usize) -> String {
        format!("//! x\n\nfn long() {{\n{}}}\n", body_line.repeat(count))
    }

    #[test]
    fn a_long_function_is_found_and_a_long_explanation_is_not() {
        assert_eq!(lines(check, "a.rs", &function("    a();\n", 68)), NONE);
        assert_eq!(lines(check, "a.rs", &function("    a();\n", 69)), [3]);
        assert_eq!(lines(check, "a.rs", &function("    // why\n", 200)), NONE);
        let method = format!("impl A {{\n{}}}\n", function("    a();\n", 69).replace("//! x", ""));
        assert_eq!(lines(check, "a.rs", &method), [4]);
        let method = method.replace("impl A", "trait A");
        assert_eq!(lines(check, "a.rs", &method), [4]);
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        assert_eq!(lines(check, "a.rs", &"use a;\n".repeat(600)), NONE);
        assert_eq!(lines(check, "a.rs", &"use a;\n".repeat(601)), [1]);
        let tests = format!("mod tests {{\n{}}}\n", "use a;\n".repeat(601));
        assert_eq!(lines(check, "a.rs", &tests), NONE);
        let remarks = check(&tree("a.rs", &"use a;\n".repeat(401)));
        assert!(remarks.len() == 1 && remarks[0].only_a_remark);
    }
}

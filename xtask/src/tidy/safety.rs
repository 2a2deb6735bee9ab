//! Rule: every `unsafe { … }`, `unsafe impl` and `unsafe extern` block has a `// SAFETY:` note
//! directly above that argues; every `unsafe fn` and `unsafe trait` has a `# Safety` section.
//!
//! Clippy holds the same for code that it sees; this rule also looks into macros and at the words.

use super::Finding;
use super::source::{Rust, Source, Tree};
use super::token::Token;
use syn::visit::{self, Visit};

/// Words that stand where an argument should; SAFETY.md says why.
const BANNED: &[&str] = &["untriaged", "obviously", "as required"];

/// How far above the word `unsafe` its statement may begin.
const STATEMENT_LINES_MAX: usize = 8;

/// Holds the rule.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, rust) in tree.rust() {
        for at in (0..rust.tokens.len()).filter(|at| needs_note(&rust.tokens, *at)) {
            let line = rust.tokens[at].line;
            findings.extend(complaint(file, rust, line).map(|w| Finding::at(&file.path, line, w)));
        }
        let mut sections = Sections { file, findings: Vec::new() };
        sections.visit_file(&rust.syntax);
        findings.append(&mut sections.findings);
    }
    findings
}

fn needs_note(tokens: &[Token], at: usize) -> bool {
    let word = |after: usize| tokens.get(at + after).map_or("", |token| token.text.as_str());
    let is_extern_block = word(1) == "extern" && (word(2) == "{" || word(3) == "{");
    word(0) == "unsafe" && (matches!(word(1), "{" | "impl") || is_extern_block)
}

/// What is wrong with the note above this line, if anything.
fn complaint(file: &Source, rust: &Rust, line: usize) -> Option<String> {
    let Some(note) = note_above(file, rust, line) else {
        return Some("unsafe without `// SAFETY: …` directly above; say why it is sound".into());
    };
    if !note.chars().any(char::is_alphanumeric) {
        return Some("the SAFETY note is empty; say why it is sound".into());
    }
    let words = note.to_lowercase();
    let banned = BANNED.iter().find(|banned| words.contains(**banned))?;
    Some(format!("the SAFETY note says `{banned}`; argue from an invariant or a contract"))
}

/// The text after `SAFETY:` of the comment above the statement that holds this line.
fn note_above(file: &Source, rust: &Rust, line: usize) -> Option<String> {
    for above in (1..line).rev().take(STATEMENT_LINES_MAX) {
        let block = rust.comment_block(file, above);
        if block.is_empty() {
            if ends_before(&rust.code_on(file, above)) {
                return None;
            }
            continue;
        }
        let texts: Vec<&str> = block.iter().map(|text| text.trim_start_matches('/')).collect();
        return texts.join(" ").split_once("SAFETY:").map(|(_, note)| note.to_owned());
    }
    None
}

/// Whether the statement below does not begin on this line: it ends one, opens a block, is blank,
/// or has an unsafe block of its own, which needs its own note. Attributes belong to what follows.
fn ends_before(code: &str) -> bool {
    let is_attribute = code.starts_with("#[") && code.ends_with(']');
    let ends = code.is_empty() || code.ends_with([';', '{', '}', ',']);
    let mut words = code.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    !is_attribute && (ends || words.any(|word| word == "unsafe"))
}

/// Walks over what is declared unsafe.
struct Sections<'a> {
    file: &'a Source,
    findings: Vec<Finding>,
}

impl Sections<'_> {
    fn require(&mut self, unsafety: Option<&syn::Token![unsafe]>, attrs: &[syn::Attribute]) {
        let Some(word) = unsafety else { return };
        if !attrs.iter().any(is_safety_section) {
            let what = "declared unsafe without a `# Safety` section; list what the caller must do";
            self.findings.push(Finding::at(&self.file.path, word.span.start().line, what));
        }
    }
}

fn is_safety_section(attribute: &syn::Attribute) -> bool {
    let syn::Meta::NameValue(pair) = &attribute.meta else {
        return false;
    };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else {
        return false;
    };
    pair.path.is_ident("doc") && text.value().lines().any(|line| line.trim() == "# Safety")
}

impl<'ast> Visit<'ast> for Sections<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.require(function.sig.unsafety.as_ref(), &function.attrs);
        visit::visit_item_fn(self, function);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.require(item.unsafety.as_ref(), &item.attrs);
        visit::visit_item_trait(self, item);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        self.require(function.sig.unsafety.as_ref(), &function.attrs);
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        // The methods of a trait's implementation have the contract that the trait states.
        if item.trait_.is_none() {
            for inner in &item.items {
                if let syn::ImplItem::Fn(function) = inner {
                    self.require(function.sig.unsafety.as_ref(), &function.attrs);
                }
            }
        }
        visit::visit_item_impl(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NONE, lines};
    use super::*;

    fn found(text: &str) -> Vec<usize> {
        lines(check, "a.rs", text)
    }

    #[test]
    fn unsafe_without_a_note_is_found() {
        assert_eq!(found("fn a() {\n    unsafe { b() }\n}"), [2]);
        assert_eq!(found("// A comment.\nunsafe impl Send for A {}"), [2]);
        assert_eq!(found("unsafe extern \"C\" {\n    fn a();\n}"), [1]);
        assert_eq!(found("macro_rules! a { () => {\n unsafe { b() } } }"), [2]);
        let other = "fn a() {\n    // SAFETY: for c.\n    c();\n    unsafe { b() }\n}";
        assert_eq!(found(other), [4]);
        let apart = "// SAFETY: for A.\n\nunsafe impl Send for A {}";
        assert_eq!(found(apart), [3]);
        let second = "fn a() {\n    // SAFETY: b.\n    d(unsafe { b() } +\n    unsafe { c() })\n}";
        assert_eq!(found(second), [4]);
    }

    #[test]
    fn a_note_above_the_statement_counts() {
        assert_eq!(found("fn a() {\n    // SAFETY: Invariant 2.\n    unsafe { b() }\n}"), NONE);
        assert_eq!(found("// SAFETY: no\n// fields.\nunsafe impl Send for A {}"), NONE);
        assert_eq!(found("// SAFETY: no fields.\n#[cfg(a)]\nunsafe impl Send for A {}"), NONE);
        let long = "fn a() {\n    // SAFETY: Invariant 2.\n    let b =\n        unsafe { c() };\n}";
        assert_eq!(found(long), NONE);
        assert_eq!(found("const A: &str = \"unsafe { b }\"; // unsafe { c }"), NONE);
    }

    #[test]
    fn an_empty_note_and_a_note_without_an_argument_are_found() {
        let with =
            |note: &str| format!("fn a() {{\n    // SAFETY:{note}\n    unsafe {{ b() }}\n}}");
        assert_eq!(found(&with("")), [3]);
        for banned in BANNED {
            assert_eq!(found(&with(&format!(" {}.", banned.to_uppercase()))), [3], "{banned}");
            assert_eq!(found(&with(&format!(" this is\n    // {banned} fine"))), [4], "{banned}");
        }
    }

    #[test]
    fn unsafe_declarations_need_their_section() {
        assert_eq!(found("unsafe fn a() {}"), [1]);
        assert_eq!(found("/// A.\npub unsafe trait A {}"), [2]);
        assert_eq!(found("impl A {\n    /// B.\n    pub unsafe fn b() {}\n}"), [3]);
        assert_eq!(found("trait A {\n    unsafe fn b();\n}"), [2]);
        assert_eq!(found("/// A.\n///\n/// # Safety\n/// - b\nunsafe fn a() {}"), NONE);
        assert_eq!(found("impl A for B {\n    unsafe fn b() {}\n}"), NONE);
    }
}

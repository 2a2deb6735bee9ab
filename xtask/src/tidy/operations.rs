//! Rule: every public operation is registered in the crash laboratory.
//!
//! An operation is a `pub fn` of an inherent `impl` of the types below, or one that stands free in the
//! catalogue. `OPERATIONS` of the
//! laboratory's list covers it, or `PURE` says why it touches no segment.

use super::Finding;
use super::public::free_functions;
use super::public::of_types;
use super::source::{Source, Tree};
use crate::lab::{list, pure_list};
use std::collections::{BTreeMap, BTreeSet};

const TYPES: &[&str] = &[
    "Barrier",
    "BarrierWaitResult",
    "Condvar",
    "Event",
    "LockError",
    "Mutex",
    "MutexGuard",
    "Once",
    "OnceCell",
    "RwLock",
    "RwLockReadGuard",
    "RwLockWriteGuard",
    "Semaphore",
    "SemaphorePermit",
    "Shared",
    "SharedView",
    "Value",
    "ChangeFd",
    "TokioChangeFd",
    "Options",
    "Pinned",
    "Fill",
    "Untyped",
    "EntryState",
    "Follow",
    "LockState",
    "ProcessState",
    "Access",
    "Sharing",
    "Flag",
    "Frozen",
    "Loose",
    "View",
    "Cell",
    "NewCell",
];
/// The file whose free functions are operations: `cohabit::list` and so on.
const CATALOG: &str = "crates/cohabit/src/catalog.rs";
const FOLDER: &str = "crates/cohabit/src/";
const LIST: &str = "xtask/src/lab/list.rs";
const LOCKS: &str = "xtask/src/lab/lock_list.rs";
const PURE: &str = "xtask/src/lab/pure_list.rs";

/// Holds the rule for the laboratory's list.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let covered = list::all().flat_map(|operation| operation.covers).copied();
    compare(tree, &covered.collect::<Vec<_>>(), pure_list::PURE)
}

fn compare(tree: &Tree, covered: &[&str], pure: &[(&str, &str)]) -> Vec<Finding> {
    let covered: BTreeSet<&str> = covered.iter().copied().collect();
    let mut findings = Vec::new();
    let public = operations(tree, &mut findings);
    for (name, (path, line)) in &public {
        let is_pure = pure.iter().any(|(pure, _)| pure == name);
        if !covered.contains(name.as_str()) && !is_pure {
            let what =
                format!("`{name}` is not registered; add it to OPERATIONS of {LIST}, or to {PURE}");
            findings.push(Finding::at(path, *line, what));
        }
    }
    let mut complain = |name: &str, what: &str| {
        let (list, line) = place_of(tree, name);
        findings.push(Finding::at(list, line, format!("`{name}` {what}")));
    };
    for name in covered.iter().filter(|name| !public.contains_key(**name)) {
        complain(name, "is covered and does not exist; remove it, or correct its name");
    }
    let mut seen = BTreeSet::new();
    for (name, why) in pure {
        if !public.contains_key(*name) {
            complain(name, "is listed as pure and does not exist; remove it");
        }
        if covered.contains(name) || !seen.insert(*name) {
            complain(name, "is listed as pure and stands in the list twice; decide");
        }
        if why.trim().is_empty() {
            complain(name, "is listed as pure without a reason; give it");
        }
    }
    findings
}

/// Which list names the operation, and in which line.
fn place_of(tree: &Tree, name: &str) -> (&'static str, usize) {
    let quoted = format!("\"{name}\"");
    let line =
        |file: &Source| file.lines().find(|(_, text)| text.contains(&quoted)).map(|(line, _)| line);
    let place = |list: &'static str| Some((list, tree.file(list).and_then(line)?));
    [LIST, LOCKS, PURE].into_iter().find_map(place).unwrap_or((LIST, 1))
}

/// The public operations with their places; what could hide one is a finding.
fn operations(tree: &Tree, findings: &mut Vec<Finding>) -> BTreeMap<String, (String, usize)> {
    let mut all = BTreeMap::new();
    for (file, rust) in tree.rust().filter(|(file, _)| file.path.starts_with(FOLDER)) {
        let public = of_types(&rust.tokens, TYPES);
        for (name, line) in public.functions {
            all.entry(name).or_insert((file.path.clone(), line));
        }
        if file.path == CATALOG {
            for (name, line) in free_functions(&rust.tokens) {
                all.entry(format!("cohabit::{name}")).or_insert((file.path.clone(), line));
            }
        }
        for (line, name) in public.unreadable {
            let what = format!(
                "what `{name}` declares cannot be read here; declare its macro in this file, with \
                 one arm that begins with the functions' names"
            );
            findings.push(Finding::at(&file.path, line, what));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::testing::tree;
    use super::*;

    const FILE: &str = "crates/cohabit/src/value.rs";
    const CODE: &str = "impl<T: Plain> Value<T> {\n    pub fn get(&self) {}\n    fn own(&self) {}\n    \
                        pub(crate) fn ours(&self) {}\n}\nimpl Clone for Value<u8> {\n    fn clone(&self) {}\n}\n\
                        impl Other {\n    pub fn any() {}\n}\n";

    fn found(covered: &[&str], pure: &[(&str, &str)]) -> Vec<(String, usize)> {
        let findings = compare(&tree(FILE, CODE), covered, pure);
        findings.into_iter().map(|f| (f.path, f.line)).collect()
    }

    #[test]
    fn an_operation_is_covered_or_pure() {
        assert_eq!(found(&["Value::get"], &[]), []);
        assert_eq!(found(&[], &[("Value::get", "reads a constant")]), []);
        assert_eq!(found(&[], &[]), [(FILE.to_owned(), 2)]);
    }

    #[test]
    fn what_does_not_exist_stands_twice_or_has_no_reason_is_found() {
        assert_eq!(found(&["Value::get", "Value::gone"], &[]), [(LIST.to_owned(), 1)]);
        assert_eq!(found(&["Value::get"], &[("Value::gone", "x")]).len(), 1);
        assert_eq!(found(&["Value::get"], &[("Value::get", "x")]).len(), 1);
        assert_eq!(found(&[], &[("Value::get", " ")]).len(), 1);
    }

    #[test]
    fn a_free_function_of_the_catalogue_is_an_operation() {
        let code =
            "pub fn list() {}\nfn own() {}\npub(crate) fn ours() {}\nmod a { pub fn b() {} }\n";
        let count = |covered: &[&str]| compare(&tree(CATALOG, code), covered, &[]).len();
        assert_eq!((count(&[]), count(&["cohabit::list"])), (1, 0));
    }

    #[test]
    fn a_macro_that_cannot_be_read_is_found() {
        let hiding = "impl Value {\n    elsewhere!(set);\n}\n";
        let findings = compare(&tree(FILE, hiding), &[], &[]);
        assert_eq!((findings.len(), findings[0].line), (1, 2));
    }

    #[test]
    fn the_list_is_named_with_its_line() {
        let list = "//! x\n\nconst A: &[&str] = &[\"Value::gone\"];\n";
        assert_eq!(compare(&tree(LIST, list), &["Value::gone"], &[])[0].line, 3);
    }
}

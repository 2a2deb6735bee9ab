//! What a mutant is, and the tables of all of them.
//!
//! A mutant is one fault that matters, put into the library on purpose, and the name of the test that
//! must fail then. The text that it replaces occurs exactly once in its file: a mutant that no longer
//! applies is an error, here and in `cargo test -p xtask`, so that the tables follow the source.

use super::{growth, life, liveness, locks, value};
use crate::tools::root;
use std::fs;

/// One fault, and who finds it.
#[derive(Debug)]
pub(super) struct Mutant {
    pub(super) name: &'static str,
    pub(super) file: &'static str,
    /// What stands there, once.
    pub(super) find: &'static str,
    /// What stands there instead.
    pub(super) put: &'static str,
    /// What goes wrong with it.
    pub(super) why: &'static str,
    pub(super) test: Test,
}

/// A test that must fail under a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Test {
    /// A unit test of a package.
    Unit { package: &'static str, name: &'static str },
    /// A test in a package's folder `tests`.
    Integration { package: &'static str, binary: &'static str, name: &'static str },
    /// A model under loom.
    Loom(&'static str),
    /// A long model under shuttle.
    Shuttle(&'static str),
    /// Operations of the laboratory that are killed at each of their states.
    Step { what: &'static str, operation: &'static str },
}

impl Test {
    /// A test in one of the library's folders of tests.
    pub(super) const fn of(binary: &'static str, name: &'static str) -> Self {
        Test::Integration { package: "cohabit", binary, name }
    }

    /// A test of the contract that every mechanism of an operating system holds.
    pub(super) const fn contract(name: &'static str) -> Self {
        Test::Integration { package: "cohabit-os", binary: "contract", name }
    }
}

/// A fault that no test can find, since it is none.
#[derive(Debug)]
pub(super) struct Equivalent {
    pub(super) name: &'static str,
    pub(super) file: &'static str,
    pub(super) find: &'static str,
    pub(super) put: &'static str,
    /// Why it changes nothing.
    pub(super) reason: &'static str,
}

/// All mutants, those of one test binary beside each other: it is linked once for each anyway, but the
/// others need not be built.
pub(super) fn all() -> Vec<&'static Mutant> {
    let tables =
        [life::MUTANTS, liveness::MUTANTS, value::MUTANTS, growth::MUTANTS, locks::MUTANTS];
    let mut all: Vec<&Mutant> = tables.into_iter().flatten().collect();
    all.sort_by_key(|mutant| mutant.test);
    all
}

/// The faults that are none.
pub(super) fn equivalent() -> impl Iterator<Item = &'static Equivalent> {
    [life::EQUIVALENT, value::EQUIVALENT, locks::EQUIVALENT].into_iter().flatten()
}

/// The source with the fault in it.
///
/// # Errors
/// The text is not there, or there more than once: what to do.
pub(super) fn applied(
    source: &str,
    (name, file): (&str, &str),
    (find, put): (&str, &str),
) -> Result<String, String> {
    match source.matches(find).count() {
        1 if find != put => Ok(source.replacen(find, put, 1)),
        1 => Err(format!("mutant {name} changes nothing")),
        count => Err(format!(
            "mutant {name} does not apply: expected its text once in {file}, found it {count} times; \
             bring xtask/src/lab/mutants along, so that it makes the same fault again: {find:?}"
        )),
    }
}

impl Test {
    /// Whether a function of its name stands where it should. Of a `lab step`, the laboratory says so.
    fn is_there(self) -> bool {
        let (folder, name) = match self {
            Test::Unit { package, name } => (format!("{package}/src"), name),
            Test::Integration { package, name, .. } => (format!("{package}/tests"), name),
            Test::Loom(name) | Test::Shuttle(name) => ("cohabit-models/src".to_owned(), name),
            Test::Step { .. } => return true,
        };
        let function = format!("fn {}(", name.rsplit("::").next().unwrap_or(name));
        let mut folders = vec![root().join("crates").join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if fs::read_to_string(&path).is_ok_and(|text| text.contains(&function)) {
                    return true;
                }
            }
        }
        false
    }
}

/// Says of every mutant that does not apply to the source as it is now, or whose test is gone.
pub(super) fn check() -> Result<(), String> {
    let mutants = all().into_iter().map(|m| (m.name, m.file, m.find, m.put));
    let equivalent = equivalent().map(|e| (e.name, e.file, e.find, e.put));
    let mut wrong = Vec::new();
    for (name, file, find, put) in mutants.chain(equivalent) {
        let path = root().join(file);
        let source = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()));
        let applied = source.and_then(|source| applied(&source, (name, file), (find, put)));
        wrong.extend(applied.err());
    }
    for mutant in all().into_iter().filter(|mutant| !mutant.test.is_there()) {
        wrong.push(format!(
            "mutant {} names a test that is not there: {:?}",
            mutant.name, mutant.test
        ));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_applies_to_the_source_and_has_a_name_of_its_own() {
        check().unwrap();
        let mut names: Vec<&str> = all().iter().map(|mutant| mutant.name).collect();
        names.extend(equivalent().map(|mutant| mutant.name));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "two mutants have the same name");
    }

    #[test]
    fn a_test_that_is_gone_is_an_error() {
        assert!(
            Test::Unit { package: "cohabit", name: "growth::tests::the_first_is_right" }.is_there()
        );
        assert!(!Test::of("life", "leaving::the_last_one_out_leaves_no").is_there());
        assert!(!Test::Loom("lock_models::one_holder").is_there());
    }

    #[test]
    fn a_text_that_is_gone_or_there_twice_is_an_error() {
        let name = ("m", "f.rs");
        assert_eq!(applied("a b c", name, ("b", "x")).as_deref(), Ok("a x c"));
        for source in ["a c", "a b b c"] {
            let error = applied(source, name, ("b", "x")).unwrap_err();
            assert!(error.contains("does not apply"), "{error}");
        }
        assert!(applied("a b", name, ("b", "b")).unwrap_err().contains("changes nothing"));
    }
}

//! Faults in agreeing on what is appended.

use super::table::{Mutant, Test};

const GROWTH: &str = "crates/cohabit/src/growth.rs";
const MARKS: &str = "crates/cohabit/src/growth/marks.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "marks-are-made-before-all-are-compared",
        file: GROWTH,
        find: "    each(Role::Observer)?;\n",
        put: "",
        why: "a program that is refused would bind others to fields that nobody uses",
        test: Test::of("appending", "refusals::who_is_refused_leaves_no_marks"),
    },
    Mutant {
        name: "another-mark-is-overwritten",
        file: MARKS,
        find: "let put = word.compare_exchange(0, *mark, Ordering::Relaxed, Ordering::Relaxed);",
        put: "word.store(*mark, Ordering::Relaxed);\n            let put: Result<u64, u64> = Ok(0);",
        why: "two programs with different fields would take each other's for their own",
        test: Test::Unit { package: "cohabit", name: "growth::tests::the_first_is_right" },
    },
    Mutant {
        name: "mark-is-stored-where-none-was-seen",
        file: MARKS,
        find: "let put = word.compare_exchange(0, *mark, Ordering::Relaxed, Ordering::Relaxed);",
        put: "let seen = word.load(Ordering::Relaxed);\n            if seen == 0 {\n                \
              word.store(*mark, Ordering::Relaxed);\n            }\n            \
              let put: Result<u64, u64> = Err(seen);",
        why: "of two programs that come at once with different fields, both would be let in",
        test: Test::Shuttle(
            "long::word_models::those_who_append_different_fields_never_both_agree",
        ),
    },
];

//! Faults in agreeing on what is appended.

use super::table::{Mutant, Test};

const GROWTH: &str = "crates/cohabit/src/growth.rs";

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
        file: GROWTH,
        find: "        if found != 0 && found != mark {",
        put: "        word.store(mark, Ordering::Relaxed);\n        if found != 0 && found == !mark {",
        why: "two programs with different fields would take each other's for their own",
        test: Test::Unit { package: "cohabit", name: "growth::tests::the_first_is_right" },
    },
];

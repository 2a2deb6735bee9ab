//! Faults in what the kernel is asked: who lives, and whose a folder or a file is.

use super::table::{Mutant, Test};

const LIVENESS: &str = "crates/cohabit-os/src/liveness/mod.rs";
const LIVENESS_LINUX: &str = "crates/cohabit-os/src/liveness/linux.rs";
const LIVENESS_PORTABLE: &str = "crates/cohabit-os/src/liveness/portable.rs";
const FORK: &str = "crates/cohabit-os/src/fork/mod.rs";
const LOOK: &str = "crates/cohabit/src/look.rs";
const PLACE: &str = "crates/cohabit-os/src/place/mod.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "anchor-is-inherited",
        file: LIVENESS_LINUX,
        find: "Advice::LinuxDontFork",
        put: "Advice::Normal",
        why: "a child that was forked would keep its dead parent alive",
        test: Test::contract("liveness::a_child_does_not_hold_it"),
    },
    Mutant {
        name: "any-owner-of-a-users-folder",
        file: PLACE,
        find: "if !owners.contains(&found.owner) {",
        put: "if false && !owners.contains(&found.owner) {",
        why: "a stranger could make this user's folder first, and own all of its objects' names",
        test: Test::contract("places::the_users_own_folder_is_made_private_and_stays_so"),
    },
    Mutant {
        name: "section-by-any-inode",
        file: LIVENESS,
        find: "if !way.leads_to(&file.status()?, id) {",
        put: "if false && !way.leads_to(&file.status()?, id) {",
        why: "the life byte of another instance under the same name would be taken for this one's",
        test: Test::contract("sections::gone_when_the_name_names_nothing_or_another"),
    },
    Mutant {
        name: "lock-file-is-inherited",
        file: FORK,
        find: "descriptors::in_child(&mut still.descriptors);",
        put: "let _ = &mut still.descriptors;",
        why: "a child that was forked would keep its dead parent alive, where lock files tell who lives",
        test: Test::contract("mechanisms::the_portable_mechanism_keeps_the_contract"),
    },
    Mutant {
        name: "missing-lock-file-is-a-death",
        file: LIVENESS_PORTABLE,
        find: "1 if byte[0] != 0 => Err(gone()),",
        put: "1 if byte[0] > 1 => Err(gone()),",
        why: "who takes a lock file away would have its holder robbed",
        test: Test::contract("mechanisms::the_portable_mechanism_keeps_the_contract"),
    },
    Mutant {
        name: "mechanisms-are-mixed",
        file: LOOK,
        find: "if header.mechanism == mine {",
        put: "if true || header.mechanism == mine {",
        why: "processes that cannot see each other live would take each other for dead",
        test: Test::of("bad_input", "types::mechanism_mismatch"),
    },
];

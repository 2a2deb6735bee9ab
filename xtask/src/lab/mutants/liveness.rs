//! Faults in what the kernel is asked: who lives, and whose a folder or a file is.

use super::table::{Mutant, Test};

const MAPPING_LINUX: &str = "crates/cohabit-os/src/mapping/linux.rs";
const MAPPING_SHARED: &str = "crates/cohabit-os/src/mapping/shared.rs";
const ASKER: &str = "crates/cohabit/src/asker.rs";
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
    Mutant {
        name: "a-read-lock-is-life",
        file: LIVENESS_LINUX,
        find: "byte_at(libc::F_RDLCK, offset)",
        put: "byte_at(libc::F_WRLCK, offset)",
        why: "whoever may read the file could keep the dead from being judged dead",
        test: Test::contract("liveness::a_read_lock_does_not_look_like_life"),
    },
    Mutant {
        name: "all-bytes-behind-are-locked",
        file: LIVENESS_LINUX,
        find: "        len: 1,\n",
        put: "        len: 0,\n",
        why: "one user's life would be that of all slots behind it",
        test: Test::contract("liveness::a_byte_is_one_byte_however_far_up"),
    },
    Mutant {
        name: "shared-description-is-anchored",
        file: LIVENESS,
        find: "let file = if file.is_private() { file } else { file.reopen(Access::ReadWrite)? };",
        put: "let file = if true { file } else { file.reopen(Access::ReadWrite)? };",
        why: "a child that was forked in between would hold its dead parent's byte",
        test: Test::contract("liveness::a_fork_between_opening_and_taking_shares_nothing"),
    },
    Mutant {
        name: "section-is-not-unlocked",
        file: LIVENESS,
        find: "            sys!(unlock_life(self.file.handle()));\n",
        put: "",
        why: "an anchor that was taken inside would keep the section, for as long as its process lives",
        test: Test::contract(
            "sections::an_anchor_taken_inside_outlives_the_section_and_the_section_ends",
        ),
    },
    Mutant {
        name: "any-child-ends-a-section",
        file: LIVENESS,
        find: "if fork::lineage().is_ok_and(|lineage| lineage == self.lineage) {\n            sys!(unlock_life",
        put: "if fork::lineage().is_ok_and(|lineage| lineage == lineage) {\n            sys!(unlock_life",
        why: "a raw clone that drops its copy would let others into its parent's section",
        test: Test::contract("sections::a_raw_clone_does_not_end_its_parents_section"),
    },
    Mutant {
        name: "any-child-unmaps-an-anchor",
        file: LIVENESS,
        find: "Some(hold) if fork::lineage().is_ok_and(|lineage| lineage == self.lineage) => {",
        put: "Some(hold) if fork::lineage().is_ok_and(|lineage| lineage == lineage) => {",
        why: "a child that drops its copy would unmap what stands at that address by now",
        test: Test::contract("liveness::a_childs_copy_unmaps_nothing_of_the_childs"),
    },
    Mutant {
        name: "any-file-answers-who-lives",
        file: ASKER,
        find: "Ok(status) => Ok(Some(status).filter(|status| status.id == id)),",
        put: "Ok(status) => Ok(Some(status).filter(|status| status.id == id || true)),",
        why: "where the program has closed the descriptor, another file would say that all are dead",
        test: Test::of("bad_input", "running::liveness_lost"),
    },
    Mutant {
        name: "a-strangers-descriptor-is-closed",
        file: ASKER,
        find: "if file.as_ref().is_some_and(|file| matches!(proved(file, self.id), Ok(None))) {",
        put: "if file.is_none() {",
        why: "where the program has closed the descriptor, the next file that got its number would be closed",
        test: Test::of("bad_input", "running::liveness_lost"),
    },
    Mutant {
        name: "any-file-is-retired",
        file: MAPPING_SHARED,
        find: "Ok(stat) if status_from(&stat).id == id => {}",
        put: "Ok(stat) if status_from(&stat).id == id || true => {}",
        why: "who ends an old instance would take away the name of the new one",
        test: Test::contract("files::a_name_is_retired_only_with_its_file"),
    },
    Mutant {
        name: "links-are-followed",
        file: MAPPING_LINUX,
        find: "flags_of(access) | OFlags::NOFOLLOW | OFlags::NONBLOCK",
        put: "flags_of(access) | OFlags::NONBLOCK",
        why: "a symbolic link under a name would lead anywhere, with our rights",
        test: Test::contract("files::opening_never_creates_and_never_follows"),
    },
    Mutant {
        name: "memory-may-shrink",
        file: MAPPING_LINUX,
        find: "SealFlags::SHRINK | SealFlags::GROW",
        put: "SealFlags::GROW",
        why: "a peer could cut the object, and kill who touches it",
        test: Test::of("handles", "rights::nobody_can_cut_or_lengthen_it"),
    },
    Mutant {
        name: "root-need-not-be-sticky",
        file: PLACE,
        find: "found.mode & WRITE_BY_OTHERS != 0 && found.mode & STICKY == 0",
        put: "found.mode & WRITE_BY_OTHERS != 0 && found.mode & STICKY == 1",
        why: "anybody could put a folder of its own in the place of a shared object's",
        test: Test::of("places", "strangers::folder_unsafe_where_anybody_may_take_names_away"),
    },
    Mutant {
        name: "a-second-name-is-accepted",
        file: LOOK,
        find: "if status.links > 1 && !place.is_own() {",
        put: "if status.links > 9 && !place.is_own() {",
        why: "a file of this user's could be made an object of by who links it there",
        test: Test::of("bad_input", "files::hard_link"),
    },
];

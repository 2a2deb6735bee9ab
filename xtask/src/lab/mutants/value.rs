//! Faults in the protocol of a value: copies, stamps, pins, the commit.

use super::table::{Equivalent, Mutant, Test};

const MERGE: &str = "crates/cohabit/src/words/merge.rs";
const LOCK: &str = "crates/cohabit/src/lock.rs";
const WRITE: &str = "crates/cohabit/src/value/write.rs";
const CELL: &str = "crates/cohabit/src/value/cell.rs";
const PINS: &str = "crates/cohabit/src/value/pins.rs";

const PINS_MODEL: Test = Test::Shuttle(
    "long::value_models::a_pinned_copy_is_not_filled_and_a_dead_readers_pin_is_found",
);

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "reader-without-its-fence",
        file: CELL,
        find: "    fence(Ordering::Acquire);\n    cell.stamp(commit.index())",
        put: "    cell.stamp(commit.index())",
        why: "on Arm the stamp may be loaded before the words, and a torn value be accepted",
        test: Test::Loom("value_models::a_reader_never_sees_a_torn_value_and_never_goes_back"),
    },
    Mutant {
        name: "stamp-without-its-fence",
        file: CELL,
        find: "    // Release: pairs with the Acquire fence after the words in `holds_still`.\n    \
               fence(Ordering::Release);",
        put: "",
        why: "on Arm the words may be seen before the stamp, and a torn value be accepted",
        test: Test::Loom("value_models::a_reader_never_sees_a_torn_value_and_never_goes_back"),
    },
    Mutant {
        name: "committed-copy-is-filled",
        file: CELL,
        find: "if index + 1 == cell.count() { 0 } else { index + 1 }",
        put: "index",
        why: "a writer that is killed while it fills would take the value with it",
        test: Test::Step { what: "value", operation: "set" },
    },
    Mutant {
        name: "pinned-copy-is-filled",
        file: CELL,
        find: "taken |= pinned_copy(pin).map_or(0, |index| 1 << index);",
        put: "taken |= pinned_copy(pin).map_or(0, |_| 0);",
        why: "what a reader holds on to would change under it",
        test: Test::of("value", "pins::pins_end_at_six_and_never_stop_a_writer"),
    },
    Mutant {
        name: "pins-of-the-dead-stay",
        file: PINS,
        find: "Some(pin_holder(held)) != me && site.is_dead(pin_holder(held))?",
        put: "Some(pin_holder(held)) != me && !site.is_dead(pin_holder(held))?",
        why: "readers that are killed would use up the pins, and the living lose theirs",
        test: Test::of("value", "pins::the_pins_of_the_dead_are_found"),
    },
    Mutant {
        name: "pin-that-moves-is-released",
        file: PINS,
        find: "pin.store(word, Ordering::SeqCst);",
        put: "pin.store(word, Ordering::Release);",
        why: "the commit word may be loaded before a writer can see the pin, and the copy be filled",
        test: PINS_MODEL,
    },
    Mutant {
        name: "commit-is-acquired-behind-a-pin",
        file: PINS,
        find: "Commit(cell.commit().load(Ordering::SeqCst))",
        put: "Commit(cell.commit().load(Ordering::Acquire))",
        why: "it may be the commit of before the pin, of a copy that is filled again",
        test: PINS_MODEL,
    },
    Mutant {
        name: "pins-are-acquired-behind-a-commit",
        file: CELL,
        find: "any | pin.load(Ordering::SeqCst)",
        put: "any | pin.load(Ordering::Acquire)",
        why: "the pins may be those of before the commit, and a pinned copy be filled",
        test: PINS_MODEL,
    },
    Mutant {
        name: "commit-is-released-before-the-pins",
        file: CELL,
        find: "cell.commit().swap(next.0, Ordering::SeqCst)",
        put: "cell.commit().swap(next.0, Ordering::AcqRel)",
        why: "who pins may find the commit before, after the pins were looked at",
        test: PINS_MODEL,
    },
    Mutant {
        name: "pin-is-not-looked-at-again",
        file: PINS,
        find: "if now.index() == commit.index() {",
        put: "if now.index() == commit.index() || now.0 != 0 {",
        why: "a writer that filled the copy before it saw the pin would not be found out",
        test: PINS_MODEL,
    },
    Mutant {
        name: "stamp-may-be-newer",
        file: CELL,
        find: "cell.stamp(commit.index()).load(Ordering::Relaxed) == commit.version()",
        put: "cell.stamp(commit.index()).load(Ordering::Relaxed) >= commit.version()",
        why: "a copy that is filled again under its reader would be accepted",
        test: Test::Shuttle("long::value_models::updates_of_three_and_deaths_lose_nothing"),
    },
    Mutant {
        name: "commit-index-is-believed",
        file: CELL,
        find: "    fence(Ordering::Acquire);\n    if commit.index() < cell.count() { Ok(commit) }",
        put: "    fence(Ordering::Acquire);\n    if commit.index() < usize::MAX { Ok(commit) }",
        why: "a peer that writes what it likes into the commit word would make readers panic",
        test: Test::of("value", "hostile::each_hostile_word_is_survived"),
    },
    Mutant {
        name: "forked-update-commits-twice",
        file: WRITE,
        find: "    if site.is_here() {\n        return Ok(());",
        put: "    if site.is_here() || true {\n        return Ok(());",
        why: "a child that was forked inside an update would commit under its parent's lock",
        test: Test::of("life", "forks::a_fork_inside_an_update_leaves_it_to_the_parent"),
    },
    Mutant {
        name: "update-in-update-waits-for-itself",
        file: LOCK,
        find: "updating == address || peers.are_one(updating, address)",
        put: "updating == 0 && peers.are_one(updating, address)",
        why: "a thread would wait for itself, for ever",
        test: Test::of("value", "locks::an_update_inside_an_update_of_the_same_cell_is_a_deadlock"),
    },
    Mutant {
        name: "neighbours-are-set-back",
        file: MERGE,
        find: "match word.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {",
        put: "word.store(next, Ordering::Relaxed);\n        match Ok::<u64, u64>(next) {",
        why: "what others store in the same word at the same time would be lost",
        test: Test::Shuttle("long::word_models::neighbours_in_one_word_are_never_set_back"),
    },
    Mutant {
        name: "who-holds-on-is-robbed",
        file: LOCK,
        find: "Some(holder) => peers.is_dead(holder),",
        put: "Some(holder) => peers.is_dead(holder).map(|_| true),",
        why: "the lock of a stopped writer would be taken from it, and its copy be filled by two",
        test: Test::of("value", "locks::a_stopped_holder_is_named_and_never_robbed"),
    },
];

pub(super) const EQUIVALENT: &[Equivalent] = &[Equivalent {
    name: "committed-is-loaded-relaxed",
    file: CELL,
    find: "Commit(cell.commit().load(Ordering::Acquire))",
    put: "Commit(cell.commit().load(Ordering::Relaxed))",
    reason: "the lock orders it behind the writer before; behind one that died inside, the kernel's word \
             that it is dead orders as much. The Acquire is kept for who reads the code",
}];

//! Faults in how an instance begins, is joined, is left and ends.

use super::table::{Mutant, Test};

const SEGMENT: &str = "crates/cohabit/src/segment.rs";
const CREATE: &str = "crates/cohabit/src/create.rs";
const ATTACH: &str = "crates/cohabit/src/attach.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "who-leaves-counts-itself",
        file: SEGMENT,
        find: "row.state == RowState::User && Some(token) != me && !self.is_dead(token)?",
        put: "row.state == RowState::User && !self.is_dead(token)?",
        why: "nobody would ever be the last one, and every object would stay as an orphan",
        test: Test::of("life", "leaving::the_last_one_out_leaves_no_file"),
    },
    Mutant {
        name: "live-by-a-store",
        file: CREATE,
        find: "    let stepped = segment.life().compare_exchange(\n        building,\n        \
               Life::Live.word(),\n        Ordering::Release,\n        Ordering::Relaxed,\n    );",
        put: "    let stepped: std::result::Result<u64, u64> = Ok(building);\n    \
              segment.life().store(Life::Live.word(), Ordering::Release);",
        why: "an object that was removed while it was constructed would live again, without a name",
        test: Test::of("life", "leaving::an_object_removed_while_it_is_constructed_has_ended"),
    },
    Mutant {
        name: "dead-builder-is-waited-for",
        file: ATTACH,
        find: "Life::Building(actor) | Life::Dropping(actor) => segment.is_dead(actor)?,",
        put: "Life::Building(_) => false,\n        Life::Dropping(actor) => segment.is_dead(actor)?,",
        why: "who waits for a builder that was killed would wait for ever",
        test: Test::of("life", "birth::a_killed_builder_is_succeeded_by_one_waiter"),
    },
    Mutant {
        name: "generation-is-used-twice",
        file: ATTACH,
        find: "Some(next) => held.push((Token { slot, generation }, next)),",
        put: "Some(_) => held.push((Token { slot, generation }, generation)),",
        why: "what a dead user of the slot left would be taken for the next one's",
        test: Test::of(
            "value",
            "pins::pins_of_an_earlier_user_of_the_slot_are_not_those_of_the_next",
        ),
    },
];

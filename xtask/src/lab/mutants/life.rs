//! Faults in how an instance begins, is joined, is left and ends.

use super::table::{Equivalent, Mutant, Test};

const MEMBER: &str = "crates/cohabit/src/member.rs";
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
    Mutant {
        name: "loser-of-the-name-goes-on",
        file: CREATE,
        find: "    if !publish(plan, place, &member.segment)? {\n        return Ok(None);\n    }",
        put: "    let _named = publish(plan, place, &member.segment)?;",
        why: "who loses the race for a name would have an object that nobody else sees",
        test: Test::of("life", "birth::created_is_true_once_however_many_race"),
    },
    Mutant {
        name: "orphan-is-joined",
        file: ATTACH,
        find: "Ok(stopped_half_way || is_orphan(segment)?)",
        put: "Ok(stopped_half_way)",
        why: "what the dead left would be taken for the object of the living",
        test: Test::of("life", "leaving::an_orphan_is_reclaimed_by_the_next_opener"),
    },
    Mutant {
        name: "any-boot-is-this-one",
        file: ATTACH,
        find: "Keep::UntilReboot => segment.header.boot == boot(&segment.name)?,",
        put: "Keep::UntilReboot => true,",
        why: "what was kept until the reboot would be kept over it",
        test: Test::of("life", "leaving::an_object_of_an_earlier_boot_is_reclaimed"),
    },
    Mutant {
        name: "generations-begin-anew",
        file: ATTACH,
        find: "match generation.checked_add(1) {",
        put: "match Some(generation.wrapping_add(1)) {",
        why: "tokens of the dead would be those of the living once more",
        test: Test::of("life", "slots::a_slot_whose_generations_are_used_up_is_retired"),
    },
    Mutant {
        name: "who-left-is-counted",
        file: SEGMENT,
        find: "row.state == RowState::User && Some(token) != me",
        put: "matches!(row.state, RowState::User | RowState::Left) && Some(token) != me",
        why: "of several that exit at once none would find itself the last, and the object stay",
        test: Test::of("life", "statics::who_is_on_its_way_out_is_not_counted"),
    },
    Mutant {
        name: "guests-are-counted",
        file: SEGMENT,
        find: "row.state == RowState::User && Some(token) != me",
        put: "matches!(row.state, RowState::User | RowState::Guest) && Some(token) != me",
        why: "a tool that looks at an object would keep it from ending",
        test: Test::of("life", "ends::a_guest_is_not_counted_and_does_not_end_it"),
    },
    Mutant {
        name: "who-leaves-in-vain-does-not-say-so",
        file: MEMBER,
        find: "            self.set_row(RowState::Left);\n            self.enter_briefly()",
        put: "            self.enter_briefly()",
        why: "of many that leave at once all would count each other, and none end the object",
        test: Test::of("life", "statics::who_is_on_its_way_out_is_not_counted"),
    },
    Mutant {
        name: "kept-objects-end",
        file: MEMBER,
        find: "            && self.segment.header.keep == Keep::WhileUsed\n",
        put: "",
        why: "what is kept would go with its last user",
        test: Test::of("life", "leaving::a_kept_object_waits_with_its_last_value"),
    },
    Mutant {
        name: "forked-child-leaves-for-its-parent",
        file: MEMBER,
        find: "        if !member.is_here() {\n            // A forked child:",
        put: "        if false {\n            // A forked child:",
        why: "a child that drops its copy of the handle would free its parent's slot",
        test: Test::of(
            "life",
            "forks::a_forked_child_that_drops_the_last_handle_does_not_leave_for_its_parent",
        ),
    },
];

pub(super) const EQUIVALENT: &[Equivalent] = &[
    Equivalent {
        name: "failed-constructor-ends-nothing",
        file: CREATE,
        find: "abandon.armed = built.is_err();",
        put: "abandon.armed = false;",
        reason: "the handle that is dropped then leaves, and ends an object that has no other user; where \
                 others wait already, its byte falls, and they end it. It spares them that",
    },
    Equivalent {
        name: "forked-constructor-finishes-twice",
        file: CREATE,
        find: "    let built = build(&member.segment);\n    if !member.is_here() {",
        put: "    let built = build(&member.segment);\n    if false {",
        reason: "every way to build looks by itself, behind the caller's constructor, whether this is a child. \
                 Here it is looked for all of them",
    },
    Equivalent {
        name: "byte-before-its-row",
        file: ATTACH,
        find: "    segment.set_row(slot, Row { generation, state });\n    let byte = if role == Role::Guest { \
               token.guest_byte() } else { token.user_byte() };\n    section.anchor(byte).map(",
        put: "    let byte = if role == Role::Guest { token.guest_byte() } else { token.user_byte() \
              };\n    let anchored = section.anchor(byte);\n    segment.set_row(slot, Row { generation, \
              state });\n    anchored.map(",
        reason: "nobody looks between the two, which are under the life byte, and of whoever is killed there \
                 the kernel frees the byte. Row first is what an observer can make sense of",
    },
];

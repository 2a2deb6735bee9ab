//! Faults in the lock words, and in what waits on them.

use super::table::{Equivalent, Mutant, Test};

const RUN: &str = "crates/cohabit/src/sync/run.rs";
const MUTEX: &str = "crates/cohabit/src/sync/mutex.rs";
const LOCK: &str = "crates/cohabit/src/lock.rs";
const ROUND: &str = "crates/cohabit/src/sync/round.rs";
const PERMITS: &str = "crates/cohabit/src/sync/permits.rs";
const READERS: &str = "crates/cohabit/src/sync/readers.rs";
const WORD: &str = "crates/cohabit/src/sync/word.rs";
const BELL: &str = "crates/cohabit/src/sync/bell.rs";
const CONDVAR: &str = "crates/cohabit/src/sync/condvar.rs";
const EVENT: &str = "crates/cohabit/src/sync/event.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "lock-is-let-go-relaxed",
        file: LOCK,
        find: "self.word.store(0, Ordering::Release);",
        put: "self.word.store(0, Ordering::Relaxed);",
        why: "on Arm the next holder may not see what this one did",
        test: Test::Loom("lock_models::one_holder_at_a_time"),
    },
    Mutant {
        name: "owner-died-is-not-told",
        file: WORD,
        find: "let mine = me | WAITERS | left_by_the_dead(seen);",
        put: "let mine = me | WAITERS | seen & POISONED;",
        why: "whoever comes after the one that took over would take half a change for a whole one",
        test: Test::of(
            "locks",
            "deaths::a_killed_holder_is_told_to_all_until_somebody_says_it_is_whole",
        ),
    },
    Mutant {
        name: "who-slept-takes-the-lock-as-if-alone",
        file: WORD,
        find: "let waiters = if has_slept || was_kept { WAITERS } else { 0 };",
        put: "let waiters = if was_kept { WAITERS } else { 0 };",
        why: "the others that sleep would not be woken when it is let go",
        test: Test::Shuttle("long::mutex_models::who_sleeps_is_woken_though_no_clock_goes"),
    },
    Mutant {
        name: "one-ring-clears-the-mark-of-all",
        file: BELL,
        find: "let before = ring(bell, u64::MAX);",
        put: "let before = ring(bell, !WAITERS);",
        why: "the next notification would wake nobody, though others still sleep",
        test: Test::Shuttle("long::signal_models::no_notification_is_lost"),
    },
    Mutant {
        name: "who-slept-while-nobody-was-woken-sleeps-on",
        file: BELL,
        find: "        // Invariant 2.\n        wait::wake_all(bell);\n",
        put: "",
        why: "it sleeps under a word that says that nobody does: the next ring would not wake it",
        test: Test::Shuttle(
            "long::signal_models::who_falls_asleep_while_the_bell_rings_for_nobody_hears_the_next_ring",
        ),
    },
    Mutant {
        name: "mutex-is-let-go-before-the-bell-is-heard",
        file: CONDVAR,
        find: "        let seen = bell::listen(&self.bell);\n        drop(guard);",
        put: "        drop(guard);\n        let seen = bell::listen(&self.bell);",
        why: "a notification between the two would be lost",
        test: Test::Shuttle("long::signal_models::no_notification_is_lost"),
    },
    Mutant {
        name: "set-for-one-clears-the-mark-of-all",
        file: EVENT,
        find: "        if is_manual {\n            next &= !WAITERS;",
        put: "        if is_manual || next != 0 {\n            next &= !WAITERS;",
        why: "the next set would wake nobody, though others still sleep",
        test: Test::Shuttle("long::signal_models::an_automatic_event_is_taken_by_one_for_each_set"),
    },
    Mutant {
        name: "reset-takes-what-was-set-for-who-waits",
        file: EVENT,
        find: "(word & MANUAL != 0 && count(word) != began)",
        put: "(word & MANUAL != 0 && count(word) != count(word))",
        why: "who waited when a manual event was set would sleep on, if it is reset at once",
        test: Test::Shuttle(
            "long::signal_models::who_waits_passes_a_manual_event_though_it_is_reset_at_once",
        ),
    },
    Mutant {
        name: "event-is-set-relaxed",
        file: EVENT,
        find: "word.compare_exchange(seen, next, Ordering::Release, Ordering::Relaxed)",
        put: "word.compare_exchange(seen, next, Ordering::Relaxed, Ordering::Relaxed)",
        why: "on Arm who goes on may not see what was done before",
        test: Test::Shuttle("long::signal_models::an_automatic_event_is_taken_by_one_for_each_set"),
    },
    Mutant {
        name: "barrier-opens-with-a-dead-one",
        file: ROUND,
        find: "if let Some(gate) = self.find_dead(gate, SEATS)? {",
        put: "if let Some(gate) = self.find_dead(gate, 0)? {",
        why: "one that died before the last one came would count as one that is there",
        test: Test::of("locks", "barrier::who_comes_after_the_death_is_told_too"),
    },
    Mutant {
        name: "barrier-tells-of-a-death-too-late",
        file: ROUND,
        find: "if told & ALL_BROKEN == known {",
        put: "if told & ALL_BROKEN != known {",
        why: "who is in a broken round would pass as if it had been opened",
        test: Test::of(
            "locks",
            "barrier::a_death_is_told_to_all_of_the_round_and_a_new_one_begins",
        ),
    },
    Mutant {
        name: "barrier-seat-keeps-what-the-dead-were-told",
        file: ROUND,
        find: "self.round.told.fetch_and(!(1 << at), Ordering::Relaxed);",
        put: "self.round.told.fetch_and(u64::MAX, Ordering::Relaxed);",
        why: "who sits down where a dead one sat would be told of another round's death",
        test: Test::of(
            "locks",
            "barrier::seats_of_the_dead_are_had_and_those_of_the_living_are_not",
        ),
    },
    Mutant {
        name: "a-dead-reader-is-told",
        file: WORD,
        find: "if seen & ENTERS != 0 { seen & TOLD }",
        put: "if false { seen & TOLD }",
        why: "a reader that dies on its way in has changed nothing, and whoever comes next would mend what is whole",
        test: Test::Loom("readers_models::a_reader_that_dies_is_told_to_nobody_and_in_nobodys_way"),
    },
    Mutant {
        name: "a-writer-does-not-say-that-it-is-inside",
        file: READERS,
        find: "    word.fetch_and(!ENTERS, Ordering::Acquire);",
        put: "",
        why: "half a change of a writer that died would be taken for a whole one",
        test: Test::Loom("readers_models::a_writer_that_dies_is_told_to_readers_and_writers"),
    },
    Mutant {
        name: "a-writer-waits-for-no-reader",
        file: READERS,
        find: "if reader.load(Ordering::Acquire) != 0 {",
        put: "if false {",
        why: "what a reader has by reference would change under it",
        test: Test::of("locks", "rw_lock::readers_are_inside_together_and_a_writer_alone"),
    },
    Mutant {
        name: "a-reader-lets-go-before-it-has-its-word",
        file: READERS,
        find: "    let claimed = claim(readers, me, peers, patience);\n",
        put: "    word::release(word, me, 0);\n    let claimed = claim(readers, me, peers, patience);\n",
        why: "a writer comes in between the two, and sees no reader",
        test: Test::Loom("readers_models::a_reader_sees_nothing_of_a_writer_inside"),
    },
    Mutant {
        name: "nobody-is-woken",
        file: WORD,
        find: "            if seen & WAITERS != 0 {\n                wait::wake_one(word);\n            }\n            return;",
        put: "            return;",
        why: "who sleeps would learn of a free lock only when it looks again",
        test: Test::Shuttle("long::mutex_models::who_sleeps_is_woken_though_no_clock_goes"),
    },
    Mutant {
        name: "a-death-is-told-once",
        file: WORD,
        find: "let told = seen & TOLD | news;",
        put: "let told = seen & POISONED | news;",
        why: "only the first one after a death would be told that half a change may be there",
        test: Test::of(
            "locks",
            "deaths::a_killed_holder_is_told_to_all_until_somebody_says_it_is_whole",
        ),
    },
    Mutant {
        name: "mutex-is-let-go-relaxed",
        file: WORD,
        find: "word.compare_exchange(me, 0, Ordering::Release, Ordering::Relaxed)",
        put: "word.compare_exchange(me, 0, Ordering::Relaxed, Ordering::Relaxed)",
        why: "on Arm the next holder may not see what this one did",
        test: Test::Loom("mutex_models::one_holder_at_a_time_and_a_panic_is_told"),
    },
    Mutant {
        name: "awaited-mutex-is-let-go-relaxed",
        file: WORD,
        find: "word.compare_exchange(seen, next, Ordering::Release, Ordering::Relaxed)",
        put: "word.compare_exchange(seen, next, Ordering::Relaxed, Ordering::Relaxed)",
        why: "on Arm who waited may not see what the holder before did",
        test: Test::Shuttle("long::mutex_models::one_holder_at_a_time_whoever_waits_and_dies"),
    },
    Mutant {
        name: "mutex-is-taken-relaxed",
        file: WORD,
        find: "match word.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed) {",
        put: "match word.compare_exchange(0, me, Ordering::Relaxed, Ordering::Relaxed) {",
        why: "on Arm the holder may not see what the one before did",
        test: Test::Loom("mutex_models::one_holder_at_a_time_and_a_panic_is_told"),
    },
    Mutant {
        name: "stopped-holder-is-robbed",
        file: WORD,
        find: "may_be_dead(word, seen, me, stood, &waiting)? && is_dead(seen, peers)? {",
        put: "may_be_dead(word, seen, me, stood, &waiting)? && is_dead(seen, peers).is_ok() {",
        why: "a lock would be taken from one that is stopped, and two be inside",
        test: Test::of("locks", "mutex::a_stopped_holder_is_named_and_never_robbed"),
    },
    Mutant {
        name: "forked-child-lets-go",
        file: MUTEX,
        find: "if crate::table::token_at(address) != self.me {",
        put: "if crate::table::token_at(address) == u64::MAX {",
        why: "a child that drops its copy of the guard would free its parent's lock",
        test: Test::of("locks", "mutex::a_forked_child_holds_nothing_and_frees_nothing"),
    },
    Mutant {
        name: "what-is-done-once-is-told-relaxed",
        file: RUN,
        find: "if word.swap(DONE, Ordering::Release) & WAITERS != 0 {",
        put: "if word.swap(DONE, Ordering::Relaxed) & WAITERS != 0 {",
        why: "on Arm who goes on may not see what was done",
        test: Test::Loom("once_models::it_is_done_by_one_and_seen_by_all"),
    },
    Mutant {
        name: "what-is-done-once-is-seen-relaxed",
        file: RUN,
        find: "word.load(Ordering::Acquire) == DONE",
        put: "word.load(Ordering::Relaxed) == DONE",
        why: "on Arm who goes on may not see what was done",
        test: Test::Shuttle("long::lock_models::what_is_done_once_is_done_by_a_survivor"),
    },
    Mutant {
        name: "who-gives-up-wakes-nobody",
        file: RUN,
        find: "            if free != 0 {\n                wait::wake_all(word);\n            }\n            return;",
        put: "            return;",
        why: "those who wait would learn only when they look again that it is theirs to do",
        test: Test::Shuttle(
            "long::lock_models::who_waits_for_what_is_done_once_is_woken_though_no_clock_goes",
        ),
    },
    Mutant {
        name: "a-waiter-does-not-say-so",
        file: EVENT,
        find: "let awaited = seen | WAITERS;",
        put: "let awaited = seen;",
        why: "a set would not wake who waits",
        test: Test::Shuttle("long::signal_models::an_automatic_event_is_taken_by_one_for_each_set"),
    },
    Mutant {
        name: "two-take-one-set",
        file: EVENT,
        find: "let taken = event.compare_exchange(seen, seen & !SET, Ordering::Acquire, Ordering::Relaxed);",
        put: "let taken: Result<u64, u64> = Ok(event.fetch_and(!SET, Ordering::Acquire));",
        why: "two would go on where one was let",
        test: Test::Shuttle("long::signal_models::an_automatic_event_is_taken_by_one_for_each_set"),
    },
    Mutant {
        name: "a-permit-is-taken-from-the-living",
        file: PERMITS,
        find: "if !peers.is_dead(holder)? {",
        put: "if false {",
        why: "more than so many would be at it at once",
        test: Test::of(
            "locks",
            "semaphore::so_many_have_a_permit_and_the_next_one_waits_for_one_to_come_back",
        ),
    },
    Mutant {
        name: "a-forgotten-permit-comes-back",
        file: PERMITS,
        find: "exchange(permit, me, 0)",
        put: "exchange(permit, me, FREE)",
        why: "what was taken away for good would be there again",
        test: Test::of(
            "locks",
            "semaphore::what_is_forgotten_is_gone_and_what_is_added_is_there_whoever_dies",
        ),
    },
    Mutant {
        name: "permits-order-nothing",
        file: PERMITS,
        find: "Ordering::AcqRel, Ordering::Relaxed).is_ok()",
        put: "Ordering::Relaxed, Ordering::Relaxed).is_ok()",
        why: "on Arm the next holder may not see what this one did",
        test: Test::Loom("permits_models::the_only_permit_is_had_by_one_and_orders_what_it_guards"),
    },
];

pub(super) const EQUIVALENT: &[Equivalent] = &[Equivalent {
    name: "lock-is-taken-over-relaxed",
    file: LOCK,
    find: "compare_exchange(seen, me | WAITERS, Ordering::Acquire, Ordering::Relaxed)",
    put: "compare_exchange(seen, me | WAITERS, Ordering::Relaxed, Ordering::Relaxed)",
    reason: "who takes over was told by the kernel that the holder is dead, which orders as much: the \
             holder's stores came before its byte fell. The Acquire is kept for who reads the code",
}];

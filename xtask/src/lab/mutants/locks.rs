//! Faults in the lock words, and in what waits on them.

use super::table::{Equivalent, Mutant, Test};

const LOCK: &str = "crates/cohabit/src/lock.rs";
const WORD: &str = "crates/cohabit/src/sync/word.rs";

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
        find: "let mine = me | WAITERS | OWNER_DIED | seen & POISONED;",
        put: "let mine = me | WAITERS | seen & POISONED;",
        why: "whoever comes after the one that took over would take half a change for a whole one",
        test: Test::of(
            "locks",
            "deaths::a_killed_holder_is_told_to_all_until_somebody_says_it_is_whole",
        ),
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

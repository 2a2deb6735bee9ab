//! Storing a part of a word beside others, who store the rest of it at the same time.

use crate::primitive::{AtomicU64, Ordering, spin_loop};

/// How often a store is tried against a word that changes under each try: nobody can be made to try for
/// ever.
const TRIES: u32 = 1_000_000;

/// Stores `bits` into a word all of whose `others` bits stay as others store them: whole or not at all.
/// False if they change faster than that.
pub(crate) fn merge_word(word: &AtomicU64, bits: u64, others: u64) -> bool {
    // Relaxed: there is no order between the fields of a loose value.
    let mut seen = word.load(Ordering::Relaxed);
    for _ in 0..TRIES {
        let next = seen & others | bits;
        match word.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(now) => seen = now,
        }
        spin_loop();
    }
    false
}

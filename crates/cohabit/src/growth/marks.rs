//! The protocol of marks: whoever comes first says which fields an object's words are for.
//!
//! A word is 0 until the first program that knows its field puts the field's mark there, by compare-exchange,
//! and is never changed again. Whoever finds another mark than its own has other fields. So the words need
//! no lock, and who is killed between two of them leaves a beginning that is true.

use crate::primitive::{AtomicU64, Ordering};

/// Compares `marks` with those that are there, in order, and `adds` those that are missing, or only looks.
/// The error is the number of the first that is another one's.
pub(crate) fn agree(words: &[AtomicU64], marks: &[u64], adds: bool) -> Result<(), usize> {
    for (index, (word, mark)) in words.iter().zip(marks).enumerate() {
        // Relaxed: a mark says nothing of any other word.
        let found = if adds {
            let put = word.compare_exchange(0, *mark, Ordering::Relaxed, Ordering::Relaxed);
            put.unwrap_or_else(|found| found)
        } else {
            word.load(Ordering::Relaxed)
        };
        if found != 0 && found != *mark {
            return Err(index);
        }
    }
    Ok(())
}

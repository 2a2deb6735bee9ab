//! Words without a lock: parts that are stored beside each other, and marks of who came first.

use std::sync::Arc;

use shuttle::rand::{Rng as _, thread_rng};

use super::process::{start, start_mortal};
use super::{Time, explore};
use crate::marks::agree;
use crate::merge::merge_word;
use crate::primitive::{AtomicU64, Ordering};

/// How often each stores its part.
const STORES: u64 = 3;

/// Stores 1, 2 and so on into one byte of a word.
fn count_in(word: &AtomicU64, byte: u32) {
    for n in 1..=STORES {
        assert!(merge_word(word, n << (8 * byte), !(0xff << (8 * byte))));
    }
}

#[test]
fn neighbours_in_one_word_are_never_set_back() {
    explore(Time::Passes, || {
        let word = Arc::new(AtomicU64::new(0));
        let part = |byte: u32| {
            let word = Arc::clone(&word);
            move || count_in(&word, byte)
        };
        let others = [1, 2].map(|byte| start(byte as u16, part(byte)));
        let victim = start_mortal(3, 2 * STORES as usize + 1, part(3));
        let mut before = [0; 8];
        for _ in 0..3 {
            let now = word.load(Ordering::Relaxed).to_le_bytes();
            assert!(
                before.iter().zip(&now).all(|(before, now)| before <= now),
                "set back: {now:?}"
            );
            before = now;
        }
        count_in(&word, 0);
        others.into_iter().for_each(|other| other.join().unwrap());
        let is_whole = victim.join().is_some();
        let [a, b, c, d, rest @ ..] = word.last().to_le_bytes();
        let all = STORES as u8;
        assert!([a, b, c] == [all; 3] && rest == [0; 4], "lost: {a} {b} {c} {rest:?}");
        assert!(d == all || !is_whole && d < all, "the victim's: {d}");
    });
}

/// Programs that append: two from one definition, one from another.
const MARKS: [&[u64]; 3] = [&[11, 12], &[11, 12, 13], &[11, 22, 23]];

#[test]
fn those_who_append_different_fields_never_both_agree() {
    explore(Time::Passes, || {
        let words = Arc::new([0; 3].map(AtomicU64::new));
        let program = |marks: &'static [u64]| {
            let words = Arc::clone(&words);
            move || agree(words.as_slice(), marks, true).is_ok()
        };
        // Any of them may be the one that is killed.
        let mortal = thread_rng().gen_range(0..3);
        let programs: Vec<_> = (0..3)
            .map(|n| {
                let (slot, act) = (n as u16 + 1, program(MARKS[n]));
                if n == mortal { start_mortal(slot, 3, act) } else { start(slot, act) }
            })
            .collect();
        let _early = agree(words.as_slice(), MARKS[0], false);
        let agreed: Vec<bool> =
            programs.into_iter().map(|program| program.join() == Some(true)).collect();
        assert!(!(agreed[2] && (agreed[0] || agreed[1])), "both: {agreed:?}");
        // What stands there is the beginning of one definition, and stays right for those let in.
        let last = words.each_ref().map(AtomicU64::last);
        let begins =
            |marks: &[u64]| last.iter().zip(marks).all(|(word, mark)| *word == *mark || *word == 0);
        assert!(begins(MARKS[1]) || begins(MARKS[2]), "of both definitions: {last:?}");
        for (marks, is_in) in MARKS.iter().zip(agreed) {
            assert!(!is_in || agree(words.as_slice(), marks, false).is_ok(), "{last:?}");
        }
    });
}

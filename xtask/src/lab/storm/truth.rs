//! What really happened: memory that the library does not know, and that no victim's death takes away.
//!
//! The arena maps it before it forks; its actors write down there what they are about to do, and that it
//! is done. So of each victim all is known but for the one thing that it was in the middle of, and its
//! successor in the same seat finds out about that too ([`Tally::adopt`]).
//!
//! Invariant (Z): the memory consists of atomic words only, which are zero at first and stay mapped until
//! the arena ends; so any bytes are a valid [`Truth`], whoever dies in the middle of whatever.
//!
//! All accesses are SeqCst: the truth must not be what is hard to follow.
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// Seats of an arena; each is taken by one process at a time.
pub(crate) const SEATS: usize = 16;
/// Things that are told apart by their numbers, at most, between the first and the last of them.
pub(crate) const RING: usize = 1 << 16;
/// How many phases there are.
pub(crate) const PHASES: usize = 6;
const TEXT_WORDS: usize = 64;

/// What an actor is doing, so that it is known where its death found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing that concerns the library.
    Idle,
    /// In a call.
    Acts,
    /// In a call that takes a lock.
    Wants,
    /// It has the lock for sure.
    Inside,
    /// In a call that lets it go.
    Leaves,
    /// It attaches, or its object is being made.
    Comes,
}

/// The whole.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Truth {
    pub(crate) seats: [Seat; SEATS],
    /// How many victims were found in each phase.
    pub(crate) deaths: [AtomicU64; PHASES],
    /// What a kind keeps for all of its actors.
    pub(crate) common: [AtomicU64; 16],
    ring: [AtomicU64; RING],
}

/// What is known of a seat.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Seat {
    /// How often it was taken.
    pub(crate) life: AtomicU64,
    /// When its actor began the call that it is in, in nanoseconds of the arena's clock; or zero.
    pub(crate) began: AtomicU64,
    phase: AtomicU64,
    empty: AtomicU64,
    /// Calls that were made.
    pub(crate) rounds: AtomicU64,
    pub(crate) tallies: [Tally; 3],
    /// What a kind keeps for each of its actors.
    pub(crate) words: [AtomicU64; 8],
    /// What an actor has to say that found something wrong.
    text: [AtomicU64; TEXT_WORDS],
}

/// How often an actor did something, in two phases.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Tally {
    about: AtomicU64,
    done: AtomicU64,
    lost: AtomicU64,
}

impl Tally {
    /// It is about to be done once more; the number of this time.
    pub(crate) fn begin(&self) -> u64 {
        self.about.fetch_add(1, SeqCst) + 1
    }

    /// It is done.
    pub(crate) fn end(&self) {
        self.done.fetch_add(1, SeqCst);
    }

    /// It was not done after all, for certain.
    pub(crate) fn cancel(&self) {
        self.about.fetch_sub(1, SeqCst);
    }

    /// How often at least.
    pub(crate) fn done(&self) -> u64 {
        self.done.load(SeqCst)
    }

    /// How often at most.
    pub(crate) fn about(&self) -> u64 {
        self.about.load(SeqCst)
    }

    /// How many victims died in the middle of it, of which nobody knows.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(SeqCst)
    }

    /// Takes over what the object itself says of how often the seat's victims did it.
    pub(crate) fn adopt(&self, found: u64) -> Result<(), String> {
        let (done, about) = (self.done(), self.about());
        if !(done..=about).contains(&found) {
            return Err(format!(
                "done {done} times, begun {about} times, but the object has {found}"
            ));
        }
        // One of them is what was found already, so that a death between the two changes nothing.
        self.done.store(found, SeqCst);
        self.about.store(found, SeqCst);
        Ok(())
    }

    /// Gives up what the victim was in the middle of.
    pub(crate) fn forfeit(&self) {
        let (done, about) = (self.done(), self.about());
        // Killed between the two, it is counted twice, as two that may have been done.
        self.lost.fetch_add(about - done, SeqCst);
        self.done.store(about, SeqCst);
    }
}

impl Seat {
    /// What its actor does.
    pub(crate) fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u64, SeqCst);
    }

    /// Whether nobody sits there: the arena has counted the last one's death.
    pub(crate) fn is_empty(&self) -> bool {
        self.empty.load(SeqCst) != 0
    }

    /// Says so.
    pub(crate) fn set_empty(&self, is_empty: bool) {
        self.empty.store(u64::from(is_empty), SeqCst);
    }

    /// What its actor did last, as an index.
    pub(crate) fn phase(&self) -> usize {
        usize::try_from(self.phase.load(SeqCst)).map_or(0, |phase| phase.min(PHASES - 1))
    }

    /// Leaves a text behind.
    pub(crate) fn say(&self, text: &str) {
        let bytes = &text.as_bytes()[..text.len().min(TEXT_WORDS * 8)];
        for (word, bytes) in self.text.iter().zip(bytes.chunks(8)) {
            let mut eight = [0; 8];
            eight[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_le_bytes(eight), SeqCst);
        }
    }

    /// The text that was left behind; empty if there is none.
    pub(crate) fn said(&self) -> String {
        let bytes = self.text.iter().flat_map(|word| word.load(SeqCst).to_le_bytes());
        let bytes: Vec<u8> = bytes.take_while(|&byte| byte != 0).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Truth {
    /// Maps a new one, for this process and all that it forks.
    pub(crate) fn map() -> io::Result<&'static Truth> {
        let (none, size) = (std::ptr::null_mut(), size_of::<Truth>());
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let at = unsafe { libc::mmap(none, size, rights, flags, -1, 0) };
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: invariant (Z): a page-aligned mapping of that size, zeroed, never unmapped.
        Ok(unsafe { &*at.cast::<Truth>() })
    }

    /// How often each seat has done the thing of this number, at least.
    pub(crate) fn done(&self, tally: usize) -> [u64; SEATS] {
        std::array::from_fn(|seat| self.seats[seat].tallies[tally].done())
    }

    /// How often at most.
    pub(crate) fn about(&self, tally: usize) -> [u64; SEATS] {
        std::array::from_fn(|seat| self.seats[seat].tallies[tally].about())
    }

    /// The word of the thing of this number.
    pub(crate) fn ring(&self, at: usize) -> &AtomicU64 {
        &self.ring[at % RING]
    }

    /// Notes that `number` was given, as the one of this remainder. An error if it was given before.
    pub(crate) fn claim(&self, at: usize, number: u64) -> Result<(), String> {
        match self.ring[at % RING].fetch_max(number, SeqCst) {
            before if before == number => Err(format!("number {number} was given twice")),
            _ => Ok(()),
        }
    }

    /// Whether this number was claimed there, and no later one since.
    pub(crate) fn is_claimed(&self, at: usize, number: u64) -> bool {
        self.ring[at % RING].load(SeqCst) == number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_victim_was_in_the_middle_of_is_adopted_either_way_and_nothing_else() {
        let truth = Truth::map().unwrap();
        let tally = &truth.seats[3].tallies[1];
        tally.begin();
        tally.end();
        tally.begin();
        assert!(tally.adopt(0).is_err() && tally.adopt(3).is_err());
        tally.adopt(2).unwrap();
        assert_eq!((tally.done(), tally.about()), (2, 2));
        tally.begin();
        tally.adopt(2).unwrap();
        assert_eq!((tally.done(), tally.about()), (2, 2));
        tally.begin();
        tally.forfeit();
        assert_eq!((tally.done(), tally.about(), tally.lost()), (3, 3, 1));
    }

    #[test]
    fn a_number_is_claimed_once() {
        let truth = Truth::map().unwrap();
        truth.claim(7, 7).unwrap();
        truth.claim(8, 8).unwrap();
        assert!(truth.is_claimed(7, 7) && !truth.is_claimed(9, 9));
        assert!(truth.claim(7, 7).is_err());
    }

    #[test]
    fn a_text_is_read_as_it_was_said() {
        let seat = &Truth::map().unwrap().seats[0];
        assert_eq!(seat.said(), "");
        seat.say("torn: 1 and 2");
        assert_eq!(seat.said(), "torn: 1 and 2");
    }
}

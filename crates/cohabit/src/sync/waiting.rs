//! How one call waits: it spins a little, then sleeps, and looks again at growing intervals.
//!
//! A wake-up can die with the one that it woke, and a holder can die without waking anyone. So no sleep
//! is longer than [`LOOK_AGAIN`], and no wake-up is needed for progress, only for speed. A waiter that
//! looks a hundred times a second asks the kernel two or three questions each time: about a thousandth
//! of a core.

use std::time::Duration;

use crate::lock::{Patience, Peers};
use crate::primitive::{AtomicU64, Instant, SPINS, spin_loop};
use crate::token::Token;

/// The longest sleep where somebody who can die must act before the waiter can go on.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// The longest sleep where only a wake-up can be lost.
pub(crate) const LOOK_AGAIN_LATER: Duration = Duration::from_millis(100);
/// Who has waited for so long has an age, and goes before those who have none.
pub(crate) const AGED: Duration = Duration::from_millis(10);
/// The greatest age: that of more than half a second.
pub(crate) const OLDEST: u32 = 7;

const FIRST_SLEEP: Duration = Duration::from_millis(1);
/// Looks that a caller without patience has, if the word changes under each of them.
const LOOKS: u32 = 200;

/// The waiting of one call.
#[derive(Debug)]
pub(crate) struct Waiting {
    patience: Patience,
    looks: u32,
    pause: Duration,
    longest: Duration,
    /// When it first slept.
    began: Option<Instant>,
}

impl Waiting {
    /// Begins, looking again after `longest` at the latest.
    pub(crate) fn new(patience: Patience, longest: Duration) -> Self {
        Self { patience, looks: 0, pause: FIRST_SLEEP, longest, began: None }
    }

    /// Counts a look. Whether the time is over for a caller whose every try fails, because the word
    /// changes under it: it then counts as busy, whoever the word names.
    pub(crate) fn is_outrun(&mut self) -> bool {
        self.looks = self.looks.saturating_add(1);
        self.looks > LOOKS && self.patience.is_over()
    }

    /// Whether to look again at once.
    pub(crate) fn spins(&self) -> bool {
        let spins = self.looks <= SPINS && !matches!(self.patience, Patience::None);
        if spins {
            spin_loop();
        }
        spins
    }

    /// Whether the caller's time is over.
    pub(crate) fn is_over(&self) -> bool {
        self.patience.is_over()
    }

    /// Whether it has slept, and so cannot know that it is the only one who waits.
    pub(crate) fn has_slept(&self) -> bool {
        self.began.is_some()
    }

    /// 0 for who has waited for less than 10 ms; then 1, and one more each time that doubles.
    pub(crate) fn age(&self) -> u32 {
        let waited = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        let times = waited.as_micros() / AGED.as_micros();
        times.checked_ilog2().map_or(0, |doubled| (doubled + 1).min(OLDEST))
    }

    /// Sleeps while the low half of `word` is that of `expected`, until it is time to look again; less where one of
    /// those dies for whom it waits, and the system tells that.
    pub(crate) fn sleep(
        &mut self,
        peers: &impl Peers,
        word: &AtomicU64,
        expected: u64,
        whom: impl Iterator<Item = Token>,
    ) {
        let waited = self.began.get_or_insert_with(Instant::now).elapsed();
        // Who comes of age says so in time.
        let until_aged = AGED.checked_sub(waited).filter(|left| !left.is_zero());
        let pause = until_aged.map_or(self.pause, |left| self.pause.min(left));
        peers.wait(word, expected as u32, whom, self.patience.step(pause));
        self.pause = (self.pause * 2).min(self.longest);
    }
}

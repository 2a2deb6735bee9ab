//! Waiting for a word that another process changes, and waking who waits.
//!
//! **Contract.**
//!
//! 1. [`wait`] returns when it was woken, when the low half of the word was not the expected value,
//!    when a signal came, at the deadline, or for no reason. Callers always look again.
//!    Where the mechanism is to look again and again, a change back may pass unseen, until then.
//! 2. A wake reaches waiters in every process that maps the same word of the same file, at whatever
//!    address. A waiter that dies takes its wake with it. [`wake_one`] says `false` only if nobody waited;
//!    where the system does not tell, it says `true`.
//! 3. The kernel compares 32 bits, so only the low half is waited on. No 32-bit reference or atomic
//!    is ever made over the word: only its address goes to the kernel.
//! 4. Deadlines are moments of the monotonic clock, so that a wait that is resumed any number of
//!    times still ends in time. Setting the wall clock moves none of them.
//! 5. [`wait_any`] is [`wait`] on several words: it returns for the same reasons, of any one of them.
//!    It hears the first [`any_max`] words and does not look at the others: whoever has more of them
//!    gives a deadline at which to look.
//! 6. [`wait_or_death`] is [`wait`], and returns for one more reason: one of the processes ended that it is
//!    told of, where [`hears_deaths`] says so. Those are a hint, which may be wrong or a lie: that a wait
//!    returned proves nobody's death, and a lie costs a look in each millisecond at most.

#[cfg(target_os = "linux")]
mod linux;
// On macOS, what is portable in this folder is its own, which falls back on the other one.
#[cfg(target_os = "macos")]
#[path = "portable.rs"]
mod polled;
#[cfg(unix)]
#[cfg_attr(target_os = "macos", path = "macos.rs")]
mod portable;
#[cfg(not(any(unix, windows)))]
mod stub;
#[cfg(all(test, unix))]
#[expect(dead_code, reason = "compiled to prove that it compiles")]
mod stub;
#[cfg(windows)]
mod windows;

use crate::mechanism::sys;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::process::Identity;

/// A moment of the monotonic clock, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(u64);

impl Deadline {
    /// The moment `d` from now; a moment that never comes if `d` is too long to count.
    pub fn after(d: Duration) -> Deadline {
        let d = u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
        Deadline(sys!(monotonic_ns()).saturating_add(d))
    }

    /// A moment that has passed: whoever is given it tries once.
    pub const fn in_past() -> Deadline {
        Deadline(0)
    }

    /// Whether the moment has come.
    pub fn has_passed(self) -> bool {
        self.remaining().is_zero()
    }

    /// The one that comes first.
    #[must_use]
    pub fn earlier(self, other: Deadline) -> Deadline {
        self.min(other)
    }

    /// How long it is until then; zero once it has passed.
    pub fn remaining(self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(sys!(monotonic_ns())))
    }
}

/// The monotonic clock in milliseconds, as far as 32 bits go: it starts over after 49 days.
pub fn monotonic_ms() -> u32 {
    (sys!(monotonic_ns()) / 1_000_000) as u32
}

/// Waits while the low half of `word` is `expected_low`, until `deadline` (Invariant 1).
pub fn wait(word: &AtomicU64, expected_low: u32, deadline: Deadline) {
    sys!(wait(word, expected_low, deadline.0));
}

/// Whether a wait hears of the end of a process at once; if not, it is in vain to say whose.
#[inline]
pub fn hears_deaths() -> bool {
    sys!(hears_deaths())
}

/// Waits while the low half of `word` is `expected_low` and none of these processes ends, until `deadline`
/// (Invariant 6).
pub fn wait_or_death(word: &AtomicU64, expected_low: u32, whose: &[Identity], deadline: Deadline) {
    sys!(wait_or_death(word, expected_low, whose, deadline.0));
}

/// How many words one [`wait_any`] hears: 128 where the system can wait on several (Linux 5.16 and
/// later) or looks at them itself, else 1.
pub fn any_max() -> usize {
    sys!(any_max())
}

/// Waits while the low half of each of the first [`any_max`] words is the number beside it, until
/// `deadline` (Invariant 5). Without words it waits for the deadline.
pub fn wait_any(words: &[(&AtomicU64, u32)], deadline: Deadline) {
    match &words[..words.len().min(any_max())] {
        [] => pause(deadline.remaining()),
        [(word, expected_low)] => wait(word, *expected_low, deadline),
        heard => sys!(wait_any(heard, deadline.0)),
    }
}

/// Wakes one of those who wait for this word, in any process. Whether there may have been one (Invariant 2).
pub fn wake_one(word: &AtomicU64) -> bool {
    sys!(wake(word, 1))
}

/// Wakes all who wait for this word, in every process.
pub fn wake_all(word: &AtomicU64) {
    sys!(wake(word, i32::MAX));
}

/// Sleeps, to back off. Nobody can end it early.
pub fn pause(d: Duration) {
    std::thread::sleep(d);
}

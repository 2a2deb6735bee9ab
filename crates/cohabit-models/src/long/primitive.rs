//! The seam, filled with a weak memory, with sleep, and with processes that die: see [`super`].

pub(crate) use std::sync::atomic::Ordering;

use shuttle::rand::{Rng as _, thread_rng};

use super::{memory, process, sleep};

/// One look more before waiting: a hundred would be the same schedules again and again.
pub(crate) const SPINS: u32 = 1;

/// A word of [`memory`]; an access is one step of the process.
#[derive(Debug, Default)]
pub(crate) struct AtomicU64 {
    first: u64,
}

impl AtomicU64 {
    pub(crate) const fn new(first: u64) -> Self {
        Self { first }
    }

    fn at(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    pub(crate) fn load(&self, order: Ordering) -> u64 {
        if process::step() { memory::load(self.at(), self.first, order) } else { 0 }
    }

    pub(crate) fn store(&self, value: u64, order: Ordering) {
        if process::step() {
            memory::store(self.at(), self.first, value, order);
        }
    }

    pub(crate) fn swap(&self, value: u64, order: Ordering) -> u64 {
        self.change(order, |_| value)
    }

    pub(crate) fn fetch_and(&self, bits: u64, order: Ordering) -> u64 {
        self.change(order, |found| found & bits)
    }

    pub(crate) fn fetch_or(&self, bits: u64, order: Ordering) -> u64 {
        self.change(order, |found| found | bits)
    }

    pub(crate) fn fetch_add(&self, more: u64, order: Ordering) -> u64 {
        self.change(order, |found| found.wrapping_add(more))
    }

    fn change(&self, order: Ordering, change: impl FnOnce(u64) -> u64) -> u64 {
        if !process::step() {
            return 0;
        }
        let change = |found| Some(change(found));
        let found = memory::exchange(self.at(), self.first, (order, order), change);
        found.unwrap_or_else(|found| found)
    }

    pub(crate) fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        if !process::step() {
            return Ok(current);
        }
        let change = |found| (found == current).then_some(new);
        memory::exchange(self.at(), self.first, (success, failure), change)
    }

    /// The same, which may fail for no reason.
    pub(crate) fn compare_exchange_weak(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        if process::step() && thread_rng().gen_ratio(1, 8) {
            return Err(memory::load(self.at(), self.first, failure));
        }
        self.compare_exchange(current, new, success, failure)
    }

    /// What stands there in the end, for who has joined all others.
    pub(crate) fn last(&self) -> u64 {
        memory::last(self.at(), self.first)
    }
}

/// A fence of the dead orders nothing that anybody sees.
pub(crate) fn fence(order: Ordering) {
    if !std::thread::panicking() {
        memory::fence(order);
    }
}

pub(crate) fn spin_loop() {
    if !std::thread::panicking() {
        shuttle::thread::yield_now();
    }
}

/// A moment of the clock of [`sleep`], in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(u64);

impl Deadline {
    pub(crate) fn after(timeout: std::time::Duration) -> Self {
        Self(sleep::now() + timeout.as_millis() as u64)
    }

    pub(crate) fn has_passed(self) -> bool {
        self.0 <= sleep::now()
    }

    #[must_use]
    pub(crate) fn earlier(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant(u64);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(sleep::now())
    }

    pub(crate) fn elapsed(self) -> std::time::Duration {
        std::time::Duration::from_millis(sleep::now() - self.0)
    }
}

/// Waiting, in the queues of [`sleep`].
pub(crate) mod wait {
    use super::super::{memory, process, sleep};
    use super::{AtomicU64, Deadline};

    /// The kernel compares what stands there with what is expected, in the same step in which the caller
    /// falls asleep. A wake-up can die with the one that it woke.
    pub(crate) fn wait(word: &AtomicU64, expected: u32, until: Deadline) {
        if process::step() && memory::last(word.at(), word.first) as u32 == expected {
            sleep::sleep(word.at(), until.0, memory::me(), process::step);
            process::step();
        }
    }

    pub(crate) fn monotonic_ms() -> u32 {
        sleep::now() as u32
    }

    pub(crate) fn wake_one(word: &AtomicU64) -> bool {
        process::step() && sleep::wake(word.at(), 1) > 0
    }

    pub(crate) fn wake_all(word: &AtomicU64) {
        if process::step() {
            sleep::wake(word.at(), usize::MAX);
        }
    }
}

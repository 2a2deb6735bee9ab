//! The seam, filled with loom: atomics whose accesses are steps of a process that may die.
//!
//! What a dead process does has no effect, and seems to it to go well, so that it comes to its end.

pub(crate) use loom::sync::atomic::Ordering;

use crate::process;

/// One look more before waiting: a hundred would be the same schedules again and again.
pub(crate) const SPINS: u32 = 1;

/// loom's atomic; an access is one step of the process.
#[derive(Debug)]
pub(crate) struct AtomicU64(loom::sync::atomic::AtomicU64);

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> Self {
        Self(loom::sync::atomic::AtomicU64::new(value))
    }

    pub(crate) fn load(&self, order: Ordering) -> u64 {
        if !process::step() {
            // Whatever the dead wait for, others do.
            loom::thread::yield_now();
        }
        self.0.load(order)
    }

    /// A Release store, which only lets a lock go, is made as an exchange. Another's exchange stands
    /// directly behind what it read, so in front of this store; loom does not conclude that, and would
    /// let the other read its own word for ever.
    pub(crate) fn store(&self, value: u64, order: Ordering) {
        if !process::step() {
            return;
        }
        match order {
            Ordering::Release => drop(self.0.swap(value, order)),
            _ => self.0.store(value, order),
        }
    }

    pub(crate) fn swap(&self, value: u64, order: Ordering) -> u64 {
        if process::step() { self.0.swap(value, order) } else { 0 }
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
        let outcome = self.0.compare_exchange(current, new, success, failure);
        if outcome.is_err() {
            loom::thread::yield_now();
        }
        outcome
    }

    pub(crate) fn fetch_or(&self, bits: u64, order: Ordering) -> u64 {
        if process::step() { self.0.fetch_or(bits, order) } else { 0 }
    }

    pub(crate) fn fetch_add(&self, more: u64, order: Ordering) -> u64 {
        if process::step() { self.0.fetch_add(more, order) } else { 0 }
    }

    pub(crate) fn fetch_and(&self, bits: u64, order: Ordering) -> u64 {
        if process::step() { self.0.fetch_and(bits, order) } else { 0 }
    }
}

/// A fence of the dead orders nothing that anybody sees.
pub(crate) fn fence(order: Ordering) {
    if process::is_alive() {
        loom::sync::atomic::fence(order);
    }
}

pub(crate) fn spin_loop() {
    loom::thread::yield_now();
}

/// A moment that never comes: the models wait without an end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline;

impl Deadline {
    pub(crate) fn after(_: std::time::Duration) -> Self {
        Self
    }

    pub(crate) fn has_passed(self) -> bool {
        false
    }

    #[must_use]
    pub(crate) fn earlier(self, _: Self) -> Self {
        self
    }
}

/// A clock that stands still: nobody waits for long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant;

impl Instant {
    pub(crate) fn now() -> Self {
        Self
    }

    pub(crate) fn elapsed(self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}

/// Waiting returns for no reason, once others had their turn; a wake-up is never needed.
pub(crate) mod wait {
    use super::{AtomicU64, Deadline};

    pub(crate) fn wait(_: &AtomicU64, _: u32, _: Deadline) {
        loom::thread::yield_now();
    }

    pub(crate) fn monotonic_ms() -> u32 {
        0
    }

    pub(crate) fn wake_one(_: &AtomicU64) -> bool {
        true
    }

    pub(crate) fn wake_all(_: &AtomicU64) {}
}

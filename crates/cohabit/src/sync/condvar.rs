//! `Condvar`: waiting, without a mutex, for what somebody changes under it.
//!
//! The protocol is in [`super::bell`]: one word that counts notifications.

use std::fmt;
use std::time::Duration;

use super::bell;
use super::mutex::MutexGuard;
use super::outcome::LockResult;
use super::waiting::LOOK_AGAIN_LATER;
use crate::error::Result;
use crate::lock::Patience;
use crate::plain::Plain;
use crate::primitive::{AtomicU64, wait};
use crate::site::Site;

/// Waits for what others change under a [`Mutex`](crate::Mutex), without holding it meanwhile: std's `Condvar`, for
/// the threads of several processes.
///
/// A wait can end without a notification, so look for what is waited for, in a loop. A notification
/// that comes after the mutex was let go for the wait is never lost.
///
/// By itself, outside of an object, every call is [`NotShared`](crate::ErrorKind::NotShared).
///
/// # If a peer dies
/// A notification that is on its way to a waiter that dies reaches the others within about 100 ms. Who
/// was to notify and died does not: let it be told by [`Condvar::wait_timeout`], or by the mutex, if it
/// died inside.
///
/// # Examples
/// ```no_run
/// use cohabit::{Condvar, Mutex, Shared, shareable};
///
/// #[shareable]
/// #[derive(Default)]
/// struct Queue { jobs: Mutex<[u32; 4]>, more: Condvar }
///
/// let queue = Shared::<Queue>::open_or_create("queue", Queue::default)?;
/// let mut jobs = queue.jobs.lock()?;
/// while jobs[0] == 0 {
///     jobs = queue.more.wait(jobs)?;
/// }
/// jobs[0] -= 1;
/// # Ok::<(), cohabit::Error>(())
/// ```
/// Another process:
/// ```no_run
/// # use cohabit::{Condvar, Mutex, Shared, shareable};
/// # #[shareable]
/// # #[derive(Default)]
/// # struct Queue { jobs: Mutex<[u32; 4]>, more: Condvar }
/// let queue = Shared::<Queue>::open_or_create("queue", Queue::default)?;
/// queue.jobs.lock()?[0] += 1;
/// queue.more.notify_one()?;
/// # Ok::<(), cohabit::Error>(())
/// ```
#[repr(transparent)]
#[derive(Default)]
pub struct Condvar {
    pub(super) bell: AtomicU64,
}

/// Whether a wait ended because its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time was over, and nobody had notified.
    #[must_use]
    pub fn timed_out(self) -> bool {
        self.0
    }
}

impl Condvar {
    /// A condition variable to build an object of.
    pub const fn new() -> Self {
        Self { bell: AtomicU64::new(0) }
    }

    fn site(&self) -> Result<Site> {
        Site::of(std::ptr::from_ref(self).addr())
    }

    /// Lets the mutex go, waits until somebody notifies, and takes the mutex again.
    ///
    /// # Errors
    /// As [`Mutex::lock`](crate::Mutex::lock) when it is taken again. `Failed` with `Ended` or `NameLost` when the instance
    /// is over, `Forked`, `NotShared`: then the mutex is let go.
    pub fn wait<'a, T: Plain>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let mutex = guard.mutex();
        self.until_notified(guard, Patience::Forever)?;
        mutex.lock()
    }

    /// The same, waiting at most so long to be notified; then for the mutex as long again, or for a
    /// second if that is longer.
    ///
    /// # Errors
    /// As [`Condvar::wait`], and `Failed` with `Busy` when the mutex cannot be had again in that time.
    pub fn wait_timeout<'a, T: Plain>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        const FOR_THE_LOCK: Duration = Duration::from_secs(1);
        let mutex = guard.mutex();
        let outcome = WaitTimeoutResult(!self.until_notified(guard, Patience::timeout(timeout))?);
        let locked = mutex.lock_timeout(timeout.max(FOR_THE_LOCK));
        match locked {
            Ok(guard) => Ok((guard, outcome)),
            Err(error) => Err(error.map(|guard| (guard, outcome))),
        }
    }

    /// Lets the mutex go, and waits; whether somebody notified.
    fn until_notified<T: Plain>(
        &self,
        guard: MutexGuard<'_, T>,
        patience: Patience,
    ) -> Result<bool> {
        let site = self.site()?;
        let seen = bell::listen(&self.bell);
        drop(guard);
        while let Some(word) = bell::to_sleep_on(&self.bell, seen) {
            if patience.is_over() {
                return Ok(false);
            }
            wait::wait(&self.bell, word as u32, patience.step(LOOK_AGAIN_LATER));
            if !bell::was_rung(&self.bell, seen) {
                site.member()?.segment.check_alive()?;
            }
        }
        Ok(true)
    }

    /// Wakes one of those who wait. It costs no system call while nobody does.
    ///
    /// # Errors
    /// `Forked`, `NotShared`.
    pub fn notify_one(&self) -> Result<()> {
        self.site()?;
        bell::ring_one(&self.bell);
        Ok(())
    }

    /// Wakes all who wait.
    ///
    /// # Errors
    /// `Forked`, `NotShared`.
    pub fn notify_all(&self) -> Result<()> {
        self.site()?;
        bell::ring_all(&self.bell);
        Ok(())
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}

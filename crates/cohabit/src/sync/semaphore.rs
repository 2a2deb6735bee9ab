//! `Semaphore`: a number of permits, for the threads of several processes.
//!
//! The protocol is in [`super::permits`], over one word for each permit; a [`super::bell`] is rung for each
//! that becomes free.
//!
//! Invariants:
//! 1. a `Semaphore` is laid out as FORMAT.md says: the bell, then the permits;
//! 2. a `SemaphorePermit` has the word of a permit that names this attachment; or it is in a forked child,
//!    where it does nothing when it goes.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::waiting::LOOK_AGAIN;
use super::{bell, permits};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Patience, Peers};
use crate::plain::Signal;
use crate::site::Site;
use crate::token::Token;

const PERMITS: usize = Semaphore::MAX_PERMITS;

/// A number of permits: who takes one goes on, and who finds none waits until one is given back or added.
///
/// It limits how many do something at once, in all processes together: a permit that was taken is a guard,
/// [`SemaphorePermit`], which gives it back. Or it counts what there is: who makes something adds a permit,
/// who takes it forgets its permit ([`SemaphorePermit::forget`]). It has no owner: anyone may add.
///
/// There are at most [`Semaphore::MAX_PERMITS`]. Those who wait are in no order. To take a permit that is free
/// and to give it back are two atomic operations each at most. By itself, outside of an object, every call is
/// [`NotShared`](crate::ErrorKind::NotShared).
///
/// # If a peer dies
/// The permits that its guards held can be had: they are found when no other is free, within about 10 ms by
/// those who wait. A *stopped* holder is not dead and keeps its permits; a call with a deadline says `Busy`
/// and who holds them. What was added or forgotten stays so.
///
/// # After fork
/// The child holds no permit: a guard of its parent's does nothing there when it is dropped.
///
/// # Examples
/// ```no_run
/// use cohabit::{Semaphore, Shared};
///
/// // At most four at once, in all processes.
/// let cameras = Shared::<Semaphore>::open_or_create("cameras", || Semaphore::new(4))?;
/// let camera = cameras.acquire()?;
/// // … use it …
/// drop(camera);
/// # Ok::<(), cohabit::Error>(())
/// ```
#[repr(C)]
pub struct Semaphore {
    bell: AtomicU64,
    permits: [AtomicU64; PERMITS],
}

impl Semaphore {
    /// How many permits there can be at once: those that are free, and those that are held.
    pub const MAX_PERMITS: usize = 127;

    /// A semaphore with so many permits, to build an object of.
    ///
    /// # Panics
    /// If that is more than [`Semaphore::MAX_PERMITS`].
    pub fn new(permits: usize) -> Self {
        assert!(permits <= PERMITS, "a semaphore has at most {PERMITS} permits");
        const { assert!(size_of::<Self>() == Signal::Semaphore.size()) };
        let semaphore =
            Self { bell: AtomicU64::new(0), permits: [const { AtomicU64::new(0) }; PERMITS] };
        for _ in 0..permits {
            permits::add(&semaphore.permits);
        }
        semaphore
    }

    fn site(&self) -> Result<Site> {
        Site::of(std::ptr::from_ref(self).addr())
    }

    /// Makes a new, zeroed one of this, which was built in private memory.
    pub(super) fn plant_into(&self, place: &Self) {
        for (from, to) in self.permits.iter().zip(&place.permits) {
            to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// How many permits are free, for who may only look too.
    pub(super) fn free(&self) -> usize {
        self.permits.iter().filter(|permit| permits::is_free(permit)).count()
    }

    /// Takes a permit, and waits for one if need be.
    ///
    /// # Errors
    /// `Ended` or `NameLost` when the instance is over; `LivenessLost`, `Forked`, `NotShared`.
    pub fn acquire(&self) -> Result<SemaphorePermit<'_>> {
        self.acquire_with(Patience::Forever)
    }

    /// Takes a permit if one is free.
    ///
    /// # Errors
    /// `Busy`, naming who holds them; else as [`Semaphore::acquire`].
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>> {
        self.acquire_with(Patience::None)
    }

    /// Takes a permit, and waits for one at most so long.
    ///
    /// # Errors
    /// `Busy` when the time is over, naming who holds them; else as [`Semaphore::acquire`].
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<SemaphorePermit<'_>> {
        self.acquire_with(Patience::timeout(timeout))
    }

    #[inline]
    fn acquire_with(&self, patience: Patience) -> Result<SemaphorePermit<'_>> {
        let site = self.site()?;
        let taken = match permits::take(&self.permits, site.me()) {
            Some(index) => Ok(index),
            None => self.acquire_awaited(site, patience),
        };
        let index = taken.map_err(|error| site.name(error))?;
        Ok(SemaphorePermit { semaphore: self, index, me: site.me() })
    }

    #[cold]
    fn acquire_awaited(&self, site: Site, patience: Patience) -> Result<usize> {
        loop {
            // Taken before the looks: a permit that becomes free after them rings.
            let seen = bell::listen(&self.bell);
            if let Some(index) = permits::take(&self.permits, site.me()) {
                return Ok(index);
            }
            if let Some(index) = permits::take_of_the_dead(&self.permits, site.me(), &site)? {
                return Ok(index);
            }
            if patience.is_over() {
                return Err(self.busy(site));
            }
            let Some(word) = bell::to_sleep_on(&self.bell, seen) else { continue };
            site.wait(&self.bell, word as u32, self.holders(), patience.step(LOOK_AGAIN));
            if !bell::was_rung(&self.bell, seen) {
                site.member()?.segment.check_alive()?;
            }
        }
    }

    /// Who holds permits; whoever has several is named so often.
    fn holders(&self) -> impl Iterator<Item = Token> {
        self.permits.iter().filter_map(|permit| Token::named_by(permit.load(Ordering::Relaxed)))
    }

    #[cold]
    fn busy(&self, site: Site) -> Error {
        let mut holders: Vec<Token> = Vec::new();
        for holder in self.holders() {
            if !holders.contains(&holder) {
                holders.push(holder);
            }
        }
        let names: Vec<String> = holders.into_iter().map(|holder| site.describe(holder)).collect();
        let detail = match names.is_empty() {
            true => "there is no permit until somebody adds one".to_owned(),
            false => format!("all permits are held, by {}", names.join(", ")),
        };
        Error::new(ErrorKind::Busy, "", detail)
    }

    /// Adds so many permits, for those who wait and those who come. Killed in the middle, it has added some of
    /// them.
    ///
    /// # Errors
    /// `OutOfRange` when there would be more than [`Semaphore::MAX_PERMITS`]: then none is added, unless
    /// others add at the same time; `Forked`, `NotShared`.
    pub fn add_permits(&self, permits: usize) -> Result<()> {
        let site = self.site()?;
        let room = permits::room(&self.permits);
        for added in 0..permits {
            if permits > room || !permits::add(&self.permits) {
                let detail = format!(
                    "expected room for {permits} permits, found {room}, of {PERMITS} at most; \
                     {added} were added"
                );
                return Err(site.name(Error::new(ErrorKind::OutOfRange, "", detail)));
            }
            bell::ring_one(&self.bell);
        }
        Ok(())
    }

    /// How many permits are free now. It may be old when it is told, and does not count what the dead held.
    ///
    /// # Errors
    /// `Forked`, `NotShared`.
    pub fn available_permits(&self) -> Result<usize> {
        self.site()?;
        Ok(self.free())
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("available_permits", &self.free()).finish_non_exhaustive()
    }
}

/// A permit of a [`Semaphore`]; dropping it gives it back.
///
/// It may go to another thread. When it is lost without that (`mem::forget`), the permit is held until the
/// process leaves the object or ends.
#[must_use = "the permit is given back when it is dropped"]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
    /// Which of the words is its own.
    index: usize,
    me: u64,
}

impl SemaphorePermit<'_> {
    /// Ends the permit: it is not given back, and there is one less, until somebody adds one. It is given back
    /// by nobody's death either.
    pub fn forget(self) {
        if self.is_here() {
            permits::forget(self.word(), self.me);
        }
        mem::forget(self);
    }

    fn word(&self) -> &AtomicU64 {
        &self.semaphore.permits[self.index]
    }

    /// In a forked child the permit is the parent's.
    fn is_here(&self) -> bool {
        crate::table::token_at(std::ptr::from_ref(self.semaphore).addr()) == self.me
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        if self.is_here() && permits::give_back(self.word(), self.me) {
            bell::ring_one(&self.semaphore.bell);
        }
    }
}

impl fmt::Debug for SemaphorePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemaphorePermit").finish_non_exhaustive()
    }
}

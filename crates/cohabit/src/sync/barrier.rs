//! `Barrier`: nobody goes on before all are there.
//!
//! The protocol is in [`super::round`], over the words of the cell.

use std::fmt;
use std::time::Duration;

use super::round::{Passed, Round, SEATS};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Patience;
use crate::primitive::{AtomicU64, Ordering};
use crate::site::Site;

/// A place where threads of several processes wait until a fixed number of them is there, round after
/// round: std's `Barrier`.
///
/// What each of them did before is seen by all who pass. By itself, outside of an object, every call is
/// [`NotShared`](crate::ErrorKind::NotShared).
///
/// # If a peer dies
/// When one that has arrived dies before the last one comes, everybody of that round is told
/// [`PeerDied`](crate::ErrorKind::PeerDied), within about 10 ms, and nobody of it passes. The barrier can
/// be used at once for a new round, with as many as before: let somebody take the dead one's place. One
/// that dies before it arrives is missing, and no barrier can know that: use
/// [`Barrier::wait_timeout`].
///
/// A *stopped* process that has arrived counts as the others do, and passes when it goes on. Until then it
/// keeps its seat, of which there are 48, and delays no round unless there is none left: then who
/// comes waits for one, and is told `Busy` at its deadline.
///
/// # Examples
/// ```no_run
/// use cohabit::{Barrier, Shared};
///
/// let all_there = Shared::<Barrier>::open_or_create("all-there", || Barrier::new(3))?;
/// if all_there.wait()?.is_leader() {
///     println!("three processes are there");
/// }
/// # Ok::<(), cohabit::Error>(())
/// ```
#[repr(C)]
pub struct Barrier {
    bell: AtomicU64,
    gate: AtomicU64,
    told: AtomicU64,
    /// 0 until somebody says it.
    pub(super) parties: AtomicU64,
    seats: [AtomicU64; SEATS],
}

/// What one is that passed a barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// Whether it is the last one that came: true for one of each round.
    #[must_use]
    pub fn is_leader(self) -> bool {
        self.0
    }
}

impl Barrier {
    /// Of how many a barrier can be.
    pub const MAX_PARTIES: usize = SEATS;

    /// A barrier for so many threads, to build an object of; 0 is taken for 1, which does not wait.
    ///
    /// # Panics
    /// If there are more than [`Barrier::MAX_PARTIES`].
    pub const fn new(parties: usize) -> Self {
        let parties = counted(parties);
        Self {
            bell: AtomicU64::new(0),
            gate: AtomicU64::new(0),
            told: AtomicU64::new(0),
            parties: AtomicU64::new(parties),
            seats: [const { AtomicU64::new(0) }; SEATS],
        }
    }

    fn site(&self) -> Result<Site> {
        Site::of(std::ptr::from_ref(self).addr())
    }

    /// Says once for how many threads it is, where [`Barrier::new`] could not: in an object that is built in
    /// place, or was made of a schema.
    ///
    /// # Errors
    /// `Frozen` when it is for another number already; `Forked`, `NotShared`.
    ///
    /// # Panics
    /// As [`Barrier::new`].
    pub fn set_parties(&self, parties: usize) -> Result<()> {
        let site = self.site()?;
        let parties = counted(parties);
        match self.parties.compare_exchange(0, parties, Ordering::Relaxed, Ordering::Relaxed) {
            Err(before) if before != parties => {
                let detail = format!("the barrier is for {before} parties, and stays so");
                Err(site.name(Error::new(ErrorKind::Frozen, "", detail)))
            }
            _ => Ok(()),
        }
    }

    /// Waits until all have come, and passes with them.
    ///
    /// # Errors
    /// `PeerDied` when one of this round died while it waited: then nobody of it has passed.
    /// `ConstructorIncomplete` when nobody has said for how many the barrier is. `Ended` or `NameLost` when
    /// the instance is over; `LivenessLost`, `Forked`, `NotShared`.
    pub fn wait(&self) -> Result<BarrierWaitResult> {
        self.wait_with(Patience::Forever)
    }

    /// The same, waiting at most so long. Who gives up has not arrived: the others wait for somebody else.
    ///
    /// # Errors
    /// `TimedOut`, saying how many had come; `Busy` when there was no seat; else as [`Barrier::wait`].
    pub fn wait_timeout(&self, timeout: Duration) -> Result<BarrierWaitResult> {
        self.wait_with(Patience::timeout(timeout))
    }

    fn wait_with(&self, patience: Patience) -> Result<BarrierWaitResult> {
        let site = self.site()?;
        let passed = self.round().and_then(|round| {
            round.wait(site.me(), &site, patience, || self.site()?.member()?.segment.check_alive())
        });
        match passed {
            Ok(passed) => Ok(BarrierWaitResult(passed == Passed::Leader)),
            Err(error) => Err(site.name(error)),
        }
    }

    fn round(&self) -> Result<Round<'_>> {
        let Self { bell, gate, told, parties, seats } = self;
        // A peer may write any number.
        let parties = parties.load(Ordering::Relaxed).min(SEATS as u64) as u32;
        if parties == 0 {
            let detail = "nobody has said for how many parties the barrier is";
            return Err(Error::new(ErrorKind::ConstructorIncomplete, "", detail));
        }
        Ok(Round { bell, gate, told, seats, parties })
    }
}

const fn counted(parties: usize) -> u64 {
    assert!(parties <= SEATS, "a barrier is for at most 48 parties");
    if parties == 0 { 1 } else { parties as u64 }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

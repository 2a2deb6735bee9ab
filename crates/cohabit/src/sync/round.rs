//! The rounds of a barrier: who has arrived, and whether their round was opened or broken.
//!
//! ```text
//! bell     rung when a round is over: `super::bell`
//! gate     bits 0-47 the seats that have arrived · 48 BROKEN · 49-63 how many rounds were broken
//! told     bits 0-47 the seats whose round was broken, until they know · 49-63 how many rounds it knows of
//! seats    0, or the token of who sits there, for one wait
//!
//! gate                 meaning              who changes it
//! seats, n             a round fills        one that is seated: + its bit, or - its bit when it gives up
//! all but one, n       the same             the last one: -> 0, n; the round is open
//! seats, n             one of them is dead  anyone: + BROKEN
//! seats, BROKEN, n     it is broken         anyone: -> 0, n + 1, once `told` knows of n + 1
//! ```
//!
//! 1. Who arrives takes a seat first, and then sets its bit in the gate. It leaves the seat when its bit is
//!    clear, and by nothing else. So while a bit is set, its seat names who waits there; and a dead one in
//!    a seat whose bit is set had arrived, for ever.
//! 2. The last one needs no bit, and no seat: it arrives and opens the round by one exchange. So who dies
//!    before that has not arrived, and who dies behind it has opened the round.
//! 3. Whose bit is clear again has passed, unless its seat stands in `told`: that was written before its bit
//!    was cleared. Nobody has to be there for it: who is stopped while it leaves keeps its seat, and delays
//!    no round as long as there are others.
//! 4. While a round is BROKEN its gate stays as it is, until the one exchange that ends it. `told` learns of
//!    each broken round once, from whoever is the first: it counts them too, so a late one changes nothing.
//!    (Late by 32768 broken rounds, each of them a death, is not told from not late.)
//! 5. A dead one's seat is taken over by one exchange from its token, by who needs a seat and finds none.
//!    (Who has seen a dead one, and is stopped before its exchange to BROKEN until the round was opened, all seats
//!    were wanted, the dead one's was taken over, and exactly the same seats have arrived again, breaks a round in
//!    which nobody died: its waiters are told `PeerDied`, and come again.)
//! 6. No wake-up is needed for progress: every wait looks again within 10 ms.
//!
//! **Rejected:** a count instead of bits (the dead cannot be told from those who have left); to begin the next
//! round only when all have left the last one (who is stopped there would delay it); a round's number in
//! each seat (who sleeps through all of its numbers is told another round's end).

use super::bell;
use super::waiting::{LOOK_AGAIN, Waiting};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Patience, Peers};
use crate::primitive::{AtomicU64, Ordering};
use crate::token::{Token, same_holder};

/// How many can be seated.
pub(crate) const SEATS: usize = 48;
/// Of the gate: the seats that have arrived.
pub(crate) const ARRIVED: u64 = (1 << SEATS) - 1;
const BROKEN: u64 = 1 << 48;
/// One broken round; they are counted modulo 32768.
const ONE_BROKEN: u64 = 1 << 49;
const ALL_BROKEN: u64 = !(ONE_BROKEN - 1);

/// Of how many the kernel is asked each time that a waiter looks again.
const ASKED: usize = 4;
/// How often a change tries against a word that changes under each try.
const TRIES: u32 = 10_000;

/// The words of a barrier, and how many make a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round<'a> {
    pub(crate) bell: &'a AtomicU64,
    pub(crate) gate: &'a AtomicU64,
    pub(crate) told: &'a AtomicU64,
    pub(crate) seats: &'a [AtomicU64],
    pub(crate) parties: u32,
}

/// As whom somebody passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// The last one, who opened the round.
    Leader,
    /// One that had waited.
    Other,
}

/// Where somebody is in a round.
enum Came {
    /// In this seat, until the round is over.
    Early(usize),
    /// It was the last one.
    Last,
}

/// One wait of one thread.
#[derive(Debug)]
struct Visit<'a, P> {
    round: Round<'a>,
    me: u64,
    peers: &'a P,
    waiting: Waiting,
    /// The seat that this one has.
    seat: Option<usize>,
    /// The seat whose holder is asked for next.
    next: usize,
}

impl Round<'_> {
    /// Arrives as `me`, and waits until all have; `check` says after each sleep whether that makes sense.
    ///
    /// # Errors
    /// `PeerDied` when one that had arrived died before the last one came. `TimedOut` when the patience ends,
    /// `Busy` when there was no seat. What `check` says, `LivenessLost`.
    pub(crate) fn wait(
        self,
        me: u64,
        peers: &impl Peers,
        patience: Patience,
        check: impl Fn() -> Result<()>,
    ) -> Result<Passed> {
        let next = usize::from(Token::named_by(me).map_or(0, |token| token.slot));
        let waiting = Waiting::new(patience, LOOK_AGAIN);
        let mut visit = Visit { round: self, me, peers, waiting, seat: None, next };
        let ended = match visit.arrive(&check) {
            Ok(Came::Last) => Ok(Passed::Leader),
            Ok(Came::Early(at)) => visit.stay(at, &check),
            Err(error) => Err(error),
        };
        let is_child = matches!(&ended, Err(error) if error.kind() == ErrorKind::Forked);
        if let Some(at) = visit.seat.filter(|_| !is_child) {
            // Release: pairs with the Acquire of who takes the seat next.
            let left = self.seats[at].compare_exchange(me, 0, Ordering::Release, Ordering::Relaxed);
            let _taken_by_a_peer_that_breaks_the_rules = left.is_err();
        }
        ended
    }

    /// Breaks the round, in which somebody is dead; whether it still was this round.
    fn break_up(self, gate: u64) -> bool {
        let broken = gate | BROKEN;
        let was = self.gate.compare_exchange(gate, broken, Ordering::Relaxed, Ordering::Relaxed);
        if was.is_ok() {
            self.mend(broken);
        }
        was.is_ok()
    }

    /// Ends a broken round: its waiters are told, and then a new one begins. Afterwards `broken` is over, by
    /// whomever. Killed anywhere in here, the next one does it again.
    fn mend(self, broken: u64) {
        let known = (broken & ALL_BROKEN).wrapping_add(ONE_BROKEN);
        for _ in 0..TRIES {
            // Acquire: pairs with the Release below, of whoever was the first.
            let told = self.told.load(Ordering::Acquire);
            if told & ALL_BROKEN == known {
                break;
            }
            if self.gate.load(Ordering::Relaxed) != broken {
                return;
            }
            let more = known | (told | broken) & ARRIVED;
            // Release: pairs with the Acquire above. The one that fails looks again.
            let is_told =
                self.told.compare_exchange(told, more, Ordering::Release, Ordering::Relaxed);
            if is_told.is_ok() {
                break;
            }
        }
        // Release: pairs with the Acquire in `stay`: whose bit is clear finds what it is told.
        let ended = self.gate.compare_exchange(broken, known, Ordering::Release, Ordering::Relaxed);
        if ended.is_ok() {
            bell::ring_all(self.bell);
        }
    }

    /// As what one passes whose bit is clear.
    fn outcome(self, at: usize) -> Result<Passed> {
        let bit = 1 << at;
        if self.told.load(Ordering::Relaxed) & bit == 0 {
            return Ok(Passed::Other);
        }
        self.told.fetch_and(!bit, Ordering::Relaxed);
        Err(self.peer_died())
    }

    /// Takes the arrival in a seat back; whether it still could.
    fn withdraw(self, at: usize) -> bool {
        let bit = 1 << at;
        for _ in 0..TRIES {
            // Acquire: pairs with the Release of who opened or ended the round.
            let gate = self.gate.load(Ordering::Acquire);
            if gate & bit == 0 {
                return false;
            }
            if gate & BROKEN != 0 {
                self.mend(gate);
                return false;
            }
            let without = gate & !bit;
            let taken =
                self.gate.compare_exchange(gate, without, Ordering::Relaxed, Ordering::Relaxed);
            if taken.is_ok() {
                return true;
            }
        }
        // Only a peer that breaks the rules changes the word so often.
        self.gate.fetch_and(!bit, Ordering::Relaxed);
        true
    }

    /// Who sits in these seats.
    fn seated(self, seats: u64) -> impl Iterator<Item = Token> {
        let wanted = self.seats.iter().enumerate().filter(move |(at, _)| seats >> at & 1 != 0);
        wanted.filter_map(|(_, seat)| Token::named_by(seat.load(Ordering::Relaxed)))
    }

    #[cold]
    fn peer_died(self) -> Error {
        let detail = format!(
            "of the {} that make a round, one died after it had arrived; nobody of this round passed",
            self.parties
        );
        Error::new(ErrorKind::PeerDied, "", detail)
    }

    #[cold]
    fn timed_out(self, others: u32) -> Error {
        let detail = format!(
            "beside this one, {others} of the {} that make a round had arrived",
            self.parties
        );
        Error::new(ErrorKind::TimedOut, "", detail)
    }
}

impl<P: Peers> Visit<'_, P> {
    /// Takes a seat and arrives; or opens the round, as the last one.
    fn arrive(&mut self, check: &impl Fn() -> Result<()>) -> Result<Came> {
        let Round { gate: word, parties, .. } = self.round;
        loop {
            // Acquire: pairs with the Release of who ended the last round.
            let gate = word.load(Ordering::Acquire);
            let arrived = (gate & ARRIVED).count_ones();
            if self.waiting.is_outrun() {
                return Err(self.round.timed_out(arrived));
            }
            if gate & BROKEN != 0 {
                self.round.mend(gate);
                continue;
            }
            if arrived + 1 >= parties {
                if let Some(gate) = self.find_dead(gate, SEATS)? {
                    if self.round.break_up(gate) {
                        return Err(self.round.peer_died());
                    }
                    continue;
                }
                let open = gate & !ARRIVED;
                // AcqRel: pairs with all others' exchanges of this kind below, and with the Acquire in
                // `stay`: what each did before is seen by all.
                let opened = word.compare_exchange(gate, open, Ordering::AcqRel, Ordering::Relaxed);
                if opened.is_ok() {
                    bell::ring_all(self.round.bell);
                    return Ok(Came::Last);
                }
                continue;
            }
            let Some(at) = self.seated()? else {
                self.until_somebody_leaves(check)?;
                continue;
            };
            // Release: pairs with the AcqRel of the last one.
            let came =
                word.compare_exchange(gate, gate | 1 << at, Ordering::Release, Ordering::Relaxed);
            if came.is_ok() {
                return Ok(Came::Early(at));
            }
        }
    }

    /// Waits until the round is over.
    fn stay(&mut self, at: usize, check: &impl Fn() -> Result<()>) -> Result<Passed> {
        let Round { bell, gate: word, .. } = self.round;
        loop {
            let seen = (!self.waiting.spins()).then(|| bell::listen(bell));
            // Acquire: pairs with the AcqRel of the last one, and with the Release in `mend`.
            let gate = word.load(Ordering::Acquire);
            if gate >> at & 1 == 0 {
                return self.round.outcome(at);
            }
            if self.waiting.is_outrun() || seen.is_some() && self.waiting.is_over() {
                return self.last_look(at, gate);
            }
            if gate & BROKEN != 0 {
                self.round.mend(gate);
                return self.round.outcome(at);
            }
            let asleep = seen.and_then(|seen| bell::to_sleep_on(bell, seen));
            if let Some(word) = asleep
                && let Err(error) = self.sleep(gate, word, check)
            {
                return self.give_up(at, error);
            }
        }
    }

    /// Sleeps, and looks for the dead if nobody rang.
    fn sleep(&mut self, gate: u64, word: u64, check: &impl Fn() -> Result<()>) -> Result<()> {
        self.waiting.sleep(self.peers, self.round.bell, word, self.round.seated(gate));
        if self.round.bell.load(Ordering::Relaxed) != word {
            return Ok(());
        }
        check()?;
        if let Some(gate) = self.find_dead(gate, ASKED)? {
            self.round.break_up(gate);
        }
        Ok(())
    }

    /// The time is over.
    fn last_look(&mut self, at: usize, gate: u64) -> Result<Passed> {
        let error = match self.find_dead(gate, SEATS) {
            Ok(Some(gate)) => {
                self.round.break_up(gate);
                self.round.peer_died()
            }
            Ok(None) => self.round.timed_out((gate & ARRIVED).count_ones().saturating_sub(1)),
            Err(error) => error,
        };
        self.give_up(at, error)
    }

    /// Leaves without having passed, unless the round is over already.
    fn give_up(&mut self, at: usize, error: Error) -> Result<Passed> {
        if error.kind() == ErrorKind::Forked || self.round.withdraw(at) {
            return Err(error);
        }
        self.round.outcome(at)
    }

    /// Looks for a dead one among so many of those who have arrived; the gate in which it is one.
    fn find_dead(&mut self, gate: u64, at_most: usize) -> Result<Option<u64>> {
        let seats = self.round.seats;
        let first = self.next;
        let all = (first..first + seats.len()).map(|at| at % seats.len());
        for at in all.filter(|at| gate >> at & 1 != 0).take(at_most) {
            self.next = at + 1;
            if let Some(gate) = self.dead_at(at)? {
                return Ok(Some(gate));
            }
        }
        Ok(None)
    }

    /// The gate in which the one in this seat has arrived, and is dead.
    fn dead_at(&self, at: usize) -> Result<Option<u64>> {
        let seat = &self.round.seats[at];
        // Acquire: pairs with the AcqRel of who sat down there: the gate is read as it found it, or later.
        let seen = seat.load(Ordering::Acquire);
        if !self.is_dead(seen)? {
            return Ok(None);
        }
        // Invariant 1: it was dead before the gate is read, and still sits there after it: so the bit is its own.
        // Acquire: orders the gate before the seat.
        let gate = self.round.gate.load(Ordering::Acquire);
        let is_its_own = seat.load(Ordering::Relaxed) == seen;
        Ok((is_its_own && gate >> at & 1 != 0).then_some(gate))
    }

    fn is_dead(&self, seat: u64) -> Result<bool> {
        match Token::named_by(seat) {
            Some(_) if same_holder(seat, self.me) => Ok(false),
            Some(holder) => self.peers.is_dead(holder),
            None => Ok(false),
        }
    }

    /// This one's seat, if it can have one.
    fn seated(&mut self) -> Result<Option<usize>> {
        if self.seat.is_some() {
            return Ok(self.seat);
        }
        let count = self.round.seats.len();
        let first = self.next;
        let all = (first..first + count).map(|at| at % count);
        self.seat = all.clone().find(|at| self.sits_down(*at, 0));
        for at in all {
            if self.seat.is_some() {
                break;
            }
            self.take_over(at)?;
        }
        Ok(self.seat)
    }

    /// Takes a seat that is as it was seen.
    fn sits_down(&self, at: usize, seen: u64) -> bool {
        let seat = &self.round.seats[at];
        if seat.load(Ordering::Relaxed) != seen {
            return false;
        }
        // AcqRel: pairs with the Release of who had it before, and with the Acquire in `dead_at`.
        seat.compare_exchange(seen, self.me, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Takes the seat of one that died while it left, or before it arrived.
    fn take_over(&mut self, at: usize) -> Result<()> {
        let seen = self.round.seats[at].load(Ordering::Relaxed);
        if Token::named_by(seen).is_some() && !self.is_dead(seen)? {
            return Ok(());
        }
        // Acquire: pairs with the Release in `mend`: what the dead one was to be told is there.
        let has_arrived = self.round.gate.load(Ordering::Acquire) >> at & 1 != 0;
        if !has_arrived && self.sits_down(at, seen) {
            self.seat = Some(at);
            self.round.told.fetch_and(!(1 << at), Ordering::Relaxed);
        }
        Ok(())
    }

    /// There is no seat.
    fn until_somebody_leaves(&mut self, check: &impl Fn() -> Result<()>) -> Result<()> {
        if self.waiting.is_over() {
            let seats = self.round.seats.iter().map(|seat| seat.load(Ordering::Relaxed));
            let who = seats.filter_map(Token::named_by).next();
            let who = who.map_or_else(|| "nobody".to_owned(), |who| self.peers.describe(who));
            let detail = format!(
                "all {} seats of the barrier are taken, one of them by {who}",
                self.round.seats.len()
            );
            return Err(Error::new(ErrorKind::Busy, "", detail));
        }
        let seen = bell::listen(self.round.bell);
        if let Some(word) = bell::to_sleep_on(self.round.bell, seen) {
            self.waiting.sleep(self.peers, self.round.bell, word, self.round.seated(ARRIVED));
        }
        check()
    }
}

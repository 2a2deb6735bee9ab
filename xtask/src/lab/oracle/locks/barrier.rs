//! A barrier of three: all of a round pass or none, and a new one can always be had.
//!
//! A player waits in one thread, or in two. The gate and the seats are read from the segment where the victim
//! stands still:
//! 1. a victim that has arrived is one of the three, alive and stopped as it is: with two more the round
//!    opens before the kill; one that has not arrived, or has passed, delays no round of three others;
//! 2. where somebody waits with a victim that has arrived and is killed, that one is told; where it has not
//!    arrived, or has opened the round, nobody is told anything;
//! 3. where one that is dead has arrived, who comes next is told so before the kill, or, if the round is
//!    broken already, begins a new one;
//! 4. of those who pass in one round, one is the leader; and after all that, a round of three passes.
use super::super::super::list::Scene;
use super::super::super::remains::Remains;
use super::super::super::trace::Event;
use super::super::Findings;
use super::{Cast, Part, WHO, at, until_it_waits, word};
use crate::lab::cast::Player;

const SEATS: usize = 48;
const ARRIVED: u64 = (1 << SEATS) - 1;
const BROKEN: u64 = 1 << SEATS;

/// What is known of the case.
#[derive(Debug, Default)]
pub(super) struct Meeting {
    /// Who died in there before the victim came.
    dead: Vec<u64>,
    /// Whether the mate waits: in two threads where the victim is the last, else in one.
    mate_waits: bool,
    /// Where the victim stands still.
    facts: Facts,
}

/// What stands in the segment.
#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    /// Whether somebody has arrived.
    any: bool,
    victim: bool,
    dead: bool,
    broken: bool,
}

/// One or two threads of a player wait.
#[derive(Clone, Copy, Debug)]
enum Threads {
    One,
    Two,
}

impl Threads {
    fn order(self) -> &'static str {
        match self {
            Threads::One => "do barrier_wait",
            Threads::Two => "do barrier_pair",
        }
    }
}

fn seat(remains: &mut Remains, index: usize) -> u64 {
    word(remains, at::SEATS + 8 * index) & WHO
}

impl Meeting {
    fn read(&self, remains: &mut Remains) -> Facts {
        let gate = word(remains, at::GATE);
        let mut facts =
            Facts { any: gate & ARRIVED != 0, broken: gate & BROKEN != 0, ..Facts::default() };
        for index in (0..SEATS).filter(|index| gate >> index & 1 != 0) {
            let who = seat(remains, index);
            // Mate and fresh one have the first two slots.
            let is_player = who == 1 << 32 | 1 || who == 1 << 32 | 2;
            facts.dead |= self.dead.contains(&who);
            facts.victim |= !is_player && !self.dead.contains(&who);
        }
        facts
    }

    fn victim_is_last(cast: &Cast) -> bool {
        cast.scene == Scene::Host
    }

    /// Players come, and with whoever has arrived before they are all.
    fn pass(
        cast: &mut Cast,
        mate: Option<Threads>,
        fresh: Threads,
        findings: &mut Findings,
    ) -> Result<(), String> {
        let Cast { mate: one, fresh: other, .. } = cast;
        if let Some(threads) = mate {
            one.order(threads.order())?;
        }
        other.order(fresh.order())?;
        let settle = |player: &mut Player| player.settle("do barrier_wait");
        let told = format!("{} {}", settle(one)?, settle(other)?);
        let leaders = told.split(' ').filter(|word| *word == "leader").count();
        let all_passed = told.split(' ').all(|word| word == "leader" || word == "other");
        findings.check(all_passed && leaders == 1, || format!("in one round: {told}"));
        Ok(())
    }

    fn new_round(cast: &mut Cast, findings: &mut Findings) -> Result<(), String> {
        Self::pass(cast, Some(Threads::Two), Threads::One, findings)
    }

    /// A player is told of a death.
    fn told_of_it(player: &mut Player, findings: &mut Findings) -> Result<(), String> {
        let told = player.settle("do barrier_wait")?;
        findings.check(told == "died", || format!("one in the round has died, and: {told}"));
        Ok(())
    }
}

impl Part for Meeting {
    fn set_scene(&mut self, cast: &mut Cast) -> Result<(), String> {
        if cast.scene != Scene::DeadHolder {
            return Ok(());
        }
        let how_many = if cast.what.contains("last") { "two" } else { "one" };
        cast.somebody_dies(how_many)
    }

    fn begin(&mut self, cast: &mut Cast, remains: &mut Remains) -> Result<(), String> {
        let seats = (0..SEATS).map(|index| seat(remains, index));
        self.dead = seats.filter(|who| *who != 0).collect();
        if Self::victim_is_last(cast) {
            cast.mate.order(Threads::Two.order())?;
            self.mate_waits = true;
            super::until_word(remains, at::GATE, |gate| (gate & ARRIVED).count_ones() == 2)?;
        }
        Ok(())
    }

    fn passed(
        &mut self,
        cast: &mut Cast,
        event: &Event,
        remains: &mut Remains,
    ) -> Result<(), String> {
        let waits = matches!(cast.scene, Scene::Waits | Scene::Awaited);
        if !waits || !cast.is_first_wait(event) {
            return Ok(());
        }
        let mut findings = Findings::default();
        let arrived = self.read(remains).victim;
        findings.check(arrived, || "the victim waits, and has not arrived".to_owned());
        Self::pass(cast, Some(Threads::One), Threads::One, &mut findings)?;
        findings.texts.pop().map_or(Ok(()), Err)
    }

    fn before_the_kill(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(), String> {
        self.facts = self.read(remains);
        let Facts { any, victim, dead, broken } = self.facts;
        if Self::victim_is_last(cast) {
            if !any {
                return cast.mate.until_answered();
            }
            let early = cast.mate.answered();
            findings.check(!early, || "two of three have passed".to_owned());
            return Ok(());
        }
        if cast.scene == Scene::Awaited && !cast.helped {
            cast.mate.order(Threads::One.order())?;
            self.mate_waits = true;
            until_it_waits(&mut cast.mate);
            return Ok(());
        }
        if dead && !broken {
            cast.mate.order(Threads::One.order())?;
            return Self::told_of_it(&mut cast.mate, findings);
        }
        let mate = if victim && !broken { Threads::One } else { Threads::Two };
        Self::pass(cast, Some(mate), Threads::One, findings)
    }

    fn after_the_kill(&mut self, cast: &mut Cast, findings: &mut Findings) -> Result<(), String> {
        if self.mate_waits {
            if Self::victim_is_last(cast) {
                if self.facts.any {
                    Self::pass(cast, None, Threads::One, findings)?;
                } else {
                    let told = cast.mate.settle("do barrier_pair")?;
                    findings.check(told == "other other", || format!("the two of three: {told}"));
                }
            } else if self.facts.victim {
                Self::told_of_it(&mut cast.mate, findings)?;
            } else {
                Self::pass(cast, None, Threads::Two, findings)?;
            }
        }
        Self::new_round(cast, findings)
    }

    fn finished(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(), String> {
        if self.mate_waits {
            let told = cast.mate.settle("do barrier_pair")?;
            findings.check(told == "other other", || format!("the two of three: {told}"));
        }
        let facts = self.read(remains);
        let is_clean = !(facts.any || facts.broken);
        let finds_none = cast.what == "barrier_set_parties";
        findings.check(is_clean || finds_none, || format!("left behind: {facts:?}"));
        Ok(())
    }
}

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
//!
//! A first one that stands still is one of the three as the victim is, until it is dead.
use super::super::super::list::Scene;
use super::super::super::remains::Remains;
use super::super::super::trace::Event;
use super::super::Findings;
use super::names::{Names, Who};
use super::{Cast, GoesOn, Part, at, until_it_waits, word};
use crate::lab::cast::Player;

const SEATS: usize = 48;
const ARRIVED: u64 = (1 << SEATS) - 1;
const BROKEN: u64 = 1 << SEATS;
const ALL_BROKEN: u64 = !(BROKEN | ARRIVED);

/// What is known of the case.
#[derive(Debug, Default)]
pub(super) struct Meeting {
    /// Who was named when.
    names: Names,
    /// The gate when the victim began.
    gate: u64,
    /// Whether the victim has arrived, now or before.
    came: bool,
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
    /// The first one, which lives.
    first: bool,
    dead: bool,
    broken: bool,
}

impl Facts {
    /// How many of the three are there, and will not be told of a death.
    fn arrived(self) -> usize {
        if self.broken { 0 } else { usize::from(self.victim) + usize::from(self.first) }
    }
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

fn seats(remains: &mut Remains) -> Vec<u64> {
    (0..SEATS).map(|index| word(remains, at::SEATS + 8 * index)).collect()
}

impl Meeting {
    fn read(&self, cast: &Cast, remains: &mut Remains) -> Facts {
        let gate = word(remains, at::GATE);
        let mut facts =
            Facts { any: gate & ARRIVED != 0, broken: gate & BROKEN != 0, ..Facts::default() };
        let seats = seats(remains).into_iter().enumerate();
        for (_, seat) in seats.filter(|(index, _)| gate >> index & 1 != 0) {
            let is_victim = self.names.who(seat) == Who::Victim;
            facts.victim |= is_victim;
            facts.first |= !is_victim && self.names.is_stopped(cast, seat);
            facts.dead |= self.names.is_dead(cast, seat);
        }
        facts
    }

    /// Whether the victim has arrived, or been told, or never waits for others, so that it needs nobody to come.
    fn is_over(&self, cast: &Cast, facts: Facts, gate: u64) -> bool {
        let broken_since = (gate & ALL_BROKEN) != (self.gate & ALL_BROKEN) || facts.broken;
        // Only the victim was there to do it; who ends what the first one broke goes on and arrives.
        let broke_it = self.gate & BROKEN == 0 && broken_since;
        facts.victim || self.came || broke_it || cast.what.contains("gives_up")
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

    /// The players are those that are missing, where so many have arrived.
    fn complete(cast: &mut Cast, arrived: usize, findings: &mut Findings) -> Result<(), String> {
        match arrived {
            0 => Self::new_round(cast, findings),
            1 => Self::pass(cast, Some(Threads::One), Threads::One, findings),
            _ => {
                let told = cast.fresh.ask("do barrier_wait")?;
                findings.check(told == "leader", || format!("the last of three is told: {told}"));
                Ok(())
            }
        }
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

    fn first_begins(&mut self, remains: &mut Remains) {
        self.names.before_the_first(seats(remains));
    }

    fn begin(&mut self, cast: &mut Cast, remains: &mut Remains) -> Result<(), String> {
        self.names.before_the_victim(seats(remains));
        self.gate = word(remains, at::GATE);
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
        let facts = self.read(cast, remains);
        self.came |= facts.victim;
        let waits = matches!(cast.scene, Scene::Waits | Scene::Awaited);
        // Where one is dead, it needs nobody's help to be told.
        if !waits || !cast.is_first_wait(event) || facts.dead || facts.broken {
            return Ok(());
        }
        let mut findings = Findings::default();
        findings.check(facts.victim, || "the victim waits, and has not arrived".to_owned());
        Self::complete(cast, facts.arrived(), &mut findings)?;
        findings.texts.pop().map_or(Ok(()), Err)
    }

    fn before_the_kill(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(), String> {
        self.facts = self.read(cast, remains);
        let Facts { any, dead, broken, .. } = self.facts;
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
        Self::complete(cast, self.facts.arrived(), findings)
    }

    /// The first one dies, and breaks the round that it was in; whoever comes is told so, or finds it broken. The
    /// victim, in a round where nobody died, passes with two more, before it goes on or when it does.
    fn beside(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        goes_on: &mut GoesOn<'_>,
        findings: &mut Findings,
    ) -> Result<(), String> {
        let facts = self.read(cast, remains);
        let will_come = !self.is_over(cast, facts, word(remains, at::GATE));
        cast.companion.dies();
        let is_told = !facts.broken && (facts.dead || facts.first);
        if is_told {
            cast.mate.order(Threads::One.order())?;
            Self::told_of_it(&mut cast.mate, findings)?;
        }
        if will_come {
            cast.mate.order(Threads::One.order())?;
            cast.fresh.order(Threads::One.order())?;
            goes_on(&cast.companion, remains)?;
            let settle = |player: &mut Player| player.settle("do barrier_wait");
            let told = [settle(&mut cast.mate)?, settle(&mut cast.fresh)?];
            let passed = [["other", "other"], ["leader", "other"], ["other", "leader"]];
            let have_passed = passed.iter().any(|both| told == *both);
            findings.check(have_passed, || format!("the two beside it: {told:?}"));
        } else {
            let is_in = facts.victim && !facts.broken && !is_told;
            Self::complete(cast, usize::from(is_in), findings)?;
            goes_on(&cast.companion, remains)?;
        }
        Self::new_round(cast, findings)?;
        let facts = self.read(cast, remains);
        findings.check(!facts.any && !facts.broken, || format!("left behind: {facts:?}"));
        Ok(())
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
        let facts = self.read(cast, remains);
        let is_clean = !(facts.any && !facts.first || facts.broken);
        let finds_none = cast.what == "barrier_set_parties";
        findings.check(is_clean || finds_none, || format!("left behind: {facts:?}"));
        Ok(())
    }
}

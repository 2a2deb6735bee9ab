//! A mutex: held by one at a time, and a death inside is told.
//!
//! What it guards are two numbers, equal when it is whole, and everybody adds one to both. The mate waits
//! for the lock where the victim holds it, and takes it before the victim's eyes where it does not, and
//! lets it go as it is. The lock word and the numbers are read from the segment where the victim stands
//! still:
//! 1. while the word names the victim, nobody else has the lock; once the victim is dead, the next one
//!    has it, and is told that its holder died: exactly then, or where a mark says so from before;
//! 2. where the word does not name the victim, it delays nobody, alive and stopped as it is: the mate
//!    takes the lock before the kill;
//! 3. whoever takes the lock finds the numbers as they were when the one before had it, and equal
//!    unless a death is told; it is told until one mends, and then no more.
use super::super::super::list::Scene;
use super::super::super::remains::Remains;
use super::super::super::trace::Event;
use super::super::Findings;
use super::names::{Names, Who};
use super::{Cast, GoesOn, Part, at, until_it_waits, until_word, word};

const OWNER_DIED: u64 = 1 << 17;
const POISONED: u64 = 1 << 18;
const AGE: u64 = 7 << 19;

/// What is known of the case.
#[derive(Debug, Default)]
pub(super) struct Guarded {
    /// Who was named when.
    names: Names,
    /// The number in the segment when the victim began.
    sum: u64,
    /// Whether the mate holds the lock.
    mate_holds: bool,
    /// Whether the mate waits for it, or has had it since.
    mate_came: bool,
    /// What the next one is told and finds.
    facts: Facts,
}

/// What stands in the segment.
#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    word: u64,
    sums: [u64; 2],
}

impl Facts {
    fn read(remains: &mut Remains) -> Self {
        Self { word: word(remains, at::MUTEX), sums: at::SUMS.map(|at| word(remains, at)) }
    }

    /// What the next holder is told and finds.
    fn expected(self) -> String {
        let is_held = self.word & 0xffff != 0;
        let told = match () {
            () if is_held || self.word & OWNER_DIED != 0 => "owner-died",
            () if self.word & POISONED != 0 => "poisoned",
            () => "whole",
        };
        format!("{told} {} {}", self.sums[0], self.sums[1])
    }

    /// The same after one holder that was told one thing, mended that and added.
    fn after_a_holder(self) -> Self {
        let sum = self.sums[0].max(self.sums[1]) + 1;
        let died = self.expected().starts_with("owner-died");
        Self { word: if died { self.word & POISONED } else { 0 }, sums: [sum, sum] }
    }

    /// The same after the mate, which held it already, has added.
    fn after_the_mate(self) -> Self {
        Self { word: 0, sums: self.sums.map(|sum| sum + 1) }
    }

    /// The same after one that let it be.
    fn after_a_look(self) -> Self {
        let died = self.expected().starts_with("owner-died");
        Self { word: self.word & POISONED | if died { OWNER_DIED } else { 0 }, ..self }
    }
}

impl Guarded {
    /// Whether the word names the victim.
    fn victim_has_it(&self, facts: Facts) -> bool {
        self.names.who(facts.word) == Who::Victim
    }

    fn mate_lets_go(&mut self, cast: &mut Cast) -> Result<(), String> {
        if std::mem::take(&mut self.mate_holds) {
            cast.mate.ask("go")?;
        }
        Ok(())
    }

    /// The mate comes for the lock; for long, where the scene says so.
    fn mate_comes(&mut self, cast: &mut Cast, remains: &mut Remains) -> Result<(), String> {
        cast.mate.order("do mutex_look")?;
        self.mate_came = true;
        until_it_waits(&mut cast.mate);
        if cast.scene == Scene::LongAwaited {
            until_word(remains, at::MUTEX, |word| word & AGE != 0)?;
        }
        Ok(())
    }
}

impl Part for Guarded {
    fn set_scene(&mut self, cast: &mut Cast) -> Result<(), String> {
        match cast.scene {
            Scene::DeadHolder => cast.somebody_dies("inside"),
            Scene::Poisoned => cast.mate.ask("do mutex_lock_panics").map(drop),
            _ => Ok(()),
        }
    }

    fn first_begins(&mut self, remains: &mut Remains) {
        self.names.before_the_first([Facts::read(remains).word]);
    }

    fn begin(&mut self, cast: &mut Cast, remains: &mut Remains) -> Result<(), String> {
        let facts = Facts::read(remains);
        self.names.before_the_victim([facts.word]);
        self.sum = facts.sums[0].max(facts.sums[1]);
        if cast.scene == Scene::Held {
            cast.mate.ask("hold")?;
            self.mate_holds = true;
        }
        Ok(())
    }

    fn passed(
        &mut self,
        cast: &mut Cast,
        event: &Event,
        remains: &mut Remains,
    ) -> Result<(), String> {
        match (cast.scene, event) {
            (Scene::Held, event) if cast.is_first_wait(event) => self.mate_lets_go(cast),
            (Scene::Awaited | Scene::LongAwaited, Event::Changed(_))
                if !self.mate_came && self.victim_has_it(Facts::read(remains)) =>
            {
                self.mate_comes(cast, remains)
            }
            _ => Ok(()),
        }
    }

    fn before_the_kill(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(), String> {
        self.facts = Facts::read(remains);
        if self.mate_holds {
            return Ok(());
        }
        let is_inside = self.names.is_stopped(cast, self.facts.word);
        if !self.mate_came {
            cast.mate.order("do mutex_look")?;
            self.mate_came = true;
            if is_inside {
                until_it_waits(&mut cast.mate);
            }
        }
        if is_inside {
            // Who does not wait asks the kernel at once, as the mate does after its first sleep only.
            cast.busy_at_their_deadline(&["do mutex_try_lock"], findings)?;
            let early = cast.mate.answered_ok();
            findings.check(!early, || "the lock was taken from a living holder".to_owned());
            return Ok(());
        }
        // The victim stands still and holds nothing: the mate is done before it is dead.
        cast.mate.until_answered()?;
        self.facts = Facts::read(remains);
        Ok(())
    }

    /// Where the victim has the lock, stopped, others wait and say so; it goes on, and they have it. Where it
    /// has not, the mate is done before it goes on. It adds one, in either case, unless it had done so.
    fn beside(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        goes_on: &mut GoesOn<'_>,
        findings: &mut Findings,
    ) -> Result<(), String> {
        self.facts = Facts::read(remains);
        let has_it = self.victim_has_it(self.facts);
        let is_done = !has_it && self.facts.sums.iter().all(|&sum| sum > self.sum);
        cast.mate.order("do mutex_look")?;
        until_it_waits(&mut cast.mate);
        let early = has_it && cast.mate.answered_ok();
        findings.check(!early, || "the lock was taken from one that is stopped".to_owned());
        cast.companion.dies();
        if has_it {
            cast.busy_at_their_deadline(&["do mutex_try_lock", "do mutex_lock_briefly"], findings)?;
            goes_on(&cast.companion, remains)?;
            let added = Facts::read(remains).sums;
            findings.check(added == [self.sum + 1; 2], || format!("it added: {added:?}"));
        }
        cast.mate.settle("do mutex_look")?;
        self.facts = Facts::read(remains);
        let (base, news) =
            (self.facts.sums.iter().max().copied().unwrap_or(0), self.facts.expected());
        findings.check(cast.fresh.ask("do mutex_lock")? == news, || format!("not told: {news}"));
        if !has_it {
            goes_on(&cast.companion, remains)?;
        }
        let added = base + 1 + u64::from(!has_it && !is_done);
        let facts = Facts::read(remains);
        findings.check(facts.word & 0xffff == 0 && facts.sums == [added; 2], || {
            format!("lost, or held: {facts:?}, and {added} was to be there")
        });
        Ok(())
    }

    fn after_the_kill(&mut self, cast: &mut Cast, findings: &mut Findings) -> Result<(), String> {
        let mut facts = self.facts;
        if self.mate_came {
            let found = cast.mate.settle("do mutex_look")?;
            findings.check(found == facts.expected(), || {
                format!("the mate was told `{found}`, expected `{}`", facts.expected())
            });
            facts = facts.after_a_look();
        } else {
            self.mate_lets_go(cast)?;
            facts = facts.after_the_mate();
        }
        for player in [&mut cast.fresh, &mut cast.mate] {
            let found = player.ask("do mutex_lock")?;
            findings.check(found == facts.expected(), || {
                format!("a later one was told `{found}`, expected `{}`", facts.expected())
            });
            facts = facts.after_a_holder();
        }
        let seen = cast.observer.ask("peek")?;
        let expected = format!("{} {}", facts.sums[0], facts.sums[1]);
        findings.check(seen == expected, || format!("the observer saw {seen}, not {expected}"));
        Ok(())
    }

    fn finished(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(), String> {
        if self.mate_came {
            cast.mate.settle("do mutex_look")?;
        }
        let facts = Facts::read(remains);
        findings.check(facts.word & 0xffff == 0, || "the lock is still held".to_owned());
        findings.check(facts.sums[0] == facts.sums[1], || format!("half done: {facts:?}"));
        Ok(())
    }
}

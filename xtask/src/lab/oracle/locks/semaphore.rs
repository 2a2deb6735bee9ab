//! A semaphore: no permit is had twice, none is lost, and none is taken from one that lives.
//!
//! It begins with two permits. Its words are read from the segment where the victim stands still:
//! 1. who does not wait has as many permits as are free or held by somebody dead, before the kill, and those of
//!    the victim too, once it is dead;
//! 2. there are two in every state, but where the operation adds or forgets one: then that is done or not;
//! 3. who waits has one as soon as one is free, also while the victim stands still, and not before.
//!
//! A first one that stands still holds its permits as the victim does, until it is dead.
use super::super::super::list::Scene;
use super::super::super::remains::Remains;
use super::super::super::trace::Event;
use super::super::Findings;
use super::names::{Names, Who};
use super::{Cast, GoesOn, Part, at, until_it_waits, word};

const FREE: u64 = 1 << 17;

/// What is known of the case.
#[derive(Debug, Default)]
pub(super) struct Permits {
    /// Who was named when.
    names: Names,
    /// How many there were then.
    before: usize,
    /// Whether the mate holds all.
    mate_holds: bool,
    /// Whether the mate waits for one, or has had one since.
    mate_came: bool,
    /// How many there are at the kill.
    total: usize,
}

/// How many permits there are of each sort.
#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    free: usize,
    of_the_dead: usize,
    of_the_first: usize,
    of_the_victim: usize,
    of_the_mate: usize,
}

impl Facts {
    fn total(self) -> usize {
        self.free + self.of_the_dead + self.of_the_first + self.of_the_victim + self.of_the_mate
    }
}

fn words(remains: &mut Remains) -> Vec<u64> {
    let [first, end] = at::PERMITS;
    (first..end).step_by(8).map(|at| word(remains, at)).collect()
}

impl Permits {
    fn read(&self, cast: &Cast, remains: &mut Remains) -> Facts {
        let mut facts = Facts::default();
        for permit in words(remains) {
            match self.names.who(permit) {
                _ if permit == FREE => facts.free += 1,
                Who::Nobody => {}
                Who::Player => facts.of_the_mate += 1,
                _ if self.names.is_dead(cast, permit) => facts.of_the_dead += 1,
                Who::Victim => facts.of_the_victim += 1,
                _ => facts.of_the_first += 1,
            }
        }
        facts
    }

    fn mate_lets_go(&mut self, cast: &mut Cast) -> Result<(), String> {
        if std::mem::take(&mut self.mate_holds) {
            cast.mate.ask("go")?;
        }
        Ok(())
    }

    fn mate_waits(&mut self, cast: &mut Cast) -> Result<(), String> {
        cast.mate.order("do semaphore_acquire")?;
        self.mate_came = true;
        until_it_waits(&mut cast.mate);
        Ok(())
    }

    /// How many permits the operation leaves when it was done.
    fn afterwards(&self, cast: &Cast) -> usize {
        match cast.what {
            "semaphore_forget" => self.before - 1,
            "semaphore_add" | "semaphore_add_awaited" => self.before + 1,
            _ => self.before,
        }
    }

    /// There are as many as before the operation, or as behind it.
    fn count_all(&mut self, cast: &Cast, facts: Facts, findings: &mut Findings) {
        self.total = facts.total();
        let allowed = [self.before, self.afterwards(cast)];
        findings.check(allowed.contains(&self.total), || {
            format!("there are {facts:?}, and {allowed:?} were to be there before and after")
        });
    }
}

impl Part for Permits {
    fn set_scene(&mut self, cast: &mut Cast) -> Result<(), String> {
        match (cast.scene, cast.what) {
            (Scene::DeadHolder, _) => cast.somebody_dies("permits"),
            (Scene::Awaited, "semaphore_add_awaited") => {
                cast.mate.ask("do semaphore_forget")?;
                cast.mate.ask("do semaphore_forget").map(drop)
            }
            _ => Ok(()),
        }
    }

    fn first_begins(&mut self, remains: &mut Remains) {
        self.names.before_the_first(words(remains));
    }

    fn begin(&mut self, cast: &mut Cast, remains: &mut Remains) -> Result<(), String> {
        self.names.before_the_victim(words(remains));
        self.before = self.read(cast, remains).total();
        if cast.scene == Scene::Held {
            cast.mate.ask("hold permits")?;
            self.mate_holds = true;
        }
        if self.before == 0 {
            self.mate_waits(cast)?;
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
            (Scene::Awaited, Event::Changed(_))
                if !self.mate_came && self.read(cast, remains).of_the_victim == 2 =>
            {
                self.mate_waits(cast)
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
        if self.mate_came && self.read(cast, remains).free > 0 {
            cast.mate.until_answered()?;
        }
        let facts = self.read(cast, remains);
        self.count_all(cast, facts, findings);
        let had = cast.fresh.ask("do semaphore_count")?;
        let expected = (facts.free + facts.of_the_dead).to_string();
        findings.check(had == expected, || {
            format!("beside one that lives, {had} permits were had, not {expected}: {facts:?}")
        });
        let early = self.mate_came && expected == "0" && cast.mate.answered_ok();
        findings.check(!early, || "the mate had a permit that another one holds".to_owned());
        Ok(())
    }

    /// What the first one holds can be had once it is dead, while the victim stands still. Where that one holds
    /// all, others wait and say so; it goes on, and they have them.
    fn beside(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        goes_on: &mut GoesOn<'_>,
        findings: &mut Findings,
    ) -> Result<(), String> {
        let facts = self.read(cast, remains);
        self.count_all(cast, facts, findings);
        cast.mate.order("do semaphore_acquire")?;
        until_it_waits(&mut cast.mate);
        let early = facts.free + facts.of_the_dead == 0 && cast.mate.answered_ok();
        findings.check(!early, || "a permit was taken from one that is stopped".to_owned());
        cast.companion.dies();
        let left = self.total - facts.of_the_victim;
        if left == 0 {
            let orders = ["do semaphore_try_acquire", "do semaphore_acquire_briefly"];
            cast.busy_at_their_deadline(&orders, findings)?;
            goes_on(&cast.companion, remains)?;
        }
        cast.mate.settle("do semaphore_acquire")?;
        if left > 0 {
            let had = cast.fresh.ask("do semaphore_count")?;
            findings.check(had == left.to_string(), || {
                format!("beside one that is stopped, {had} permits were had, not {left}: {facts:?}")
            });
            goes_on(&cast.companion, remains)?;
        }
        let (had, expected) = (cast.fresh.ask("do semaphore_count")?, self.afterwards(cast));
        findings.check(had == expected.to_string(), || {
            format!("behind all, {had} permits were had, not {expected}")
        });
        Ok(())
    }

    fn after_the_kill(&mut self, cast: &mut Cast, findings: &mut Findings) -> Result<(), String> {
        self.mate_lets_go(cast)?;
        if self.mate_came {
            if self.total == 0 {
                cast.fresh.ask("do semaphore_add")?;
                self.total += 1;
            }
            cast.mate.settle("do semaphore_acquire")?;
        }
        for player in [&mut cast.fresh, &mut cast.mate] {
            let had = player.ask("do semaphore_count")?;
            findings.check(had == self.total.to_string(), || {
                format!("a survivor had {had} permits, and {} are there", self.total)
            });
        }
        let seen = cast.observer.ask("semaphore_view")?;
        findings.check(seen == self.total.to_string(), || format!("the observer saw {seen} free"));
        Ok(())
    }

    fn finished(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(), String> {
        if self.mate_came {
            cast.mate.settle("do semaphore_acquire")?;
        }
        let facts = self.read(cast, remains);
        let expected = self.afterwards(cast);
        let all_came_back = facts.free + facts.of_the_dead + facts.of_the_first == expected;
        findings.check(all_came_back, || format!("{facts:?}, and {expected} were to be free"));
        Ok(())
    }
}

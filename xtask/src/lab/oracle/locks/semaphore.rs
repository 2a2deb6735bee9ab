//! A semaphore: no permit is had twice, none is lost, and none is taken from one that lives.
//!
//! It begins with two permits. Its words are read from the segment where the victim stands still:
//! 1. who does not wait has as many permits as are free or held by somebody dead, before the kill, and those of
//!    the victim too, once it is dead;
//! 2. there are two in every state, but where the operation adds or forgets one: then that is done or not;
//! 3. who waits has one as soon as one is free, also while the victim stands still, and not before.
use super::super::super::list::Scene;
use super::super::super::remains::Remains;
use super::super::super::trace::Event;
use super::super::Findings;
use super::{Cast, MATE, Part, WHO, at, until_it_waits, word};

const FREE: u64 = 1 << 17;

/// What is known of the case.
#[derive(Debug, Default)]
pub(super) struct Permits {
    /// Who holds permits, dead, since before the victim came.
    dead: u64,
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
    of_the_victim: usize,
    of_the_mate: usize,
}

impl Facts {
    fn total(self) -> usize {
        self.free + self.of_the_dead + self.of_the_victim + self.of_the_mate
    }
}

impl Permits {
    fn read(&self, remains: &mut Remains) -> Facts {
        let mut facts = Facts::default();
        let [first, end] = at::PERMITS;
        for at in (first..end).step_by(8) {
            let permit = word(remains, at);
            match permit & WHO {
                _ if permit == FREE => facts.free += 1,
                MATE => facts.of_the_mate += 1,
                who if who & 0xffff == 0 => {}
                who if who == self.dead => facts.of_the_dead += 1,
                _ => facts.of_the_victim += 1,
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

    fn begin(&mut self, cast: &mut Cast, remains: &mut Remains) -> Result<(), String> {
        let [first, end] = at::PERMITS;
        let named = (first..end).step_by(8).map(|at| word(remains, at) & WHO);
        self.dead = named.filter(|who| who & 0xffff != 0).max().unwrap_or(0);
        self.before = self.read(remains).total();
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
                if !self.mate_came && self.read(remains).of_the_victim == 2 =>
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
        if self.mate_came && self.read(remains).free > 0 {
            cast.mate.until_answered()?;
        }
        let facts = self.read(remains);
        self.total = facts.total();
        let allowed = [self.before, self.afterwards(cast)];
        findings.check(allowed.contains(&self.total), || {
            format!("there are {facts:?}, and {allowed:?} were to be there before and after")
        });
        let had = cast.fresh.ask("do semaphore_count")?;
        let expected = (facts.free + facts.of_the_dead).to_string();
        findings.check(had == expected, || {
            format!("beside one that lives, {had} permits were had, not {expected}: {facts:?}")
        });
        let early = self.mate_came && expected == "0" && cast.mate.answered_ok();
        findings.check(!early, || "the mate had a permit that another one holds".to_owned());
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
        let facts = self.read(remains);
        let expected = self.afterwards(cast);
        let all_came_back = facts.free + facts.of_the_dead == expected;
        findings.check(all_came_back, || format!("{facts:?}, and {expected} were to be free"));
        Ok(())
    }
}

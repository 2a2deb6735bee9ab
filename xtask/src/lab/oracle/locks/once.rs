//! What is done once: by one, and by the next where that one dies.
//!
//! Whoever does it leaves its process's number, twice; so does what a `OnceCell` is set to. The word and the
//! numbers are read from the segment where the victim stands still:
//! 1. while the word names the victim, nobody else does it, and who tries without waiting, which asks the
//!    kernel at once, is told so; once the victim is dead, the one that waits does it;
//! 2. where the word does not name the victim, it delays nobody, alive and stopped as it is: the mate has
//!    it done before the kill;
//! 3. when the word says that it is done, it is whole; and it stays as it is, by whomever, and both numbers are equal; everybody is told so.
use super::super::super::list::Scene;
use super::super::super::remains::Remains;
use super::super::super::trace::Event;
use super::super::Findings;
use super::names::{Names, Who};
use super::{Cast, GoesOn, Part, at, until_it_waits, word};

const DONE: u64 = 1 << 17;

/// What is known of the case.
#[derive(Debug, Default)]
pub(super) struct Deed {
    /// `once` or `oncecell`.
    which: String,
    /// Who was named when.
    names: Names,
    /// Whether the mate is at it.
    mate_stays: bool,
    /// Whether the mate has come to have it done.
    mate_came: bool,
    /// Where the victim stands still.
    facts: Facts,
}

/// What stands in the segment.
#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    word: u64,
    halves: [u64; 2],
}

impl Facts {
    fn is_done(self) -> bool {
        self.word == DONE
    }

    fn whole_if_done(self, findings: &mut Findings) {
        let is_whole = self.halves[0] != 0 && self.halves[0] == self.halves[1];
        findings.check(!self.is_done() || is_whole, || format!("done, but not whole: {self:?}"));
    }

    fn halves(self) -> String {
        format!("{} {}", self.halves[0], self.halves[1])
    }
}

impl Deed {
    fn read(&self, remains: &mut Remains) -> Facts {
        let is_once = self.which == "once";
        let (at, halves) =
            if is_once { (at::ONCE, at::DEED) } else { (at::ONCE_CELL, at::ONCE_CELL_SUMS) };
        Facts { word: word(remains, at), halves: halves.map(|at| word(remains, at)) }
    }

    fn victim_is_at_it(&self, facts: Facts) -> bool {
        self.names.who(facts.word) == Who::Victim
    }

    /// The order to have it done.
    fn order(&self) -> &'static str {
        if self.which == "once" { "do once_call" } else { "do oncecell_init" }
    }

    /// The same without waiting for another one.
    fn order_to_try(&self) -> &'static str {
        if self.which == "once" { "do once_try_call" } else { "do oncecell_try" }
    }

    /// The same, and waiting a little.
    fn order_to_wait_briefly(&self) -> &'static str {
        if self.which == "once" { "do once_call_briefly" } else { "do oncecell_init_briefly" }
    }

    fn mate_goes_on(&mut self, cast: &mut Cast) -> Result<(), String> {
        if std::mem::take(&mut self.mate_stays) {
            cast.mate.ask("go")?;
        }
        Ok(())
    }

    /// The answer of one that has it done: whether it ran, and what is there.
    fn judge(&mut self, who: &str, answer: &str, pid: i32, findings: &mut Findings) {
        let expected = match self.facts.is_done() {
            true => format!("done {}", self.facts.halves()),
            false => format!("ran {pid} {pid}"),
        };
        findings.check(answer == expected, || format!("{who}: {answer}, expected {expected}"));
        let number = pid.cast_unsigned().into();
        if !self.facts.is_done() {
            self.facts = Facts { word: DONE, halves: [number; 2] };
        }
    }
}

impl Part for Deed {
    fn set_scene(&mut self, cast: &mut Cast) -> Result<(), String> {
        self.which = cast.what.split('_').next().unwrap_or_default().to_owned();
        match cast.scene {
            Scene::DeadHolder => cast.somebody_dies(&self.which),
            Scene::Host => cast.mate.ask(self.order()).map(drop),
            _ => Ok(()),
        }
    }

    fn first_begins(&mut self, remains: &mut Remains) {
        self.names.before_the_first([self.read(remains).word]);
    }

    fn begin(&mut self, cast: &mut Cast, remains: &mut Remains) -> Result<(), String> {
        self.names.before_the_victim([self.read(remains).word]);
        if cast.scene == Scene::Held {
            cast.mate.ask(&format!("stay {}", self.which))?;
            self.mate_stays = true;
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
            (Scene::Held | Scene::Waits, event) if cast.is_first_wait(event) => match cast.scene {
                Scene::Held => self.mate_goes_on(cast),
                _ => cast.mate.ask(self.order()).map(drop),
            },
            (Scene::Awaited, Event::Changed(_)) if !self.mate_came => {
                let facts = self.read(remains);
                if self.victim_is_at_it(facts) {
                    cast.mate.order(self.order())?;
                    self.mate_came = true;
                    until_it_waits(&mut cast.mate);
                }
                Ok(())
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
        self.facts = self.read(remains);
        let facts = self.facts;
        facts.whole_if_done(findings);
        if self.mate_stays {
            return Ok(());
        }
        let is_inside = self.names.is_stopped(cast, facts.word);
        if !self.mate_came {
            cast.mate.order(self.order())?;
            self.mate_came = true;
            if is_inside {
                until_it_waits(&mut cast.mate);
            }
        }
        if is_inside {
            cast.fresh.order(self.order_to_try())?;
            let tried = cast.fresh.answer()?;
            let is_busy = tried.starts_with("err Busy") && !cast.mate.answered_ok();
            findings.check(is_busy, || format!("it was taken from one that lives: {tried}"));
            return Ok(());
        }
        // The victim stands still and is not at it: the mate has it done before it is dead.
        cast.mate.until_answered()
    }

    /// Where the victim is at it, stopped, others wait and say so; it goes on, and has done it. Where it is not,
    /// the mate has it done before it goes on.
    fn beside(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        goes_on: &mut GoesOn<'_>,
        findings: &mut Findings,
    ) -> Result<(), String> {
        self.facts = self.read(remains);
        self.facts.whole_if_done(findings);
        let is_at_it = self.victim_is_at_it(self.facts);
        let nobody_may = self.names.is_stopped(cast, self.facts.word);
        cast.mate.order(self.order())?;
        until_it_waits(&mut cast.mate);
        let early = nobody_may && cast.mate.answered_ok();
        findings.check(!early, || "it was taken from one that is stopped".to_owned());
        cast.companion.dies();
        if is_at_it {
            let orders = [self.order_to_try(), self.order_to_wait_briefly()];
            cast.busy_at_their_deadline(&orders, findings)?;
            goes_on(&cast.companion, remains)?;
            self.facts = self.read(remains);
            findings.check(self.facts.is_done(), || format!("it went on: {:?}", self.facts));
        }
        let (answer, pid) = (cast.mate.settle(self.order())?, cast.mate.pid());
        self.judge("the mate", &answer, pid, findings);
        if !is_at_it {
            goes_on(&cast.companion, remains)?;
        }
        let (answer, pid) = (cast.fresh.ask(self.order())?, cast.fresh.pid());
        self.judge("a later one", &answer, pid, findings);
        let facts = self.read(remains);
        findings.check(facts.is_done() && facts.halves == self.facts.halves, || {
            format!("in the end: {facts:?}, and {:?} was done", self.facts)
        });
        Ok(())
    }

    fn after_the_kill(&mut self, cast: &mut Cast, findings: &mut Findings) -> Result<(), String> {
        let pid = cast.mate.pid();
        if self.mate_came {
            let answer = cast.mate.settle(self.order())?;
            self.judge("the mate", &answer, pid, findings);
        } else {
            self.mate_goes_on(cast)?;
            let number = pid.cast_unsigned().into();
            self.facts = Facts { word: DONE, halves: [number; 2] };
        }
        for player in [&mut cast.fresh, &mut cast.mate] {
            let (answer, pid) = (player.ask(self.order())?, player.pid());
            self.judge("a later one", &answer, pid, findings);
        }
        let seen = cast.observer.ask(&format!("{}_view", self.which))?;
        let expected = format!("done {}", self.facts.halves());
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
            cast.mate.settle(self.order())?;
        }
        let facts = self.read(remains);
        let gives_up = cast.what.ends_with("_panics") || cast.what.ends_with("_fails");
        findings.check(facts.is_done() != gives_up, || format!("the word: {:#x}", facts.word));
        findings.check(facts.word & 0xffff == 0, || "somebody is still at it".to_owned());
        findings.check(facts.halves[0] == facts.halves[1], || format!("half done: {facts:?}"));
        Ok(())
    }
}

//! An event: what was set is set or taken, once; and who waits goes on when it is set.
//!
//! The word is read where the victim stands still. A set that it has made lets the mate pass that waited; one
//! that it has taken lets nobody else pass; one that is there can be taken by a survivor, once. After
//! all that, a new set lets a new waiter pass.
use super::super::super::list::Scene;
use super::super::super::remains::Remains;
use super::super::super::trace::Event;
use super::super::Findings;
use super::{Cast, Part, at, until_it_waits, word};

const SET: u64 = 1 << 1;

/// What is known of the case.
#[derive(Debug, Default)]
pub(super) struct Signal {
    manual: bool,
    /// How often it had become set before the victim began.
    count: u64,
    /// Whether the mate waits.
    mate_waits: bool,
    /// The word where the victim stands still.
    word: u64,
}

impl Signal {
    fn read(&self, remains: &mut Remains) -> u64 {
        word(remains, if self.manual { at::MANUAL } else { at::AUTO })
    }

    fn is_set(&self) -> bool {
        self.word & SET != 0
    }

    /// Whether the victim has set it.
    fn was_set(&self, cast: &Cast) -> bool {
        !cast.helped && self.word >> 3 > self.count
    }

    /// An order about the event.
    fn order(&self, verb: &str) -> String {
        format!("do {}_{verb}", if self.manual { "manual" } else { "event" })
    }
}

impl Part for Signal {
    fn set_scene(&mut self, cast: &mut Cast) -> Result<(), String> {
        self.manual = cast.what.starts_with("manual");
        match cast.scene {
            // It is set already.
            Scene::Host => cast.mate.ask(&self.order("set")).map(drop),
            _ => Ok(()),
        }
    }

    fn first_begins(&mut self, _: &mut Remains) {}

    fn begin(&mut self, cast: &mut Cast, remains: &mut Remains) -> Result<(), String> {
        if cast.scene == Scene::Awaited {
            cast.mate.order(&self.order("wait"))?;
            self.mate_waits = true;
            until_it_waits(&mut cast.mate);
        }
        self.count = self.read(remains) >> 3;
        Ok(())
    }

    fn passed(&mut self, cast: &mut Cast, event: &Event, _: &mut Remains) -> Result<(), String> {
        if cast.scene == Scene::Waits && cast.is_first_wait(event) {
            cast.mate.ask(&self.order("set"))?;
        }
        Ok(())
    }

    fn before_the_kill(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(), String> {
        self.word = self.read(remains);
        if self.mate_waits && self.was_set(cast) {
            // It passes while the victim stands still, which may not have woken it yet.
            return cast.mate.until_answered();
        }
        let early = self.mate_waits && cast.mate.answered_ok();
        findings.check(!early, || "the mate passed without a set".to_owned());
        Ok(())
    }

    fn after_the_kill(&mut self, cast: &mut Cast, findings: &mut Findings) -> Result<(), String> {
        let mut is_set = self.is_set();
        if self.mate_waits {
            if !self.was_set(cast) {
                cast.fresh.ask(&self.order("set"))?;
            }
            cast.mate.settle(&self.order("wait"))?;
            is_set = self.manual;
        }
        let found = cast.fresh.ask(&self.order("try_wait"))?;
        findings.check(found == is_set.to_string(), || {
            format!("a survivor found it set: {found}, expected {is_set}")
        });
        let seen = cast.observer.ask(&format!("is_set {}", self.manual))?;
        let left = is_set && self.manual;
        findings.check(seen == left.to_string(), || format!("the observer: {seen}, not {left}"));
        if left {
            cast.fresh.ask(&self.order("reset"))?;
        }
        cast.fresh.order(&self.order("wait"))?;
        until_it_waits(&mut cast.fresh);
        cast.mate.ask(&self.order("set"))?;
        cast.fresh.settle(&self.order("wait"))?;
        Ok(())
    }

    fn finished(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(), String> {
        if self.mate_waits {
            cast.mate.settle(&self.order("wait"))?;
        }
        self.word = self.read(remains);
        let expected = match cast.what.split_once('_') {
            Some((_, "reset")) => false,
            Some((_, "is_set" | "view")) => true,
            Some((_, verb)) if verb.starts_with("set") => self.manual || !self.mate_waits,
            // It was waited for, and taken.
            _ => self.manual,
        };
        let is_set = self.is_set();
        findings.check(is_set == expected, || format!("it is set: {is_set}"));
        Ok(())
    }
}

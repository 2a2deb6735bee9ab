//! A condition variable: a notification that was given wakes who waits, whoever dies.
//!
//! Who waits, waits for a number to grow, under the mutex. A victim that notifies has grown it before: once
//! the count of notifications has changed, the mate that waited goes on by itself. A victim that waits is
//! killed beside another one that waits, the fresh one: what is notified after its death, or was on its
//! way to it, reaches that one.
use super::super::super::calls;
use super::super::super::list::Scene;
use super::super::super::remains::Remains;
use super::super::super::trace::Event;
use super::super::Findings;
use super::{Cast, Part, at, until_it_waits, word};

/// What is known of the case.
#[derive(Debug, Default)]
pub(super) struct Notice {
    /// The count of notifications before the victim began.
    count: u64,
    /// Whether the mate has grown the number and notified one, since the victim waits.
    told: bool,
    /// Whether the victim has notified.
    has_notified: bool,
}

impl Notice {
    fn victim_waits(cast: &Cast) -> bool {
        cast.scene == Scene::Waits
    }
}

impl Part for Notice {
    fn set_scene(&mut self, _: &mut Cast) -> Result<(), String> {
        Ok(())
    }

    fn first_begins(&mut self, _: &mut Remains) {}

    fn begin(&mut self, cast: &mut Cast, remains: &mut Remains) -> Result<(), String> {
        let waiter = match cast.scene {
            Scene::Waits => Some(&mut cast.fresh),
            Scene::Awaited => Some(&mut cast.mate),
            _ => None,
        };
        if let Some(waiter) = waiter {
            waiter.order("do condvar_wait")?;
            until_it_waits(waiter);
        }
        self.count = word(remains, at::BELL) >> 1;
        Ok(())
    }

    fn passed(&mut self, cast: &mut Cast, event: &Event, _: &mut Remains) -> Result<(), String> {
        let Event::Enter { number, args } = *event else { return Ok(()) };
        if Self::victim_waits(cast) && !self.told && calls::is_wait(number, args) {
            self.told = true;
            cast.mate.ask("do condvar_notify_one")?;
        }
        Ok(())
    }

    fn before_the_kill(
        &mut self,
        _: &mut Cast,
        remains: &mut Remains,
        _: &mut Findings,
    ) -> Result<(), String> {
        self.has_notified = !self.told && word(remains, at::BELL) >> 1 > self.count;
        Ok(())
    }

    fn after_the_kill(&mut self, cast: &mut Cast, _: &mut Findings) -> Result<(), String> {
        let Cast { scene, mate, fresh, .. } = cast;
        match scene {
            Scene::Waits => {
                if !self.told {
                    mate.ask("do condvar_notify_one")?;
                }
                fresh.settle("do condvar_wait")?;
            }
            Scene::Awaited => {
                if !self.has_notified {
                    fresh.ask("do condvar_notify_one")?;
                }
                mate.settle("do condvar_wait")?;
            }
            _ => {}
        }
        // A mutex that the victim left is taken over before: then the next wait is for the bell.
        mate.ask("do mutex_lock")?;
        fresh.order("do condvar_wait")?;
        until_it_waits(fresh);
        mate.ask("do condvar_notify_all")?;
        fresh.settle("do condvar_wait").map(drop)
    }

    fn finished(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(), String> {
        match cast.scene {
            Scene::Waits => drop(cast.fresh.settle("do condvar_wait")?),
            Scene::Awaited => drop(cast.mate.settle("do condvar_wait")?),
            _ => {}
        }
        let count = word(remains, at::BELL) >> 1;
        findings.check(count > self.count, || "nobody was notified".to_owned());
        Ok(())
    }
}

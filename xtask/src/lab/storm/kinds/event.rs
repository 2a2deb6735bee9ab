//! Events: an automatic one that lets no more pass than it was set for, and a manual one for all.
use super::{Kind, role};
use crate::lab::storm::actor::{Actor, failed, unless};
use crate::lab::storm::truth::{Phase, Truth};
use cohabit::{ErrorKind, Event, Shared, shareable};
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

pub(super) const KIND: Kind = Kind {
    name: "event",
    roles: &[
        role("setter", 1, set_again_and_again),
        role("gate keeper", 1, open_and_shut_again_and_again),
        role("waiter", 5, |actor| pass_again_and_again(actor, Way::Wait)),
        role("waiter that waits a little", 2, |actor| {
            pass_again_and_again(actor, Way::WaitALittle)
        }),
        role("one that does not wait", 1, |actor| pass_again_and_again(actor, Way::Try)),
        role("waiter at the gate", 3, wait_at_the_gate),
    ],
    begin,
    check: |_: &Truth, _: &Path| Ok(()),
    audit,
    cheats: &[("passes", "passed an event"), ("never-sets", "in one call")],
};

const NAME: &str = "events";
/// Where in the common words it stands how often the event was about to be set, and let somebody pass.
const SETS: usize = 0;
const PASSES: usize = 1;
/// A set that is not taken for so long was taken by a victim, or is taken late.
const MAY_BE_DEAD: Duration = Duration::from_millis(20);

#[shareable]
struct Events {
    turn: Event,
    gate: Event,
}

#[derive(Clone, Copy)]
enum Way {
    Wait,
    WaitALittle,
    Try,
}

fn begin(actor: &Actor) -> Result<(), String> {
    let build = || Events { turn: Event::auto(), gate: Event::manual() };
    actor.kept::<Events>().create(NAME, build).map(drop).map_err(failed("create"))
}

fn open(actor: &Actor) -> Result<Shared<Events>, String> {
    let opened = actor.call(Phase::Comes, || actor.kept::<Events>().open(NAME));
    opened.map_err(failed("open"))
}

/// One setter, which waits until its set was taken, or may have died with who took it: what is set while
/// it is set counts once, and each of these would hide one that passed without a set.
fn set_again_and_again(actor: &Actor) -> Result<(), String> {
    let events = open(actor)?;
    let common = &actor.truth.common;
    loop {
        let before = common[PASSES].load(SeqCst);
        // Before it is set, so that nobody passes who is not counted.
        common[SETS].fetch_add(1, SeqCst);
        if actor.cheat != "never-sets" {
            actor.call(Phase::Acts, || events.turn.set()).map_err(failed("set"))?;
        }
        let start = Instant::now();
        while common[PASSES].load(SeqCst) == before && start.elapsed() < MAY_BE_DEAD {
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

fn pass_again_and_again(actor: &Actor, way: Way) -> Result<(), String> {
    let events = open(actor)?;
    loop {
        let little = Duration::from_millis(2);
        let passed = actor.call(Phase::Acts, || match way {
            Way::Wait => events.turn.wait().map(|()| true),
            Way::WaitALittle => events.turn.wait_timeout(little).map(|()| true),
            Way::Try => events.turn.try_wait(),
        });
        let passed = unless(passed, &[ErrorKind::TimedOut], "wait")?.unwrap_or(false);
        if passed || actor.cheats("passes") {
            let passes = actor.truth.common[PASSES].fetch_add(1, SeqCst) + 1;
            let sets = actor.truth.common[SETS].load(SeqCst);
            if passes > sets {
                return Err(format!("{passes} passed an event that was set {sets} times"));
            }
        }
        if matches!(way, Way::Try) {
            std::thread::sleep(Duration::from_micros(actor.dice.below(500)));
        }
    }
}

fn open_and_shut_again_and_again(actor: &Actor) -> Result<(), String> {
    let events = open(actor)?;
    loop {
        actor.call(Phase::Acts, || events.gate.set()).map_err(failed("set"))?;
        if actor.dice.below(2) == 0 {
            std::thread::sleep(Duration::from_micros(actor.dice.below(200)));
        }
        actor.call(Phase::Acts, || events.gate.reset()).map_err(failed("reset"))?;
        std::thread::sleep(Duration::from_micros(actor.dice.below(500)));
    }
}

fn wait_at_the_gate(actor: &Actor) -> Result<(), String> {
    let events = open(actor)?;
    loop {
        actor.call(Phase::Acts, || events.gate.wait()).map_err(failed("wait at the gate"))?;
        // While it is open, whoever waits passes at once.
        std::thread::sleep(Duration::from_micros(actor.dice.below(100)));
    }
}

/// Everybody is dead: what was set is set once, and a new set lets one pass.
fn audit(actor: &Actor) -> Result<(), String> {
    let events = actor.kept::<Events>().open(NAME).map_err(failed("open"))?;
    let _was_set = events.turn.try_wait().map_err(failed("try_wait"))?;
    if events.turn.try_wait().map_err(failed("try_wait"))? {
        return Err("an automatic event was taken twice".to_owned());
    }
    events.turn.set().map_err(failed("set"))?;
    events.turn.wait().map_err(failed("wait"))?;
    events.gate.set().map_err(failed("set"))?;
    events.gate.wait().map_err(failed("wait"))?;
    drop(events);
    cohabit::remove(&actor.scope(), NAME, false).map_err(failed("remove"))
}

//! A barrier: of a round all pass or none, one as the leader, and only who shares a round with a death is told.
//!
//! What is known exactly is what was done before a call and what came out of it; a victim may have passed, or
//! been told, and not have come to say so. So with `deaths`, the victims that died in a wait:
//! 1. each round that was opened has three arrivals of its own, one leader and two others: of these at most
//!    `deaths` say nothing;
//! 2. a death breaks one round at most, and is told to two others at most.
use super::{Kind, role};
use crate::lab::storm::actor::{Actor, failed};
use crate::lab::storm::truth::{Phase, Truth};
use cohabit::{Barrier, ErrorKind, Shared};
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

pub(super) const KIND: Kind = Kind {
    name: "barrier",
    roles: &[
        role("party", 7, |actor| meet_again_and_again(actor, Way::Wait)),
        role("party that waits a little", 4, |actor| meet_again_and_again(actor, Way::WaitALittle)),
    ],
    begin,
    check: |truth: &Truth, _: &Path| check(truth),
    audit,
    cheats: &[
        ("leads", "leaders of rounds"),
        ("passes", "passed beside"),
        ("cries", "were told of a death"),
    ],
};

const NAME: &str = "barrier";
const PARTIES: u64 = 3;
/// Where in the common words it stands how many came, led a round, passed beside a leader, were told of a death.
const CAME: usize = 0;
const LED: usize = 1;
const PASSED: usize = 2;
const TOLD: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Wait,
    WaitALittle,
}

fn begin(actor: &Actor) -> Result<(), String> {
    let build = || Barrier::new(PARTIES as usize);
    actor.kept::<Barrier>().create(NAME, build).map(drop).map_err(failed("create"))
}

fn meet_again_and_again(actor: &Actor, way: Way) -> Result<(), String> {
    let opened: Result<Shared<Barrier>, _> =
        actor.call(Phase::Comes, || actor.kept::<Barrier>().open(NAME));
    let barrier = opened.map_err(failed("open"))?;
    let common = &actor.truth.common;
    loop {
        if actor.cheat == "passes" && way == Way::WaitALittle {
            common[PASSED].fetch_add(1, SeqCst);
            actor.pause();
            continue;
        }
        // Before it comes, so that no round is opened by more than are counted.
        common[CAME].fetch_add(1, SeqCst);
        let little = Duration::from_micros(actor.dice.below(4_000));
        let met = actor.call(Phase::Acts, || match way {
            Way::WaitALittle => barrier.wait_timeout(little),
            _ => barrier.wait(),
        });
        let how = match met {
            Ok(_) if actor.cheat == "cries" => TOLD,
            Ok(passed) if passed.is_leader() || actor.cheat == "leads" => LED,
            Ok(_) => PASSED,
            Err(error) if error.kind() == ErrorKind::PeerDied => TOLD,
            Err(error) if error.kind() == ErrorKind::TimedOut => continue,
            Err(error) => return Err(failed("wait")(error)),
        };
        let count = common[how].fetch_add(1, SeqCst) + 1;
        let came = common[CAME].load(SeqCst);
        if how == LED && PARTIES * count > came {
            return Err(format!("{count} leaders of rounds, and {came} came"));
        }
        actor.pause();
    }
}

/// What must hold while nobody is dying.
fn check(truth: &Truth) -> Result<(), String> {
    let [led, passed, told] = [LED, PASSED, TOLD].map(|word| truth.common[word].load(SeqCst));
    // Read after what was said. Some have passed and say nothing: victims, in the call or right behind it,
    // and those who live and have not come to it yet.
    let of = |phase: Phase| truth.deaths[phase as usize].load(SeqCst);
    let deaths = of(Phase::Acts);
    let silent = deaths + of(Phase::Idle) + truth.seats.len() as u64;
    let others = PARTIES - 1;
    if passed > others * (led + silent) {
        return Err(format!("{passed} passed beside {led} leaders, and {deaths} died"));
    }
    if others * led > passed + others * silent {
        return Err(format!("{led} leaders of rounds, {passed} others, and {deaths} died"));
    }
    if told > others * deaths {
        return Err(format!("{told} were told of a death, and {deaths} died"));
    }
    Ok(())
}

/// Everybody is dead: who waits there is told of it or is alone, and then a new round can be had.
fn audit(actor: &Actor) -> Result<(), String> {
    check(actor.truth)?;
    let barrier = actor.kept::<Barrier>().open(NAME).map_err(failed("open"))?;
    match barrier.wait_timeout(Duration::ZERO).map_err(|error| error.kind()) {
        Err(ErrorKind::PeerDied | ErrorKind::TimedOut) => {}
        other => return Err(format!("all others are dead: {other:?}")),
    }
    let led: usize = std::thread::scope(|scope| {
        let threads = [(); PARTIES as usize].map(|()| scope.spawn(|| barrier.wait()));
        let ended = threads.map(|thread| match thread.join() {
            Ok(passed) => passed.map(|passed| usize::from(passed.is_leader())),
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.into_iter().sum::<cohabit::Result<usize>>()
    })
    .map_err(failed("wait"))?;
    if led != 1 {
        return Err(format!("{led} leaders in one round"));
    }
    drop(barrier);
    cohabit::remove(&actor.scope(), NAME, false).map_err(failed("remove"))
}

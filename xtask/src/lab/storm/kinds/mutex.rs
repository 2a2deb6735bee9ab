//! Sums under a mutex, changed in place: lockers, those who do not wait, those who panic, and observers.
use super::critical::{self, Told};
use super::sums::{ADDED, Sums};
use super::{Kind, role};
use crate::lab::storm::actor::{Actor, failed};
use crate::lab::storm::truth::Phase;
use cohabit::{LockResult, Mutex, MutexGuard, Shared};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::Duration;

pub(super) const KIND: Kind = Kind {
    name: "mutex",
    roles: &[
        role("locker", 6, |actor| lock_again_and_again(actor, Mutex::lock)),
        role("one that does not wait", 2, |actor| lock_again_and_again(actor, Mutex::try_lock)),
        role("one that waits a little", 2, |actor| lock_again_and_again(actor, a_little)),
        role("one that panics", 1, panic_again_and_again),
        role("observer", 1, peek_again_and_again),
    ],
    begin,
    check: |truth, _: &Path| critical::check(truth),
    audit,
    cheats: &[
        ("forgets", "lost"),
        ("doubles", "lost"),
        ("tears", "torn"),
        ("robs", "two inside"),
        ("hides", "not told"),
        ("cries", "deaths were told"),
        ("waits", "in one call"),
    ],
};

const NAME: &str = "mutex";

type Object = Shared<Mutex<Sums>>;
type Guard<'a> = MutexGuard<'a, Sums>;

fn a_little(mutex: &Mutex<Sums>) -> LockResult<Guard<'_>> {
    mutex.lock_timeout(Duration::from_millis(2))
}

fn begin(actor: &Actor) -> Result<(), String> {
    let made = actor.kept::<Mutex<Sums>>().create(NAME, Sums::new);
    made.map(drop).map_err(failed("create"))
}

fn open(actor: &Actor) -> Result<Object, String> {
    let opened = actor.call(Phase::Comes, || actor.kept::<Mutex<Sums>>().open(NAME));
    opened.map_err(failed("open"))
}

/// What whoever was told has to mend; then the numbers are whole.
fn settle(object: &Object, guard: &mut Guard<'_>, told: Told) -> Result<(), String> {
    match told {
        Told::Nothing => return Ok(()),
        Told::OwnerDied => {
            guard.seal();
            guard.mark_consistent();
        }
        Told::Poisoned => {
            guard.seal();
            object.clear_poison().map_err(failed("clear_poison"))?;
        }
    }
    Ok(())
}

/// The first time: the seat's column is taken over.
fn adopt(actor: &Actor, object: &Object) -> Result<(), String> {
    let entered = critical::enter(actor, || object.lock())?;
    let (mut guard, told) = entered.ok_or("who waits for ever is told that it is busy")?;
    settle(object, &mut guard, told)?;
    actor.me().tallies[ADDED].adopt(guard.columns[actor.seat])?;
    critical::leave(actor, || drop(guard))
}

fn lock_again_and_again(
    actor: &Actor,
    lock: fn(&Mutex<Sums>) -> LockResult<Guard<'_>>,
) -> Result<(), String> {
    let object = open(actor)?;
    adopt(actor, &object)?;
    let tally = &actor.me().tallies[ADDED];
    loop {
        if actor.cheats("robs") {
            critical::rob(actor);
        }
        if actor.cheats("waits") {
            actor.call(Phase::Wants, || std::thread::sleep(Duration::from_secs(3_600)));
        }
        if let Some((mut guard, told)) = critical::enter(actor, || lock(&object))? {
            settle(&object, &mut guard, told)?;
            tally.begin();
            guard.add(actor, ADDED)?;
            tally.end();
            if actor.dice.below(8) == 0 {
                std::thread::sleep(Duration::from_micros(actor.dice.below(200)));
            }
            critical::leave(actor, || drop(guard))?;
        }
        actor.pause();
    }
}

fn panic_again_and_again(actor: &Actor) -> Result<(), String> {
    let object = open(actor)?;
    adopt(actor, &object)?;
    let tally = &actor.me().tallies[ADDED];
    loop {
        let entered = critical::enter(actor, || object.lock())?;
        let (mut guard, told) = entered.ok_or("who waits for ever is told that it is busy")?;
        settle(&object, &mut guard, told)?;
        tally.begin();
        guard.columns[actor.seat] += 1;
        tally.end();
        critical::leave(actor, || {
            // Half done; the panic is what is wanted, and resumed so that it is not printed.
            let _panic: Result<(), _> = catch_unwind(AssertUnwindSafe(move || {
                let _held = guard;
                resume_unwind(Box::new("on purpose"))
            }));
        })?;
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn peek_again_and_again(actor: &Actor) -> Result<(), String> {
    loop {
        let options = actor.kept::<Mutex<Sums>>();
        let view = actor.call(Phase::Comes, || options.open_read_only(NAME));
        let view = view.map_err(failed("open_read_only"))?;
        for _ in 0..50 {
            // It may be in the middle of a change.
            let _sums = actor.call(Phase::Acts, || view.view().peek()).map_err(failed("peek"))?;
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

/// Everybody is dead: the lock can be had, and nothing is lost.
fn audit(actor: &Actor) -> Result<(), String> {
    let before = actor.truth.done(ADDED);
    let object = actor.kept::<Mutex<Sums>>().open(NAME).map_err(failed("open"))?;
    let entered = critical::enter(actor, || object.lock())?;
    let (mut guard, told) = entered.ok_or("who waits for ever is told that it is busy")?;
    settle(&object, &mut guard, told)?;
    guard.within(ADDED, &before, actor.truth)?;
    critical::leave(actor, || drop(guard))?;
    critical::check(actor.truth)?;
    drop(object);
    cohabit::remove(&actor.scope(), NAME, false).map_err(failed("remove"))
}

//! Sums under a `RwLock`: writers are alone, readers are beside readers only, and only a writer's death is told.
//!
//! Writers are held against the truth as those of a mutex are ([`super::critical`]). A reader leaves nothing
//! there. As long as it is inside,
//! 1. the place has no writer's name, or that of one who died inside; then the reader is told so;
//! 2. the name does not change, and the sums do not either, so they are exactly what the truth says;
//! 3. a death that it is told of without a name there is that of a writer which was about to enter or to leave,
//!    and the next writer ends that: there are no more of these, counted once between two writers, than such
//!    victims. Readers call in a phase of their own, so that their deaths are not among them.
//!
//! That dead readers are in nobody's way is seen by the watchdog, and when all are dead.
use super::critical::{self, Told};
use super::sums::{ADDED, Sums};
use super::{Kind, role};
use crate::lab::storm::actor::{Actor, failed};
use crate::lab::storm::truth::{Phase, Truth};
use cohabit::{
    ErrorKind, LockError, LockResult, RwLock, RwLockReadGuard, RwLockWriteGuard, Shared,
};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

pub(super) const KIND: Kind = Kind {
    name: "rwlock",
    roles: &[
        role("reader", 4, |actor| read_again_and_again(actor, RwLock::read)),
        role("reader that does not wait", 2, |actor| read_again_and_again(actor, RwLock::try_read)),
        role("reader that waits a little", 2, |actor| {
            read_again_and_again(actor, |lock| lock.read_timeout(LITTLE))
        }),
        role("writer", 2, |actor| write_again_and_again(actor, RwLock::write)),
        role("writer that does not wait", 1, |actor| {
            write_again_and_again(actor, RwLock::try_write)
        }),
        role("writer that waits a little", 2, |actor| {
            write_again_and_again(actor, |lock| lock.write_timeout(LITTLE))
        }),
        role("writer that panics", 1, panic_again_and_again),
        role("observer", 1, peek_again_and_again),
    ],
    begin,
    check: |truth: &Truth, _: &Path| check(truth),
    audit,
    cheats: &[
        ("forgets", "lost"),
        ("doubles", "lost"),
        ("tears", "torn"),
        ("robs", "two inside"),
        ("hides", "not told"),
        ("cries", "deaths were told"),
        ("cries-to-readers", "deaths were told to readers"),
        ("slips", "a writer came to one that reads"),
        ("blinks", "changed under one that reads"),
        ("waits", "in one call"),
    ],
};

const NAME: &str = "rwlock";
const LITTLE: Duration = Duration::from_millis(2);
/// Where in the common words it stands, behind those of `critical`, how many writers went out alive, behind which
/// of them a reader was told of a death without a name last, and how often one was.
const WENT: usize = 8;
const TOLD_BEHIND: usize = 9;
const TOLD_TO_READERS: usize = 10;

type Object = Shared<RwLock<Sums>>;
type ReadGuard<'a> = RwLockReadGuard<'a, Sums>;
type WriteGuard<'a> = RwLockWriteGuard<'a, Sums>;

fn begin(actor: &Actor) -> Result<(), String> {
    let made = actor.kept::<RwLock<Sums>>().create(NAME, Sums::new);
    made.map(drop).map_err(failed("create"))
}

fn open(actor: &Actor) -> Result<Object, String> {
    let opened = actor.call(Phase::Comes, || actor.kept::<RwLock<Sums>>().open(NAME));
    opened.map_err(failed("open"))
}

fn read_again_and_again(
    actor: &Actor,
    lock: fn(&RwLock<Sums>) -> LockResult<ReadGuard<'_>>,
) -> Result<(), String> {
    let object = open(actor)?;
    loop {
        waits_in_vain(actor);
        if let Some((guard, told)) = enter_to_read(actor, || lock(&object))? {
            read(actor, &guard, told).map_err(|text| actor.says(text))?;
            actor.call(Phase::Acts, || drop(guard));
        }
        actor.pause();
    }
}

/// Goes in to read. Nothing, if it is busy.
fn enter_to_read<'a>(
    actor: &Actor,
    lock: impl FnOnce() -> LockResult<ReadGuard<'a>>,
) -> Result<Option<(ReadGuard<'a>, Told)>, String> {
    match actor.call(Phase::Acts, lock) {
        Ok(guard) if actor.cheats("cries-to-readers") => Ok(Some((guard, Told::OwnerDied))),
        Ok(guard) => Ok(Some((guard, Told::Nothing))),
        Err(LockError::OwnerDied(guard)) => Ok(Some((guard, Told::OwnerDied))),
        Err(LockError::Poisoned(guard)) => Ok(Some((guard, Told::Poisoned))),
        Err(LockError::Failed(error)) if error.kind() == ErrorKind::Busy => Ok(None),
        Err(LockError::Failed(error)) => Err(failed("read")(error)),
    }
}

/// Is inside, and sees what a reader must see.
fn read(actor: &Actor, guard: &ReadGuard<'_>, told: Told) -> Result<(), String> {
    actor.me().set_phase(Phase::Inside);
    let (truth, name) = (actor.truth, critical::name_inside(actor.truth));
    match (name, told) {
        (0, Told::OwnerDied) => told_of_nobody(truth),
        (0, _) => {}
        (found, Told::OwnerDied) => critical::found(actor, found),
        (found, _) => {
            return Err(format!("two inside, or a death that is not told: found {found:#x}"));
        }
    }
    let mut seen = **guard;
    if told == Told::Nothing {
        // No writer changes that meanwhile, so it is exact.
        seen.within(ADDED, &truth.done(ADDED), truth)?;
    }
    if actor.dice.below(8) == 0 {
        std::thread::sleep(Duration::from_micros(actor.dice.below(200)));
    }
    if actor.cheats("blinks") {
        seen.columns[0] ^= 1;
    }
    if seen.to_words() != guard.to_words() {
        return Err(format!("changed under one that reads: {seen:?} and {:?}", **guard));
    }
    let still = critical::name_inside(truth) ^ u64::from(actor.cheats("slips"));
    if still != name {
        return Err(format!("a writer came to one that reads: found {name:#x}, then {still:#x}"));
    }
    Ok(())
}

/// A reader is told of a death without a name: once between two writers, it counts.
fn told_of_nobody(truth: &Truth) {
    let behind = truth.common[WENT].load(SeqCst) + 1;
    if truth.common[TOLD_BEHIND].fetch_max(behind, SeqCst) < behind {
        truth.common[TOLD_TO_READERS].fetch_add(1, SeqCst);
    }
}

fn waits_in_vain(actor: &Actor) {
    if actor.cheats("waits") {
        actor.call(Phase::Acts, || std::thread::sleep(Duration::from_secs(3_600)));
    }
}

/// What whoever was told has to mend; then the sums are whole.
fn settle(object: &Object, guard: &mut WriteGuard<'_>, told: Told) -> Result<(), String> {
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

/// Goes in to write, and mends what is to be mended. Nothing, if it is busy.
fn enter_to_write<'a>(
    actor: &Actor,
    object: &'a Object,
    lock: impl FnOnce() -> LockResult<WriteGuard<'a>>,
) -> Result<Option<WriteGuard<'a>>, String> {
    let Some((mut guard, told)) = critical::enter(actor, lock)? else { return Ok(None) };
    settle(object, &mut guard, told)?;
    Ok(Some(guard))
}

/// A writer goes out alive.
fn leave(actor: &Actor, let_go: impl FnOnce()) -> Result<(), String> {
    // While its name is there: killed from here on, it is told behind it.
    actor.truth.common[WENT].fetch_add(1, SeqCst);
    critical::leave(actor, let_go)
}

/// The first time: the seat's column is taken over.
fn adopt(actor: &Actor, object: &Object) -> Result<(), String> {
    let entered = enter_to_write(actor, object, || object.write())?;
    let guard = entered.ok_or("who waits for ever is told that it is busy")?;
    actor.me().tallies[ADDED].adopt(guard.columns[actor.seat])?;
    leave(actor, || drop(guard))
}

fn write_again_and_again(
    actor: &Actor,
    lock: fn(&RwLock<Sums>) -> LockResult<WriteGuard<'_>>,
) -> Result<(), String> {
    let object = open(actor)?;
    adopt(actor, &object)?;
    let tally = &actor.me().tallies[ADDED];
    loop {
        waits_in_vain(actor);
        if actor.cheats("robs") {
            critical::rob(actor);
        }
        if let Some(mut guard) = enter_to_write(actor, &object, || lock(&object))? {
            tally.begin();
            guard.add(actor, ADDED)?;
            tally.end();
            if actor.dice.below(8) == 0 {
                std::thread::sleep(Duration::from_micros(actor.dice.below(200)));
            }
            leave(actor, || drop(guard))?;
        }
        actor.pause();
    }
}

fn panic_again_and_again(actor: &Actor) -> Result<(), String> {
    let object = open(actor)?;
    adopt(actor, &object)?;
    let tally = &actor.me().tallies[ADDED];
    loop {
        let entered = enter_to_write(actor, &object, || object.write())?;
        let mut guard = entered.ok_or("who waits for ever is told that it is busy")?;
        tally.begin();
        guard.columns[actor.seat] += 1;
        tally.end();
        leave(actor, || {
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
        let options = actor.kept::<RwLock<Sums>>();
        let view = actor.call(Phase::Comes, || options.open_read_only(NAME));
        let view = view.map_err(failed("open_read_only"))?;
        for _ in 0..50 {
            // It may be in the middle of a change.
            let _sums = actor.call(Phase::Acts, || view.view().peek()).map_err(failed("peek"))?;
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

/// What must hold while nobody is dying and the seats of the dead are empty.
fn check(truth: &Truth) -> Result<(), String> {
    critical::check(truth)?;
    let told = truth.common[TOLD_TO_READERS].load(SeqCst);
    // Read after what was told.
    let most = critical::about_to_enter_or_leave(truth);
    if told > most {
        return Err(format!("{told} deaths were told to readers, of at most {most} victims"));
    }
    Ok(())
}

/// Everybody is dead, so nobody is in the way, and nothing is lost.
fn audit(actor: &Actor) -> Result<(), String> {
    let object = actor.kept::<RwLock<Sums>>().open(NAME).map_err(failed("open"))?;
    let busy = "all others are dead, and it is busy";
    let (guard, told) = enter_to_read(actor, || object.try_read())?.ok_or(busy)?;
    read(actor, &guard, told)?;
    drop(guard);
    let before = actor.truth.done(ADDED);
    let guard = enter_to_write(actor, &object, || object.try_write())?.ok_or(busy)?;
    guard.within(ADDED, &before, actor.truth)?;
    leave(actor, || drop(guard))?;
    check(actor.truth)?;
    drop(object);
    cohabit::remove(&actor.scope(), NAME, false).map_err(failed("remove"))
}

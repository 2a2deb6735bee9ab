//! A store under a mutex, and a condition variable: what was made and what was taken are known for each.
use super::critical::{self, Told};
use super::sums::Sums;
use super::{Kind, role};
use crate::lab::storm::actor::{Actor, failed};
use crate::lab::storm::truth::Phase;
use cohabit::{Condvar, Mutex, MutexGuard, Shared, plain, shareable};
use std::path::Path;
use std::time::Duration;

pub(super) const KIND: Kind = Kind {
    name: "condvar",
    roles: &[
        role("maker", 3, make_again_and_again),
        role("taker", 5, |actor| take_again_and_again(actor, Patience::Forever)),
        role("taker that waits a little", 3, |actor| take_again_and_again(actor, Patience::Some)),
    ],
    begin,
    check: |truth, _: &Path| critical::check(truth),
    audit,
    cheats: &[
        ("forgets", "lost"),
        ("hides", "not told"),
        ("cries", "deaths were told"),
        ("takes-too-much", "more was taken than was made"),
        ("never-notifies", "in one call"),
    ],
};

const NAME: &str = "store";
/// The tallies of what was made, and of what was taken.
const MADE: usize = 0;
const TAKEN: usize = 1;
/// So much is in the store that it is time to wake everybody: whoever was to be woken may be dead.
const PLENTY: u64 = 30;

#[plain]
#[derive(Clone, Copy, Debug)]
struct Goods {
    made: Sums,
    taken: Sums,
}

#[shareable]
struct Store {
    goods: Mutex<Goods>,
    more: Condvar,
}

type Guard<'a> = MutexGuard<'a, Goods>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    Forever,
    Some,
}

fn begin(actor: &Actor) -> Result<(), String> {
    let goods = Goods { made: Sums::new(), taken: Sums::new() };
    let build = || Store { goods: Mutex::new(goods), more: Condvar::new() };
    actor.kept::<Store>().create(NAME, build).map(drop).map_err(failed("create"))
}

/// Opens, and takes over the columns of the seat.
fn open(actor: &Actor) -> Result<Shared<Store>, String> {
    let opened = actor.call(Phase::Comes, || actor.kept::<Store>().open(NAME));
    let store = opened.map_err(failed("open"))?;
    let guard = lock(actor, &store)?;
    let tallies = &actor.me().tallies;
    tallies[MADE].adopt(guard.made.columns[actor.seat])?;
    tallies[TAKEN].adopt(guard.taken.columns[actor.seat])?;
    critical::leave(actor, || drop(guard))?;
    Ok(store)
}

/// Mends a death, and says what is wrong before the guard is let go.
fn settle(actor: &Actor, guard: &mut Guard<'_>, told: Told) -> Result<(), String> {
    mend_and_check(guard, told).map_err(|text| actor.says(text))
}

fn mend_and_check(guard: &mut Guard<'_>, told: Told) -> Result<(), String> {
    if told != Told::Nothing {
        guard.made.seal();
        guard.taken.seal();
        guard.mark_consistent();
    }
    guard.made.whole()?;
    guard.taken.whole()?;
    let is_right = guard.taken.total <= guard.made.total;
    if is_right { Ok(()) } else { Err("more was taken than was made".to_owned()) }
}

fn lock<'a>(actor: &Actor, store: &'a Store) -> Result<Guard<'a>, String> {
    let entered = critical::enter(actor, || store.goods.lock())?;
    let (mut guard, told) = entered.ok_or("who waits for ever is told that it is busy")?;
    settle(actor, &mut guard, told)?;
    Ok(guard)
}

fn notify(actor: &Actor, store: &Store, all: bool) -> Result<(), String> {
    if actor.cheat == "never-notifies" {
        return Ok(());
    }
    let notified = actor.call(Phase::Acts, || match all {
        true => store.more.notify_all(),
        false => store.more.notify_one(),
    });
    notified.map_err(failed("notify"))
}

fn make_again_and_again(actor: &Actor) -> Result<(), String> {
    let store = open(actor)?;
    let tally = &actor.me().tallies[MADE];
    loop {
        let mut guard = lock(actor, &store)?;
        let is_plenty = guard.made.total > guard.taken.total + PLENTY;
        if !is_plenty {
            tally.begin();
            guard.made.add(actor, MADE)?;
            tally.end();
        }
        let inside = actor.dice.below(2) == 0;
        if inside {
            notify(actor, &store, is_plenty)?;
        }
        critical::leave(actor, || drop(guard))?;
        if !inside {
            notify(actor, &store, is_plenty)?;
        }
        std::thread::sleep(Duration::from_micros(actor.dice.below(if is_plenty {
            2_000
        } else {
            200
        })));
    }
}

fn take_again_and_again(actor: &Actor, patience: Patience) -> Result<(), String> {
    let store = open(actor)?;
    let tally = &actor.me().tallies[TAKEN];
    loop {
        let mut guard = lock(actor, &store)?;
        while guard.made.total == guard.taken.total && !actor.cheats("takes-too-much") {
            let waited = match patience {
                Patience::Forever => critical::wait(actor, || store.more.wait(guard))?,
                Patience::Some => {
                    let wait = || store.more.wait_timeout(guard, Duration::from_millis(3));
                    let waited = critical::wait(actor, wait)?;
                    waited.map(|((guard, _), told)| (guard, told))
                }
            };
            let Some((again, told)) = waited else {
                return Err("a second for the lock".to_owned());
            };
            guard = again;
            settle(actor, &mut guard, told)?;
        }
        tally.begin();
        guard.taken.add(actor, TAKEN)?;
        tally.end();
        critical::leave(actor, || drop(guard))?;
    }
}

/// Everybody is dead: nothing is lost.
fn audit(actor: &Actor) -> Result<(), String> {
    let (made, taken) = (actor.truth.done(MADE), actor.truth.done(TAKEN));
    let store = actor.kept::<Store>().open(NAME).map_err(failed("open"))?;
    let guard = lock(actor, &store)?;
    guard.made.within(MADE, &made, actor.truth)?;
    guard.taken.within(TAKEN, &taken, actor.truth)?;
    critical::leave(actor, || drop(guard))?;
    critical::check(actor.truth)?;
    drop(store);
    cohabit::remove(&actor.scope(), NAME, false).map_err(failed("remove"))
}

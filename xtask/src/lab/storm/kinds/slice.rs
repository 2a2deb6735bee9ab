//! A value of run-time length: the sums, and behind them an element of its own for each seat.
use super::sums::{ADDED, Sums};
use super::{Kind, role};
use crate::lab::storm::actor::{Actor, failed, unless};
use crate::lab::storm::truth::{Phase, SEATS, Truth};
use cohabit::{ErrorKind, Part, SharedValue, Version};
use std::path::Path;
use std::time::Duration;

pub(super) const KIND: Kind = Kind {
    name: "slice",
    roles: &[
        role("adder", 4, add_again_and_again),
        role("setter", 3, set_again_and_again),
        role("reader", 2, read_again_and_again),
        role("one that pins", 2, pin_again_and_again),
        role("waiter", 1, wait_again_and_again),
        role("observer", 2, observe_again_and_again),
    ],
    begin,
    check: |_: &Truth, _: &Path| Ok(()),
    audit,
    cheats: &[("forgets", "lost"), ("doubles", "lost"), ("tears", "torn")],
};

const NAME: &str = "slice";
const PARTS: usize = 1;
/// Where the seats' own elements begin, and how many elements there are.
const OWN: usize = SEATS + 2;
const LEN: usize = OWN + SEATS;

type Object = SharedValue<[u64]>;

fn begin(actor: &Actor) -> Result<(), String> {
    let mut words = Sums::new().to_words().to_vec();
    words.resize(LEN, 0);
    let options = actor.kept::<cohabit::Value<[u64]>>().len(LEN as u64);
    options.create(NAME, || words).map(drop).map_err(failed("create"))
}

fn open(actor: &Actor) -> Result<Object, String> {
    let options = actor.kept::<cohabit::Value<[u64]>>();
    actor.call(Phase::Comes, || options.open(NAME)).map_err(failed("open"))
}

fn read(actor: &Actor, slice: &Object) -> Result<[u64; LEN], String> {
    let mut words = [0; LEN];
    actor.call(Phase::Acts, || slice.get_into(&mut words)).map_err(failed("get_into"))?;
    Ok(words)
}

fn add_again_and_again(actor: &Actor) -> Result<(), String> {
    let slice = open(actor)?;
    let tally = &actor.me().tallies[ADDED];
    tally.adopt(read(actor, &slice)?[actor.seat])?;
    loop {
        tally.begin();
        let add = |words: &mut [u64]| {
            let mut sums = Sums::of_words(words);
            sums.add(actor, ADDED)?;
            words[..OWN].copy_from_slice(&sums.to_words());
            Ok::<(), String>(())
        };
        let added = actor.call(Phase::Acts, || match actor.dice.below(4) {
            0 => slice.try_update(add),
            1 => slice.update_timeout(add, Duration::from_millis(2)),
            _ => slice.update(add),
        });
        match unless(added, &[ErrorKind::Busy], "update")? {
            Some(added) => {
                added?;
                tally.end();
            }
            None => tally.cancel(),
        }
        actor.pause();
    }
}

fn set_again_and_again(actor: &Actor) -> Result<(), String> {
    let slice = open(actor)?;
    let tally = &actor.me().tallies[PARTS];
    let mine = Part::element(OWN + actor.seat);
    let get = || actor.call(Phase::Acts, || slice.get_part(mine)).map_err(failed("get_part"));
    tally.adopt(get()?)?;
    loop {
        let found = get()?;
        if found != tally.done() {
            return Err(format!("lost: set {} times, found {found}", tally.done()));
        }
        let count = tally.begin();
        actor.call(Phase::Acts, || slice.set_part(mine, count)).map_err(failed("set_part"))?;
        tally.end();
        actor.pause();
    }
}

/// Reads whole slices by `read` and holds them against what was known before and after.
fn check(
    actor: &Actor,
    read: impl FnOnce(&mut [u64]) -> cohabit::Result<Version>,
) -> Result<Option<Version>, String> {
    let mut words = [0; LEN];
    let (added, parts) = (actor.truth.done(ADDED), actor.truth.done(PARTS));
    let version = actor.call(Phase::Acts, || read(&mut words));
    let Some(version) = unless(version, &[ErrorKind::Busy], "read")? else { return Ok(None) };
    Sums::of_words(&words).within(ADDED, &added, actor.truth)?;
    let most = actor.truth.about(PARTS);
    for (seat, found) in words[OWN..].iter().enumerate() {
        if !(parts[seat]..=most[seat]).contains(found) {
            return Err(format!("lost or made up: element of seat {seat} is {found}"));
        }
    }
    Ok(Some(version))
}

fn read_again_and_again(actor: &Actor) -> Result<(), String> {
    let slice = open(actor)?;
    let mut seen = 0;
    loop {
        let version = check(actor, |words| slice.get_into(words))?;
        let number = version.ok_or("a user is told that it is busy")?.number();
        if number < seen {
            return Err(format!("version {number}, older than {seen}, which was read before"));
        }
        seen = number;
        actor.pause();
    }
}

fn pin_again_and_again(actor: &Actor) -> Result<(), String> {
    let slice = open(actor)?;
    loop {
        let pinned = actor.call(Phase::Acts, || slice.pin());
        if let Some(pinned) = unless(pinned, &[ErrorKind::Busy], "pin")? {
            for _ in 0..2 {
                check(actor, |words| {
                    for (at, word) in words.iter_mut().enumerate() {
                        *word = pinned.get_part(Part::element(at))?;
                    }
                    Ok(pinned.version())
                })
                .or_else(|text| if text.starts_with("lost") { Ok(None) } else { Err(text) })?;
                actor.pause();
            }
        }
        actor.pause();
    }
}

fn wait_again_and_again(actor: &Actor) -> Result<(), String> {
    let slice = open(actor)?;
    let mut seen = slice.version().map_err(failed("version"))?;
    loop {
        let timeout = Duration::from_secs(60);
        let waited = actor.call(Phase::Acts, || slice.wait_version(seen, timeout));
        let version = waited.map_err(failed("wait_version"))?;
        if version.number() <= seen.number() {
            return Err(format!("woken by version {version:?}, not later than {seen:?}"));
        }
        seen = version;
    }
}

fn observe_again_and_again(actor: &Actor) -> Result<(), String> {
    loop {
        let options = actor.kept::<cohabit::Value<[u64]>>();
        let view = actor.call(Phase::Comes, || options.open_read_only(NAME));
        let view = view.map_err(failed("open_read_only"))?;
        for _ in 0..30 {
            check(actor, |words| view.get_into(words))?;
            actor.pause();
        }
    }
}

/// Everybody is dead: all that was done is there, once.
fn audit(actor: &Actor) -> Result<(), String> {
    let slice = actor.kept::<cohabit::Value<[u64]>>().open(NAME).map_err(failed("open"))?;
    check(actor, |words| slice.get_into(words))?;
    drop(slice);
    cohabit::remove(&actor.scope(), NAME, false).map_err(failed("remove"))
}

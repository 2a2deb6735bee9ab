//! What is done once: by one at a time, with one outcome that all see, however many die at it.
//!
//! The actors go from place to place of an object: in each is a `Once` with two words that it sets, and a
//! `OnceCell`. Whoever is at it puts its name into the truth, and takes it away before it says that it is
//! done; what it does is a number that nobody else uses. So
//! 1. who is at it finds no name, or a victim's;
//! 2. what is done is whole, and the same for all who look, for ever.
//!
//! When all is done, the next ones begin a new object.
use super::{Kind, role};
use crate::lab::storm::actor::{Actor, failed, unless};
use crate::lab::storm::truth::{Phase, RING, Truth};
use cohabit::{ErrorKind, Once, OnceCell, Shared, shareable};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

pub(super) const KIND: Kind = Kind {
    name: "once",
    roles: &[
        role("pupil", 6, |actor| learn_again_and_again(actor, Way::Wait)),
        role("pupil that waits a little", 3, |actor| {
            learn_again_and_again(actor, Way::WaitALittle)
        }),
        role("one that only looks", 2, look_again_and_again),
    ],
    begin,
    check: |truth: &Truth, _: &Path| check(truth),
    audit,
    cheats: &[
        ("tears", "half done"),
        ("changes", "was done twice"),
        ("robs", "and it lives"),
        ("never-ends", "in one call"),
    ],
};

/// Places of one object; each has a `Once` and a cell.
const PLACES: usize = 2048;
/// Where in the common words it stands at which object the actors are, and at which place of it.
const OBJECT: usize = 0;
const PLACE: usize = 1;
/// Where among its own an actor notes whose name it found.
const FOUND: usize = 0;
/// What is done is the object's number above so many bits, and below it one of its own.
const OWN_BITS: u32 = 40;

#[shareable]
struct School {
    once: [Once; PLACES],
    deed: [[AtomicU64; 2]; PLACES],
    cells: [OnceCell<[u64; 2]>; PLACES],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Wait,
    WaitALittle,
}

/// The two things of one place.
#[derive(Clone, Copy)]
enum What {
    Once,
    Cell,
}

impl What {
    /// Where in the truth it stands what was done.
    fn done(self, place: usize) -> usize {
        place * 2 + self as usize
    }

    /// Where in the truth it stands who is at it.
    fn inside(self, place: usize) -> usize {
        RING / 2 + self.done(place)
    }
}

fn name_of(object: u64) -> String {
    format!("school-{object}")
}

fn begin(actor: &Actor) -> Result<(), String> {
    open_object(actor, 0).map(drop)
}

fn open_object(actor: &Actor, object: u64) -> Result<Shared<School>, String> {
    let options = actor.kept::<School>();
    let opened =
        actor.call(Phase::Comes, || options.open_or_create_in_place(&name_of(object), |_| ()));
    opened.map_err(failed("open"))
}

/// Where the actors are.
fn here(truth: &Truth) -> (u64, usize) {
    let place = truth.common[PLACE].load(SeqCst);
    (place / PLACES as u64, place as usize % PLACES)
}

/// The name of an actor: its life and seat, from one on.
fn name(actor: &Actor) -> u64 {
    actor.life << 8 | (actor.seat as u64 + 1)
}

/// Goes to where the others are; a new object where the last one is over.
fn follow(actor: &Actor, at: &mut Option<(u64, Shared<School>)>) -> Result<usize, String> {
    let (object, place) = here(actor.truth);
    if at.as_ref().is_none_or(|(number, _)| *number != object) {
        *at = Some((object, open_object(actor, object)?));
        actor.truth.common[OBJECT].fetch_max(object, SeqCst);
    }
    Ok(place)
}

fn learn_again_and_again(actor: &Actor, way: Way) -> Result<(), String> {
    let mut at = None;
    let mut count = 0;
    loop {
        let place = follow(actor, &mut at)?;
        let Some((object, school)) = &at else { continue };
        let mut are_done = true;
        for what in [What::Once, What::Cell] {
            count += 1;
            let own = (actor.seat as u64) << 36 | (actor.life & 0xfffff) << 16 | count & 0xffff;
            let mine = *object << OWN_BITS | own;
            if learn(actor, school, what, place, mine, way)? {
                look(actor, school, what, place)?;
            } else {
                are_done = false;
            }
        }
        if are_done {
            // Whoever is the first goes on, and the others follow; nobody is left at it behind them.
            let here = *object * PLACES as u64 + place as u64;
            let place = &actor.truth.common[PLACE];
            let _another_one_did = place.compare_exchange(here, here + 1, SeqCst, SeqCst);
        }
    }
}

/// Has it done, as `mine` if it is this one that does it; whether it is done.
fn learn(
    actor: &Actor,
    school: &School,
    what: What,
    place: usize,
    mine: u64,
    way: Way,
) -> Result<bool, String> {
    let little = Duration::from_micros(actor.dice.below(1_500));
    let mut wrong = Ok(());
    let mut deed = || {
        wrong = at_it(actor, what, place);
        let other = if actor.cheats("tears") { mine + 1 } else { mine };
        [mine, other]
    };
    let (once, cell) = (&school.once[place], &school.cells[place]);
    let called = actor.call(Phase::Acts, || match what {
        What::Once => {
            let deed = || {
                let [one, other] = deed();
                school.deed[place][0].store(one, Relaxed);
                school.deed[place][1].store(other, Relaxed);
            };
            match way {
                Way::Wait => once.call_once(deed),
                Way::WaitALittle => once.call_once_timeout(deed, little),
            }
        }
        What::Cell => match way {
            Way::Wait => cell.get_or_init(deed).map(drop),
            Way::WaitALittle => cell.get_or_init_timeout(deed, little).map(drop),
        },
    });
    wrong?;
    Ok(unless(called, &[ErrorKind::Busy], "once")?.is_some())
}

/// Is at it, with its name in the truth.
fn at_it(actor: &Actor, what: What, place: usize) -> Result<(), String> {
    let inside = actor.truth.ring(what.inside(place));
    let found = inside.swap(name(actor), SeqCst);
    if found != 0 {
        actor.me().words[FOUND].store(found, SeqCst);
    }
    if actor.dice.below(2) == 0 {
        std::thread::sleep(Duration::from_micros(actor.dice.below(400)));
    }
    if actor.cheat == "never-ends" {
        std::thread::sleep(Duration::MAX);
    }
    let cleared = inside.compare_exchange(name(actor), 0, SeqCst, SeqCst);
    let other = "two at what is done once: somebody came meanwhile: found";
    cleared.map(drop).map_err(|found| actor.says(format!("{other} {found:#x}")))
}

/// Looks at what is done: it is whole, and what all others saw.
fn look(actor: &Actor, school: &School, what: What, place: usize) -> Result<(), String> {
    let seen = match what {
        What::Once => school.deed[place].each_ref().map(|half| half.load(Relaxed)),
        What::Cell => school.cells[place]
            .get()
            .map_err(failed("get"))?
            .ok_or_else(|| "what is set once is not set any more".to_owned())?,
    };
    if seen[0] == 0 || seen[0] != seen[1] {
        return Err(format!("half done: {:#x} and {:#x}", seen[0], seen[1]));
    }
    let seen = if actor.cheats("changes") { seen[0] ^ 1 << 35 } else { seen[0] };
    // A later object's numbers are greater.
    let before = actor.truth.ring(what.done(place)).fetch_max(seen, SeqCst);
    if before >> OWN_BITS == seen >> OWN_BITS && before != 0 && before != seen {
        return Err(format!("it was done twice: {before:#x} and {seen:#x}"));
    }
    Ok(())
}

/// Waits for what others do, and looks at what they have done.
fn look_again_and_again(actor: &Actor) -> Result<(), String> {
    let mut at = None;
    loop {
        let place = follow(actor, &mut at)?;
        let Some((_, school)) = &at else { continue };
        if actor.cheats("robs") {
            // As if it had been given another one's turn.
            let found = actor.truth.ring(What::Once.inside(place)).load(SeqCst);
            actor.me().words[FOUND].store(found, SeqCst);
        }
        let little = Duration::from_millis(2);
        for what in [What::Once, What::Cell] {
            let waited = actor.call(Phase::Acts, || match what {
                What::Once => school.once[place].wait_timeout(little),
                What::Cell => school.cells[place].wait_timeout(little).map(drop),
            });
            if unless(waited, &[ErrorKind::TimedOut], "wait")?.is_some() {
                look(actor, school, what, place)?;
            }
        }
    }
}

/// Nobody who lives was robbed of its turn.
fn check(truth: &Truth) -> Result<(), String> {
    for seat in &truth.seats {
        let found = seat.words[FOUND].load(SeqCst);
        let (life, of) = (found >> 8, usize::try_from(found & 0xff).unwrap_or(0));
        let Some(of) = of.checked_sub(1) else { continue };
        // Who sits there now is another one, or nobody yet.
        if life == truth.seats[of].life.load(SeqCst) && !truth.seats[of].is_empty() {
            return Err(format!("the turn of who sits in seat {of} was taken, and it lives"));
        }
    }
    Ok(())
}

/// Everybody is dead: what was not done can be done, and what was is as it was seen.
fn audit(actor: &Actor) -> Result<(), String> {
    check(actor.truth)?;
    let (object, place) = here(actor.truth);
    let school = open_object(actor, object)?;
    let own = (actor.seat as u64) << 36 | 1;
    for what in [What::Once, What::Cell] {
        for place in 0..=place {
            learn(actor, &school, what, place, object << OWN_BITS | own, Way::Wait)?;
            look(actor, &school, what, place)?;
        }
    }
    drop(school);
    for object in 0..=actor.truth.common[OBJECT].load(SeqCst).max(object) {
        let removed = cohabit::remove(&actor.scope(), &name_of(object), false);
        unless(removed, &[ErrorKind::NotFound], "remove")?;
    }
    Ok(())
}

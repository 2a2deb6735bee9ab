//! A semaphore: never more permits are held than there are, and those of the dead come back.
//!
//! The truth has one word with a digit for each seat: how many permits it holds. An actor adds to its digit
//! when it has one, in one exchange, whose outcome shows what all hold at that moment; it takes away
//! from it before it gives a permit back. So
//! 1. those digits sum up to the permits at most, but for what victims held: the arena, which knows who is
//!    dead, judges what was seen, and takes the digits of the dead away;
//! 2. no more are free than there are;
//! 3. when all are dead, all permits can be had, and not one more.
//!
//! That permits of the dead come back meanwhile is seen by the watchdog: some wait without end.
use super::{Kind, role};
use crate::lab::storm::actor::{Actor, failed, unless};
use crate::lab::storm::truth::{Phase, SEATS, Seat, Truth};
use cohabit::{ErrorKind, Semaphore, SemaphorePermit, Shared};
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

pub(super) const KIND: Kind = Kind {
    name: "semaphore",
    roles: &[
        role("taker", 5, |actor| take_again_and_again(actor, Way::Wait)),
        role("taker that does not wait", 3, |actor| take_again_and_again(actor, Way::Try)),
        role("taker that waits a little", 3, |actor| take_again_and_again(actor, Way::WaitALittle)),
        role("one that takes several", 2, |actor| take_again_and_again(actor, Way::Several)),
        role("one that counts", 1, count_again_and_again),
    ],
    begin,
    check: |truth: &Truth, _: &Path| check(truth),
    audit,
    cheats: &[
        ("robs", "of 4 permits are held"),
        ("adds", "of 4 permits are"),
        ("miscounts", "of 4 permits are free"),
        ("loses", "in one call"),
        ("waits", "in one call"),
    ],
};

const NAME: &str = "semaphore";
const PERMITS: usize = 4;
/// The most that one takes: a digit has room for it.
const SEVERAL: u64 = 3;
const DIGIT_BITS: usize = 4;
const DIGIT: u64 = (1 << DIGIT_BITS) - 1;
/// Where in the common words the digits stand.
const HELD: usize = 0;
/// Where among its own an actor leaves digits that are too many, to be judged; and behind them the lives of the
/// seats.
const SEEN: usize = 0;
const LIVES: usize = 1;
const LIFE_BITS: usize = 16;
const LIVES_OF_A_WORD: usize = 64 / LIFE_BITS;

type Object = Shared<Semaphore>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Wait,
    Try,
    WaitALittle,
    Several,
}

fn begin(actor: &Actor) -> Result<(), String> {
    let build = || Semaphore::new(PERMITS);
    actor.kept::<Semaphore>().create(NAME, build).map(drop).map_err(failed("create"))
}

fn open(actor: &Actor) -> Result<Object, String> {
    let opened = actor.call(Phase::Comes, || actor.kept::<Semaphore>().open(NAME));
    opened.map_err(failed("open"))
}

fn take_again_and_again(actor: &Actor, way: Way) -> Result<(), String> {
    let semaphore = open(actor)?;
    loop {
        if actor.cheats("waits") {
            actor.call(Phase::Wants, || std::thread::sleep(Duration::from_secs(3_600)));
        }
        if actor.cheats("adds") {
            semaphore.add_permits(1).map_err(failed("add_permits"))?;
        }
        if actor.cheats("robs") {
            takes(actor)?;
            std::thread::sleep(Duration::from_millis(1));
            gives_back(actor);
        }
        let mut permits = Vec::new();
        if let Some(permit) = take(actor, &semaphore, way)? {
            permits.push(permit);
        }
        while way == Way::Several && !permits.is_empty() && (permits.len() as u64) < SEVERAL {
            // Whoever has one must not wait for another one: all could.
            let Some(permit) = take(actor, &semaphore, Way::Try)? else { break };
            permits.push(permit);
        }
        if actor.dice.below(4) == 0 {
            std::thread::sleep(Duration::from_micros(actor.dice.below(300)));
        }
        for permit in permits {
            gives_back(actor);
            actor.call(Phase::Leaves, || match () {
                () if actor.cheats("loses") => permit.forget(),
                () => drop(permit),
            });
        }
        actor.pause();
    }
}

/// Takes a permit. Nothing, if there is none.
fn take<'a>(
    actor: &Actor,
    semaphore: &'a Semaphore,
    way: Way,
) -> Result<Option<SemaphorePermit<'a>>, String> {
    let little = Duration::from_micros(actor.dice.below(3_000));
    let taken = actor.call(Phase::Wants, || match way {
        Way::Wait | Way::Several => semaphore.acquire(),
        Way::Try => semaphore.try_acquire(),
        Way::WaitALittle => semaphore.acquire_timeout(little),
    });
    let may_be_told: &[ErrorKind] = match way {
        Way::Wait | Way::Several => &[],
        Way::Try | Way::WaitALittle => &[ErrorKind::Busy],
    };
    let permit = unless(taken, may_be_told, "acquire")?;
    if permit.is_some() {
        takes(actor)?;
    }
    Ok(permit)
}

/// Writes down that it holds one more, and leaves what all hold to be judged if that is too much.
fn takes(actor: &Actor) -> Result<(), String> {
    let me = actor.me();
    // Before the digits: who comes to a seat later is not taken for the one whose digit it is.
    let lives = actor.truth.seats.each_ref().map(|seat| seat.life.load(SeqCst));
    let one = 1 << (actor.seat * DIGIT_BITS);
    let held = actor.truth.common[HELD].fetch_add(one, SeqCst) + one;
    me.set_phase(Phase::Inside);
    if digits(held).iter().sum::<u64>() <= PERMITS as u64 {
        return Ok(());
    }
    // What was left before is judged when the arena has killed once more.
    while me.words[SEEN].load(SeqCst) != 0 {
        std::thread::sleep(Duration::from_micros(100));
    }
    for (word, lives) in me.words[LIVES..].iter().zip(lives.chunks(LIVES_OF_A_WORD)) {
        let packed = lives.iter().rev().fold(0, |packed, life| packed << LIFE_BITS | short(*life));
        word.store(packed, SeqCst);
    }
    me.words[SEEN].store(held, SeqCst);
    Ok(())
}

/// Writes down that it holds one less; before it does.
fn gives_back(actor: &Actor) {
    actor.truth.common[HELD].fetch_sub(1 << (actor.seat * DIGIT_BITS), SeqCst);
}

fn digits(held: u64) -> [u64; SEATS] {
    std::array::from_fn(|seat| held >> (seat * DIGIT_BITS) & DIGIT)
}

/// So much of a life's number as is left to be judged.
fn short(life: u64) -> u64 {
    life & ((1 << LIFE_BITS) - 1)
}

/// How many of the permits that this seat saw held were so by seats whose actors live still.
fn seen_alive(truth: &Truth, seat: &Seat) -> u64 {
    let seen = digits(seat.words[SEEN].load(SeqCst));
    let lives_on = |of: usize| {
        let word = seat.words[LIVES + of / LIVES_OF_A_WORD].load(SeqCst);
        let life = short(word >> (of % LIVES_OF_A_WORD * LIFE_BITS));
        let now = &truth.seats[of];
        life == short(now.life.load(SeqCst)) && !now.is_empty()
    };
    (0..SEATS).filter(|&of| lives_on(of)).map(|of| seen[of]).sum()
}

fn count_again_and_again(actor: &Actor) -> Result<(), String> {
    let semaphore = open(actor)?;
    loop {
        let free = actor.call(Phase::Acts, || semaphore.available_permits());
        let mut free = free.map_err(failed("available_permits"))?;
        if actor.cheats("miscounts") {
            free += PERMITS + 1;
        }
        if free > PERMITS {
            return Err(format!("{free} of {PERMITS} permits are free"));
        }
        std::thread::sleep(Duration::from_micros(actor.dice.below(500)));
    }
}

/// Judges what was seen, while nobody is dying and the seats of the dead are empty.
fn check(truth: &Truth) -> Result<(), String> {
    for (number, seat) in truth.seats.iter().enumerate() {
        if seat.words[SEEN].load(SeqCst) == 0 {
            continue;
        }
        let alive = seen_alive(truth, seat);
        if alive > PERMITS as u64 {
            return Err(format!("{alive} of {PERMITS} permits are held, as seat {number} saw"));
        }
        seat.words[SEEN].store(0, SeqCst);
    }
    // Before somebody sits there again, whose digit it would seem to be.
    for of in (0..SEATS).filter(|&of| truth.seats[of].is_empty()) {
        truth.common[HELD].fetch_and(!(DIGIT << (of * DIGIT_BITS)), SeqCst);
    }
    Ok(())
}

/// Everybody is dead: all permits can be had at once, and not one more.
fn audit(actor: &Actor) -> Result<(), String> {
    check(actor.truth)?;
    let semaphore = actor.kept::<Semaphore>().open(NAME).map_err(failed("open"))?;
    let mut permits = Vec::new();
    while let Some(permit) = unless(semaphore.try_acquire(), &[ErrorKind::Busy], "try_acquire")? {
        permits.push(permit);
    }
    if permits.len() != PERMITS {
        return Err(format!(
            "all others are dead, and {} of {PERMITS} are to be had",
            permits.len()
        ));
    }
    drop(permits);
    let free = semaphore.available_permits().map_err(failed("available_permits"))?;
    if free != PERMITS {
        return Err(format!("{free} of {PERMITS} permits are free, and nobody is there"));
    }
    drop(semaphore);
    cohabit::remove(&actor.scope(), NAME, false).map_err(failed("remove"))
}

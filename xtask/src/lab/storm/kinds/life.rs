//! Objects that last while they are used: made, opened, left and orphaned, a few thousand times a second.
//!
//! A tag names one construction: the seat of its builder, and the how many-eth of that seat it is. What
//! must hold: whoever opens finds a tag whose constructor had returned, and whose end has not run, until
//! it leaves; two who use one name at one time find the same tag; a tag is ended once at most; and what
//! was constructed and never ended had a victim.
use super::{Kind, role};
use crate::lab::storm::actor::{Actor, failed, unless};
use crate::lab::storm::arena;
use crate::lab::storm::truth::{Phase, RING, SEATS, Truth};
use cohabit::ErrorKind::{Ended, NameLost, NotFound, TimedOut};
use cohabit::{LastOneOut, Shared, shareable};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

pub(super) const KIND: Kind = Kind {
    name: "life",
    roles: &[
        role("comer", 6, come_again_and_again),
        role("opener", 2, open_again_and_again),
        role("one that waits for an object", 1, await_again_and_again),
        role("one that exits", 2, exit),
        role("observer", 2, look_again_and_again),
        role("collector", 1, collect_again_and_again),
    ],
    begin: |_| Ok(()),
    check,
    audit,
    cheats: &[
        ("splits", "two instances of one name"),
        ("ends-twice", "given twice"),
        ("stays", "after its end"),
        ("never-ends", "were never ended"),
    ],
};

const NAMES: [&str; 4] = ["north", "east", "south", "west"];
/// The tally of constructions.
const MADE: usize = 0;
/// Where in the common words the ends are counted.
const ENDS: usize = 0;
/// Where among its own words an actor notes which tag it uses of each name, and whom it doubts.
const USES: usize = 0;
const DOUBTS: usize = 4;

#[shareable]
struct Tagged {
    tag: AtomicU64,
}

/// Who the process is, for the type's end, which is told nothing.
static TRUTH: OnceLock<(&'static Truth, usize, bool)> = OnceLock::new();

impl LastOneOut for Tagged {
    fn last_one_out(&self) {
        let Some((truth, seat, ends)) = TRUTH.get() else { return };
        if !ends {
            return;
        }
        if let Err(text) = end(truth, self.tag.load(Relaxed)) {
            truth.seats[*seat].say(&text);
            std::process::abort();
        }
    }
}

/// Seat and number of a tag.
fn parts(tag: u64) -> (usize, u64) {
    (usize::try_from(tag >> 48).unwrap_or(0) % SEATS, tag & 0xffff_ffff_ffff)
}

/// Where the ends of tags are noted.
fn place(tag: u64) -> usize {
    let (seat, number) = parts(tag);
    let of_one = RING / SEATS;
    seat * of_one + usize::try_from(number).unwrap_or(0) % of_one
}

fn end(truth: &Truth, tag: u64) -> Result<(), String> {
    truth.claim(place(tag), parts(tag).1)?;
    truth.common[ENDS].fetch_add(1, SeqCst);
    Ok(())
}

/// Begins a life in the seat.
fn sit_down(actor: &Actor) {
    let _ever_once = TRUTH.set((actor.truth, actor.seat, actor.cheat != "never-ends"));
    actor.me().tallies[MADE].forfeit();
}

fn construct(actor: &Actor) -> Tagged {
    let tally = &actor.me().tallies[MADE];
    let tag = (actor.seat as u64) << 48 | tally.begin();
    if actor.dice.below(8) == 0 {
        std::thread::sleep(Duration::from_micros(actor.dice.below(500)));
    }
    tally.end();
    Tagged { tag: AtomicU64::new(tag) }
}

fn name(actor: &Actor) -> (usize, &'static str) {
    let which = usize::try_from(actor.dice.below(NAMES.len() as u64)).unwrap_or(0);
    (which, NAMES[which])
}

/// Uses an object for a while, and says so in the truth.
fn stay(actor: &Actor, which: usize, object: &Tagged) -> Result<u64, String> {
    let tag = object.tag.load(Relaxed);
    let (seat, number) = parts(tag);
    if number == 0 || number > actor.truth.seats[seat].tallies[MADE].done() {
        return Err(format!("tag {number} of seat {seat} was not constructed to its end"));
    }
    lives(actor, tag)?;
    actor.me().words[USES + which].store(tag, SeqCst);
    meet(actor, which, tag);
    if actor.dice.below(4) == 0 {
        std::thread::sleep(Duration::from_micros(actor.dice.below(1_000)));
    }
    lives(actor, tag)?;
    actor.me().words[USES + which].store(0, SeqCst);
    Ok(tag)
}

/// An error if the end of the instance has run, which this process uses.
fn lives(actor: &Actor, tag: u64) -> Result<(), String> {
    match actor.truth.is_claimed(place(tag), parts(tag).1) {
        true => Err(format!("an instance was used after its end: tag {:?}", parts(tag))),
        false => Ok(()),
    }
}

/// Whoever says that it uses the name uses the same instance, unless it is dead: that is the arena's to
/// say, in [`check`].
fn meet(actor: &Actor, which: usize, tag: u64) {
    for (seat, other) in actor.truth.seats.iter().enumerate() {
        let life = other.life.load(SeqCst);
        let theirs = other.words[USES + which].load(SeqCst);
        if theirs != 0 && theirs != tag && life == other.life.load(SeqCst) {
            actor.me().words[DOUBTS].store(life << 8 | (seat as u64 + 1), SeqCst);
        }
    }
}

fn come(actor: &Actor, which: usize) -> Result<Shared<Tagged>, String> {
    let name = if actor.cheats("splits") { "elsewhere" } else { NAMES[which] };
    let options = actor.options::<Tagged>();
    let came = actor.call(Phase::Comes, || options.open_or_create(name, || construct(actor)));
    came.map_err(failed("open_or_create"))
}

fn come_again_and_again(actor: &Actor) -> Result<(), String> {
    sit_down(actor);
    loop {
        let (which, _) = name(actor);
        let object = come(actor, which)?;
        let tag = stay(actor, which, &object)?;
        actor.call(Phase::Leaves, || drop(object));
        if actor.cheat == "stays" {
            lives(actor, tag)?;
        }
        if actor.cheats("ends-twice") && actor.truth.is_claimed(place(tag), parts(tag).1) {
            end(actor.truth, tag)?;
        }
        actor.pause();
    }
}

fn open_again_and_again(actor: &Actor) -> Result<(), String> {
    sit_down(actor);
    loop {
        let (which, name) = name(actor);
        let opened = actor.call(Phase::Comes, || actor.options::<Tagged>().open(name));
        if let Some(object) = unless(opened, &[NotFound], "open")? {
            stay(actor, which, &object)?;
            actor.call(Phase::Leaves, || drop(object));
        }
        actor.pause();
    }
}

fn await_again_and_again(actor: &Actor) -> Result<(), String> {
    sit_down(actor);
    loop {
        let (which, name) = name(actor);
        let (options, timeout) = (actor.options::<Tagged>(), Duration::from_millis(500));
        let opened = actor.call(Phase::Comes, || options.open_wait(name, timeout));
        if let Some(object) = unless(opened, &[TimedOut], "open_wait")? {
            stay(actor, which, &object)?;
            actor.call(Phase::Leaves, || drop(object));
        }
    }
}

/// Comes, and ends as a process, with the object open: the library's exit hook leaves it.
fn exit(actor: &Actor) -> Result<(), String> {
    sit_down(actor);
    for _ in 0..actor.dice.below(30) {
        let (which, _) = name(actor);
        let object = come(actor, which)?;
        stay(actor, which, &object)?;
    }
    let (which, _) = name(actor);
    let object = come(actor, which)?;
    stay(actor, which, &object)?;
    actor.me().set_phase(Phase::Leaves);
    std::process::exit(0);
}

fn look_again_and_again(actor: &Actor) -> Result<(), String> {
    loop {
        let (_, name) = name(actor);
        let opened = actor.call(Phase::Comes, || actor.options::<Tagged>().open_read_only(name));
        if let Some(view) = unless(opened, &[NotFound], "open_read_only")? {
            let (seat, number) = parts(view.view().tag().load());
            if number == 0 || number > actor.truth.seats[seat].tallies[MADE].about() {
                return Err(format!("an observer found tag {number} of seat {seat}"));
            }
            let asked = actor.call(Phase::Acts, || view.status());
            unless(asked, &[Ended, NameLost], "status")?;
        }
        actor.pause();
    }
}

fn collect_again_and_again(actor: &Actor) -> Result<(), String> {
    let scope = actor.scope();
    loop {
        actor.call(Phase::Acts, || cohabit::collect(&scope)).map_err(failed("collect"))?;
        actor.call(Phase::Acts, || cohabit::list(&scope)).map_err(failed("list"))?;
        std::thread::sleep(Duration::from_micros(actor.dice.below(3_000)));
    }
}

fn check(truth: &Truth, folder: &Path) -> Result<(), String> {
    for seat in &truth.seats {
        let doubt = seat.words[DOUBTS].load(SeqCst);
        let (life, other) = (doubt >> 8, usize::try_from(doubt & 0xff).unwrap_or(0));
        let Some(other) = other.checked_sub(1) else { continue };
        // The same process sits there as then: it lived, and lives.
        if truth.seats[other].life.load(SeqCst) == life && !truth.seats[other].is_empty() {
            return Err(format!(
                "two instances of one name are used: seat {other} uses another one"
            ));
        }
        seat.words[DOUBTS].store(0, SeqCst);
    }
    let names = arena::names(folder);
    if names.len() > NAMES.len() + 1 {
        return Err(format!("more files than names: {names:?}"));
    }
    ends_are_right(truth)
}

/// Everybody is dead: what is left are orphans, which the next opener and the collector take away.
fn audit(actor: &Actor) -> Result<(), String> {
    let scope = actor.scope();
    let opened = actor.options::<Tagged>().open(NAMES[0]);
    if unless(opened, &[NotFound], "open")?.is_some() {
        return Err("an orphan was opened".to_owned());
    }
    cohabit::collect(&scope).map_err(failed("collect"))?;
    ends_are_right(actor.truth)
}

/// What was constructed was ended, but for what victims left behind, those that exited, which end nothing,
/// and what is in use: of each name one, and one that is being ended.
fn ends_are_right(truth: &Truth) -> Result<(), String> {
    let tallies = truth.seats.iter().map(|seat| &seat.tallies[MADE]);
    let made: u64 = tallies.map(|tally| tally.done().saturating_sub(tally.lost())).sum();
    // Read after what was made.
    let ends = truth.common[ENDS].load(SeqCst);
    let lives: u64 = truth.seats.iter().map(|seat| seat.life.load(SeqCst)).sum();
    if made.saturating_sub(ends) > lives + 2 * NAMES.len() as u64 {
        let text = format!("{made} constructed, {ends} ended, {lives} processes");
        return Err(format!("instances were never ended that had no victim: {text}"));
    }
    Ok(())
}

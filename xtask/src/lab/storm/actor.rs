//! What every actor has: a seat, the truth, dice, and, in tests of the oracles, a reason to cheat.
use super::fork;
use super::truth::{Phase, Seat, Truth};
use cohabit::{Keep, Options, Scope, Shareable, Shared};
use std::cell::Cell;
use std::path::PathBuf;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// Random numbers: SplitMix64, by Guy Steele and others, "Fast Splittable Pseudorandom Number
/// Generators" (2014).
#[derive(Debug)]
pub(crate) struct Dice(Cell<u64>);

impl Dice {
    /// Dice of a seed; equal seeds throw the same.
    pub(crate) fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    /// The next number.
    pub(crate) fn next(&self) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        mixed(self.0.get())
    }

    /// A number below `end`.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.next() % end
    }
}

/// All bits of a number depend on all of another.
pub(crate) fn mixed(number: u64) -> u64 {
    let z = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// One process in an arena.
#[derive(Debug)]
pub(crate) struct Actor {
    pub(crate) truth: &'static Truth,
    pub(crate) seat: usize,
    /// The how many-eth that sits there.
    pub(crate) life: u64,
    pub(crate) dice: Dice,
    pub(crate) folder: PathBuf,
    /// What it is to do wrong now and then, to try the oracles.
    pub(crate) cheat: String,
}

impl Actor {
    /// Its seat.
    pub(crate) fn me(&self) -> &'static Seat {
        &self.truth.seats[self.seat]
    }

    /// Whether it is to do this wrong now.
    pub(crate) fn cheats(&self, how: &str) -> bool {
        self.cheat == how && self.dice.below(20) == 0
    }

    /// Says what is wrong, at once: whoever returns lets go of what it holds, and others find that wrong.
    pub(crate) fn says(&self, text: String) -> String {
        self.me().say(&text);
        text
    }

    /// Makes one call, under the eyes of the watchdog.
    pub(crate) fn call<R>(&self, phase: Phase, call: impl FnOnce() -> R) -> R {
        let me = self.me();
        me.set_phase(phase);
        me.began.store(fork::now(), SeqCst);
        let result = call();
        me.began.store(0, SeqCst);
        me.set_phase(Phase::Idle);
        me.rounds.fetch_add(1, SeqCst);
        result
    }

    /// Lets others run now and then; else all processors are taken by those who wait for nothing.
    pub(crate) fn pause(&self) {
        if self.dice.below(8) == 0 {
            std::thread::sleep(Duration::from_micros(self.dice.below(300)));
        }
    }

    /// Options of an object in the arena's folder.
    pub(crate) fn options<T: Shareable + ?Sized>(&self) -> Options<T> {
        Shared::<T>::options().scope(self.scope())
    }

    /// The arena's folder.
    pub(crate) fn scope(&self) -> Scope {
        Scope::Folder(self.folder.clone())
    }

    /// Options of an object that outlasts its users, all of whom may be dead for a moment.
    pub(crate) fn kept<T: Shareable + ?Sized>(&self) -> Options<T> {
        self.options().keep(Keep::UntilReboot)
    }
}

/// An error of the library as what was found wrong.
pub(crate) fn failed(what: &'static str) -> impl Fn(cohabit::Error) -> String {
    move |error| format!("{what}: {:?}: {error}", error.kind())
}

/// What a call says that may be too late or too early: nothing, if it is one of those.
pub(crate) fn unless<R>(
    result: cohabit::Result<R>,
    allowed: &[cohabit::ErrorKind],
    what: &'static str,
) -> Result<Option<R>, String> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if allowed.contains(&error.kind()) => Ok(None),
        Err(error) => Err(failed(what)(error)),
    }
}

//! One arena: a process that forks its actors, kills them at random, and looks after the truth.
//!
//! It never uses the library itself. Every 1 to 10 ms it kills one actor or several at once, waits until
//! they are gone, lets the kind check what must hold then, and fills the seats again. Now and then an
//! actor is stopped for a while, and may be killed while it is; rarely all die at once. Two kinds of
//! actors are spared: the first of each role for most of the time, and whoever is in one call for more
//! than a second, so that the watchdog can see who waits in vain.
use super::actor::{Actor, Dice};
use super::fork::{self, FOUND};
use super::kinds::Kind;
use super::truth::{PHASES, Phase, Truth};
use crate::lab::raw::Waited;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// Whoever is in one call for so long waits in vain.
const WATCHDOG_NS: u64 = 15_000_000_000;
/// The same, where somebody was told to.
const SHORT_WATCHDOG_NS: u64 = 3_000_000_000;
/// Whoever is in one call for so long is left alone.
const SPARED_NS: u64 = 1_000_000_000;
/// The process of an empty chair.
const NOBODY: i32 = 0;
/// How often the arena says how far it is.
const REPORT: Duration = Duration::from_millis(500);

/// What an arena is to do.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) kind: &'static Kind,
    pub(crate) seed: u64,
    pub(crate) kills: u64,
    pub(crate) folder: PathBuf,
    pub(crate) cheat: String,
}

#[derive(Debug)]
struct Arena {
    plan: Plan,
    truth: &'static Truth,
    dice: Dice,
    chairs: Vec<Chair>,
    kills: u64,
    /// Actors that were stopped, and those that went by themselves, as they may.
    stops: u64,
    exits: u64,
}

/// A seat, as the arena sees it.
#[derive(Debug)]
struct Chair {
    pid: i32,
    role: usize,
    /// Whether it is the first of its role, and there are others.
    is_old: bool,
    is_stopped: bool,
}

/// Runs an arena to its end: prints how far it is, and at last its figures. An error is a violation.
pub(crate) fn run(plan: Plan) -> Result<(), String> {
    let truth = Truth::map().map_err(|error| format!("cannot map the truth: {error}"))?;
    let mut chairs = Vec::new();
    for (role, of) in plan.kind.roles.iter().enumerate() {
        let chair =
            |n| Chair { pid: NOBODY, role, is_old: n == 0 && of.seats > 1, is_stopped: false };
        chairs.extend((0..of.seats).map(chair));
    }
    let dice = Dice::new(plan.seed);
    let mut arena = Arena { plan, truth, dice, chairs, kills: 0, stops: 0, exits: 0 };
    let begin = arena.plan.kind.begin;
    arena.alone("beginning", begin)?;
    let done = arena.storm();
    let everyone: Vec<usize> = (0..arena.chairs.len()).collect();
    let killed = arena.kill(&everyone);
    done.and(killed).map_err(|text| arena.with_all_said(&text))?;
    arena.check()?;
    let audit = arena.plan.kind.audit;
    arena.alone("audit", audit)?;
    let left = names(&arena.plan.folder);
    if !left.is_empty() {
        return Err(format!("left in the folder: {left:?}"));
    }
    arena.report();
    let inside = (Phase::Idle as usize + 1..PHASES).map(|p| arena.truth.deaths[p].load(SeqCst));
    println!("figure inside {}", inside.sum::<u64>());
    println!("figure stops {}", arena.stops);
    println!("figure exits {}", arena.exits);
    Ok(())
}

/// The names in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

impl Arena {
    fn storm(&mut self) -> Result<(), String> {
        for seat in 0..self.chairs.len() {
            self.fill(seat)?;
        }
        let mut reported = Instant::now();
        while self.kills < self.plan.kills {
            std::thread::sleep(Duration::from_micros(1_000 + self.dice.below(9_000)));
            self.watch()?;
            let victims = self.victims();
            self.kill(&victims)?;
            self.check()?;
            for seat in victims {
                self.fill(seat)?;
            }
            self.stop_or_go();
            if reported.elapsed() > REPORT {
                self.report();
                reported = Instant::now();
            }
        }
        Ok(())
    }

    /// Runs something that is no actor's, with the last seat as its own.
    fn alone(&self, what: &str, act: fn(&Actor) -> Result<(), String>) -> Result<(), String> {
        let seat = self.truth.seats.len() - 1;
        let how = fork::reap(self.start(seat, act)?)?;
        match how {
            Waited::Exited(0) => Ok(()),
            _ => Err(format!("{what}: {} ({how:?})", self.truth.seats[seat].said())),
        }
    }

    fn start(&self, seat: usize, act: fn(&Actor) -> Result<(), String>) -> Result<i32, String> {
        let truth = self.truth;
        let life = truth.seats[seat].life.fetch_add(1, SeqCst) + 1;
        let dice = Dice::new(self.plan.seed ^ (seat as u64) << 56 ^ life << 16);
        let (folder, cheat) = (self.plan.folder.clone(), self.plan.cheat.clone());
        fork::start(move || {
            let actor = Actor { truth, seat, life, dice, folder, cheat };
            match act(&actor) {
                Ok(()) => 0,
                Err(text) => {
                    truth.seats[seat].say(&text);
                    FOUND
                }
            }
        })
    }

    fn fill(&mut self, seat: usize) -> Result<(), String> {
        let act = self.plan.kind.roles[self.chairs[seat].role].act;
        self.truth.seats[seat].began.store(0, SeqCst);
        self.truth.seats[seat].set_phase(Phase::Idle);
        self.truth.seats[seat].set_empty(false);
        // Before the next life begins: nobody takes a victim's words for its successor's.
        self.truth.seats[seat].words.iter().for_each(|word| word.store(0, SeqCst));
        self.chairs[seat].pid = self.start(seat, act)?;
        self.chairs[seat].is_stopped = false;
        Ok(())
    }

    /// Who dies now.
    fn victims(&self) -> Vec<usize> {
        let now = fork::now();
        let everyone = 0..self.chairs.len();
        let all_die = self.dice.below(1_024) == 0;
        let may_die = |&seat: &usize| {
            let spared = self.chairs[seat].is_old && self.dice.below(64) != 0;
            !self.is_late(seat, now, SPARED_NS) && (all_die || !spared)
        };
        let mut seats: Vec<usize> = everyone.filter(may_die).collect();
        let most = if self.dice.below(4) == 0 { 2 + self.dice.below(3) } else { 1 };
        while !all_die && seats.len() as u64 > most {
            let index = self.dice.below(seats.len() as u64);
            seats.swap_remove(usize::try_from(index).unwrap_or(0));
        }
        seats
    }

    fn is_late(&self, seat: usize, now: u64, limit_ns: u64) -> bool {
        let began = self.truth.seats[seat].began.load(SeqCst);
        began != 0 && now.saturating_sub(began) > limit_ns
    }

    fn kill(&mut self, victims: &[usize]) -> Result<(), String> {
        let sits = |&&seat: &&usize| self.chairs[seat].pid != NOBODY;
        let victims: Vec<usize> = victims.iter().filter(sits).copied().collect();
        for &seat in &victims {
            fork::send(self.chairs[seat].pid, libc::SIGKILL);
        }
        for seat in victims {
            let how = fork::reap(self.chairs[seat].pid)?;
            self.gone(seat, how)?;
            self.truth.seats[seat].set_empty(true);
            self.truth.deaths[self.truth.seats[seat].phase()].fetch_add(1, SeqCst);
            self.kills += 1;
        }
        Ok(())
    }

    /// How an actor went: killed, or by itself, as it may.
    fn gone(&mut self, seat: usize, how: Waited) -> Result<(), String> {
        self.chairs[seat].pid = NOBODY;
        match how {
            Waited::Killed(libc::SIGKILL) => Ok(()),
            Waited::Exited(0) => {
                self.exits += 1;
                Ok(())
            }
            _ => Err(self.of_seat(seat, &format!("{} ({how:?})", self.truth.seats[seat].said()))),
        }
    }

    /// Who finds something wrong lets go of what it has, and others may find that wrong in turn: so all
    /// is told that was said.
    fn with_all_said(&self, text: &str) -> String {
        let said = self.truth.seats.iter().enumerate().map(|(seat, it)| (seat, it.said()));
        let others = said.filter(|(_, said)| !said.is_empty() && !text.contains(said));
        others.fold(text.to_owned(), |all, (seat, said)| format!("{all}; seat {seat} said: {said}"))
    }

    fn of_seat(&self, seat: usize, text: &str) -> String {
        let role = self.plan.kind.roles[self.chairs[seat].role].name;
        format!("{role} in seat {seat}, after {} kills: {text}", self.kills)
    }

    /// What must hold while nobody is dying.
    fn check(&self) -> Result<(), String> {
        (self.plan.kind.check)(self.truth, &self.plan.folder)
            .map_err(|text| format!("after {} kills: {text}", self.kills))
    }

    /// Sees who is gone by itself, and who waits in vain.
    fn watch(&mut self) -> Result<(), String> {
        let now = fork::now();
        for seat in 0..self.chairs.len() {
            if let Some(how) = fork::is_gone(self.chairs[seat].pid)? {
                self.gone(seat, how)?;
                self.fill(seat)?;
            }
            let cheats = !self.plan.cheat.is_empty();
            let limit = if cheats { SHORT_WATCHDOG_NS } else { WATCHDOG_NS };
            if self.is_late(seat, now, limit) {
                let pid = self.chairs[seat].pid;
                let text = format!("{} s in one call: {}", limit / 1_000_000_000, where_is(pid));
                return Err(self.of_seat(seat, &text));
            }
        }
        Ok(())
    }

    /// Stops somebody now and then; whoever was stopped goes on a few kills later.
    fn stop_or_go(&mut self) {
        for chair in &mut self.chairs {
            if chair.is_stopped && self.dice.below(3) == 0 {
                fork::send(chair.pid, libc::SIGCONT);
                chair.is_stopped = false;
            }
        }
        if self.dice.below(8) == 0 {
            let seat = self.dice.below(self.chairs.len() as u64);
            let chair = &mut self.chairs[usize::try_from(seat).unwrap_or(0)];
            fork::send(chair.pid, libc::SIGSTOP);
            chair.is_stopped = true;
            self.stops += 1;
        }
    }

    fn report(&self) {
        let seats = self.truth.seats.iter();
        let rounds: u64 = seats.map(|seat| seat.rounds.load(SeqCst)).sum();
        println!("progress {} {rounds}", self.kills);
    }
}

/// Where a process is, for people.
fn where_is(pid: i32) -> String {
    let of = |what| fs::read_to_string(format!("/proc/{pid}/{what}")).unwrap_or_default();
    format!("system call {}, in the kernel at {}", of("syscall").trim(), of("wchan").trim())
}

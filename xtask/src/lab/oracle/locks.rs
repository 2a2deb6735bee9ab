//! The oracle of a lock: held by one at a time, had after every death, and a death inside is told.
//!
//! **Cast.** The *victim*; the *mate*, a second user, which waits for the lock where the victim holds
//! it, and takes it before the victim's eyes where it does not, and lets it go as it is; the *fresh*
//! opener, which comes after the kill; the *observer*, which looks without the lock.
//!
//! **Model.** What the mutex guards are two numbers, equal when it is whole, and everybody adds one to
//! both. The lock word and the numbers are read from the segment where the victim stands still:
//! 1. while the word names the victim, nobody else has the lock; once the victim is dead, the next one
//!    has it, and is told that its holder died: exactly then, or where a mark says so from before;
//! 2. where the word does not name the victim, it delays nobody, alive and stopped as it is: the mate
//!    takes the lock before the kill;
//! 3. whoever takes the lock finds the numbers as they were when the one before had it, and equal
//!    unless a death is told; it is told until one mends, and then no more;
//! 4. when all have left, the folder is empty, and no survivor holds a descriptor or mapping more.
use super::super::calls;
use super::super::cast::{self, Player};
use super::super::list::{Operation, Scene};
use super::super::step::{Stage, State, Verdict};
use super::super::trace::{Event, Method, Victim};
use super::super::world::World;
use super::history::object_word;
use super::{Findings, Ground, run_to_death, start_victim, until_it_waits};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The bits of a lock word that say who: slot and generation.
const WHO: u64 = 0xffff_ffff_0000_ffff;
/// The mate creates the object, so it has the first slot.
const MATE: u64 = 1 << 32 | 1;
const OWNER_DIED: u64 = 1 << 17;
const POISONED: u64 = 1 << 18;
const AGE: u64 = 7 << 19;

/// The stage of one operation on a lock.
#[derive(Debug)]
pub(in super::super) struct LocksStage {
    operation: &'static Operation,
    ground: Ground,
    folder: PathBuf,
    mate: Player,
    fresh: Player,
    observer: Player,
    /// What the players held before the first case.
    held_before: Vec<(usize, usize)>,
    case: Case,
}

/// What is known of the case that is on stage.
#[derive(Debug, Default)]
struct Case {
    name: String,
    /// Who holds the lock, dead, since before the victim came.
    dead: u64,
    /// Whether the mate holds the lock.
    mate_holds: bool,
    /// Whether the mate waits for it, since the victim took it.
    mate_waits: bool,
    /// Whether the victim was helped on in its wait.
    helped: bool,
}

/// What stands in the segment.
#[derive(Clone, Copy, Debug)]
struct Facts {
    word: u64,
    sums: [u64; 2],
}

impl Facts {
    fn read(world: &mut World) -> Self {
        world.look();
        Self { word: object_word(world, 0), sums: [8, 16].map(|at| object_word(world, at)) }
    }

    /// What the next holder is told and finds.
    fn expected(self) -> String {
        let is_held = self.word & 0xffff != 0;
        let told = match () {
            () if is_held || self.word & OWNER_DIED != 0 => "owner-died",
            () if self.word & POISONED != 0 => "poisoned",
            () => "whole",
        };
        format!("{told} {} {}", self.sums[0], self.sums[1])
    }

    /// The same after one holder that was told one thing, mended that and added.
    fn after_a_holder(self) -> Self {
        let sum = self.sums[0].max(self.sums[1]) + 1;
        let died = self.expected().starts_with("owner-died");
        Self { word: if died { self.word & POISONED } else { 0 }, sums: [sum, sum] }
    }

    /// The same after the mate, which held it already, has added.
    fn after_the_mate(self) -> Self {
        Self { word: 0, sums: self.sums.map(|sum| sum + 1) }
    }

    /// The same after one that let it be.
    fn after_a_look(self) -> Self {
        let died = self.expected().starts_with("owner-died");
        Self { word: self.word & POISONED | if died { OWNER_DIED } else { 0 }, ..self }
    }
}

impl LocksStage {
    /// Sets up the cast for one operation.
    pub(in super::super) fn new(operation: &'static Operation) -> Result<Self, String> {
        let ground = Ground::new()?;
        let player = |name| Player::start(name, &["player", "locks"]);
        let folder = ground.folder();
        let mut stage = Self {
            operation,
            ground,
            folder,
            mate: player("mate")?,
            fresh: player("fresh opener")?,
            observer: player("observer")?,
            held_before: Vec::new(),
            case: Case::default(),
        };
        stage.warm_up()?;
        Ok(stage)
    }

    fn cast(&mut self) -> [&mut Player; 3] {
        [&mut self.mate, &mut self.fresh, &mut self.observer]
    }

    /// One round without a victim, after which the players' descriptors are counted.
    fn warm_up(&mut self) -> Result<(), String> {
        let place = format!("{} {}", self.folder.display(), self.ground.next_name());
        self.mate.ask(&format!("create {place}"))?;
        self.fresh.ask(&format!("open {place}"))?;
        self.observer.ask(&format!("view {place}"))?;
        for player in self.cast() {
            player.ask("leave")?;
        }
        self.held_before = self.holdings();
        Ok(())
    }

    fn holdings(&mut self) -> Vec<(usize, usize)> {
        let folder = self.folder.clone();
        let held = |player: &mut Player| cast::holdings(player.pid(), &folder).unwrap_or_default();
        self.cast().map(held).to_vec()
    }

    fn set_scene(&mut self) -> Result<(), String> {
        self.case = Case { name: self.ground.next_name(), ..Case::default() };
        let place = format!("{} {}", self.folder.display(), self.case.name);
        self.mate.ask(&format!("create {place}"))?;
        self.observer.ask(&format!("view {place}"))?;
        match self.operation.scene {
            Scene::DeadHolder => {
                let folder = self.folder.display().to_string();
                run_to_death(&["suicide", "locks", "inside", &folder, &self.case.name])?;
            }
            Scene::Poisoned => drop(self.mate.ask("do mutex_lock_panics")?),
            _ => {}
        }
        Ok(())
    }

    /// The mate takes the lock and keeps it until [`Self::mate_lets_go`].
    fn mate_holds(&mut self) -> Result<(), String> {
        self.mate.ask("hold")?;
        self.case.mate_holds = true;
        Ok(())
    }

    fn mate_lets_go(&mut self) -> Result<(), String> {
        if std::mem::take(&mut self.case.mate_holds) {
            self.mate.ask("go")?;
        }
        Ok(())
    }

    /// Once the victim has the lock, the mate comes to wait for it; for long, where the scene says so.
    fn mate_comes(&mut self, world: &mut World) -> Result<(), String> {
        self.mate.order("do mutex_look")?;
        self.case.mate_waits = true;
        until_it_waits(&mut self.mate);
        let start = Instant::now();
        while self.operation.scene == Scene::LongAwaited && Facts::read(world).word & AGE == 0 {
            if start.elapsed() > Duration::from_secs(2) {
                return Err("the mate does not say that it has waited for long".to_owned());
            }
        }
        Ok(())
    }

    /// Whether the word names the victim.
    fn victim_has_it(&self, facts: Facts) -> bool {
        let who = facts.word & WHO;
        who & 0xffff != 0 && who != MATE && who != self.case.dead
    }

    /// What the mate finds: it came before, or comes now, before the kill where it need not wait.
    fn mate_first(&mut self, facts: Facts, findings: &mut Findings) -> Result<(), String> {
        if !self.case.mate_waits && !self.case.mate_holds {
            self.mate.order("do mutex_look")?;
            self.case.mate_waits = true;
            if self.victim_has_it(facts) {
                until_it_waits(&mut self.mate);
            }
        }
        let early = self.mate.answered_ok();
        findings.check(!early || !self.victim_has_it(facts), || {
            "the lock was taken from a living holder".to_owned()
        });
        Ok(())
    }

    fn survivors_prove(&mut self, facts: Facts, findings: &mut Findings) -> Result<(), String> {
        let mut facts = facts;
        if self.case.mate_waits {
            let found = self.mate.settle("do mutex_look")?;
            findings.check(found == facts.expected(), || {
                format!("the mate was told `{found}`, expected `{}`", facts.expected())
            });
            facts = facts.after_a_look();
        } else {
            self.mate_lets_go()?;
            facts = facts.after_the_mate();
        }
        self.fresh.ask(&format!("open {} {}", self.folder.display(), self.case.name))?;
        for player in [&mut self.fresh, &mut self.mate] {
            let found = player.ask("do mutex_lock")?;
            findings.check(found == facts.expected(), || {
                format!("a later one was told `{found}`, expected `{}`", facts.expected())
            });
            facts = facts.after_a_holder();
        }
        let seen = self.observer.ask("peek")?;
        let expected = format!("{} {}", facts.sums[0], facts.sums[1]);
        findings.check(seen == expected, || format!("the observer saw {seen}, not {expected}"));
        Ok(())
    }

    fn prove(&mut self, victim: Victim, world: &mut World, findings: &mut Findings) -> Duration {
        let began = self.before_the_kill(world, findings);
        victim.kill();
        let start = Instant::now();
        let proved = began.and_then(|facts| self.survivors_prove(facts, findings));
        findings.keep(proved);
        start.elapsed()
    }

    /// The mate comes. Where the victim, which stands still, holds nothing, it is done before the kill.
    fn before_the_kill(
        &mut self,
        world: &mut World,
        findings: &mut Findings,
    ) -> Result<Facts, String> {
        let facts = Facts::read(world);
        self.mate_first(facts, findings)?;
        if self.victim_has_it(facts) || !self.case.mate_waits {
            return Ok(facts);
        }
        self.mate.until_answered()?;
        Ok(Facts::read(world))
    }

    fn all_leave(&mut self, findings: &mut Findings) -> Result<(), String> {
        for player in self.cast() {
            player.ask("leave")?;
        }
        let names = self.ground.names();
        findings.check(names.is_empty(), || format!("left in the folder: {names:?}"));
        let held = self.holdings();
        findings.check(held == self.held_before, || {
            let before = &self.held_before;
            format!("descriptors and mappings of the survivors: {held:?}, before: {before:?}")
        });
        Ok(())
    }

    /// Brings the cast back to where a case can begin, after one that went wrong.
    fn restore(&mut self) -> Result<(), String> {
        for player in self.cast() {
            player.replace()?;
        }
        self.ground.sweep();
        self.warm_up()
    }
}

impl Stage for LocksStage {
    fn raise(&mut self, method: Method) -> Result<(Victim, World), String> {
        self.set_scene()?;
        let folder = self.folder.display().to_string();
        let mut world = World::new(&self.folder);
        world.follow(self.mate.pid()).map_err(|error| format!("the mate's mapping: {error}"))?;
        let arguments = ["victim", "locks", self.operation.name, &folder, &self.case.name];
        let victim = start_victim(&arguments, &mut world, method)?;
        self.case.dead = Facts::read(&mut world).word & WHO;
        if self.operation.scene == Scene::Held {
            self.mate_holds()?;
        }
        world.look();
        Ok((victim, world))
    }

    fn passed(&mut self, event: &Event, world: &mut World) -> Result<(), String> {
        match (self.operation.scene, event) {
            (Scene::Held, Event::Enter { number, args })
                if !self.case.helped && calls::is_wait(*number, *args) =>
            {
                self.case.helped = true;
                self.mate_lets_go()
            }
            (Scene::Awaited | Scene::LongAwaited, Event::Changed(_))
                if !self.case.mate_waits && self.victim_has_it(Facts::read(world)) =>
            {
                self.mate_comes(world)
            }
            _ => Ok(()),
        }
    }

    fn judge(&mut self, victim: Victim, world: &mut World, _: &State) -> Result<Verdict, String> {
        let mut findings = Findings::default();
        let recovered = self.prove(victim, world, &mut findings);
        if !findings.unsettled {
            let left = self.all_leave(&mut findings);
            findings.keep(left);
        }
        if findings.unsettled || !findings.texts.is_empty() {
            self.restore()?;
        }
        Ok(Verdict { violations: findings.texts, recovered })
    }

    fn finished(&mut self, _: &Victim, world: &mut World) -> Result<Vec<String>, String> {
        let mut findings = Findings::default();
        if self.case.mate_waits {
            findings.keep(self.mate.settle("do mutex_look"));
        }
        let facts = Facts::read(world);
        findings.check(facts.word & 0xffff == 0, || "the lock is still held".to_owned());
        findings.check(facts.sums[0] == facts.sums[1], || format!("half done: {facts:?}"));
        Ok(findings.texts)
    }

    fn clear(&mut self, victim: Victim) -> Result<(), String> {
        victim.kill();
        self.restore()
    }
}

//! The oracle of a value: whole, nothing committed lost, nobody waits in vain.
//!
//! **Cast.** The *victim*; the *mate*, a second user that does the victim's operation, begun before
//! the kill where the victim holds the lock, so that it is blocked by it; the *waiter*, inside
//! `wait_changed` from the start; the *observer*, which maps read-only; the *fresh* opener, which
//! comes after the kill. All but the victim are [`Player`]s.
//!
//! **Model.** Every version has one value, known here by its label (two numbers, from which all
//! bytes of the value follow). Before the kill the commit word is read from the segment itself: it
//! says whether the victim's own commit counts. From then on:
//! 1. every read by anybody gives a version that exists and exactly its value, never an older one
//!    than the commit word said at the kill; the first one while the victim still stands there;
//! 2. every write by a survivor succeeds and makes exactly one version;
//! 3. the waiter returns;
//! 4. all pins can be had;
//! 5. when all have left, the folder is empty, and no survivor holds a descriptor or mapping more.
use super::super::calls;
use super::super::cast::{self, Player};
use super::super::list::{Effect, Operation, Scene, What};
use super::super::pair::{Companion, Fate, First, Pairs};
use super::super::remains::Remains;
use super::super::step::{self, Stage, State, Verdict};
use super::super::trace::{Event, Method, Victim};
use super::history::{History, Holder, commit_word, holder, lock_word};
use super::{Findings, Ground, run_to_death, start_victim, until_it_waits};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Pins that must be had at once: as many as the copies are enough for.
pub(in super::super) fn pins_of(size: &str) -> usize {
    if size == "slice" { 2 } else { 6 }
}

/// The stage of one operation on a value of one size.
#[derive(Debug)]
pub(in super::super) struct ValueStage {
    operation: &'static Operation,
    effect: Effect,
    size: String,
    seed: u64,
    ground: Ground,
    folder: PathBuf,
    mate: Player,
    waiter: Player,
    observer: Player,
    fresh: Player,
    /// What the players held before the first case.
    held_before: Vec<(usize, usize)>,
    /// Another victim, which comes before.
    companion: Companion,
    case: Case,
}

/// What is known of the case that is on stage.
#[derive(Debug, Default)]
struct Case {
    name: String,
    history: History,
    /// The last number that was used for a value.
    number: u64,
    /// The version that the waiter has seen.
    waits_behind: u64,
    /// Whether the victim was helped on in its wait.
    helped: bool,
    /// Whether the mate holds the lock.
    mate_holds: bool,
    /// The lock word before the victim began.
    lock_before: u64,
    /// Whether the first one took the lock, and keeps it.
    first_holds: bool,
}

impl ValueStage {
    /// Sets up the cast for one operation on values of `size` bytes.
    pub(in super::super) fn new(
        operation: &'static Operation,
        effect: Effect,
        size: &str,
        seed: u64,
    ) -> Result<Self, String> {
        let ground = Ground::new()?;
        let size = size.to_string();
        let player = |name| Player::start(name, &["player", "value", &size]);
        let (mate, waiter) = (player("mate")?, player("waiter")?);
        let (observer, fresh) = (player("observer")?, player("fresh opener")?);
        let folder = ground.folder();
        let case = Case::default();
        let held_before = Vec::new();
        let mut stage = Self {
            operation,
            effect,
            size,
            seed,
            ground,
            folder,
            mate,
            waiter,
            observer,
            fresh,
            held_before,
            companion: Companion::default(),
            case,
        };
        stage.warm_up()?;
        Ok(stage)
    }

    fn cast(&mut self) -> [&mut Player; 4] {
        [&mut self.mate, &mut self.waiter, &mut self.observer, &mut self.fresh]
    }

    /// One round without a victim, after which the players' descriptors are counted.
    fn warm_up(&mut self) -> Result<(), String> {
        let name = self.ground.next_name();
        let place = format!("{} {name}", self.folder.display());
        self.mate.ask(&format!("create {place}"))?;
        self.waiter.ask(&format!("open {place}"))?;
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
        self.case =
            Case { name: self.ground.next_name(), history: History::new(), ..Case::default() };
        let place = format!("{} {}", self.folder.display(), self.case.name);
        self.mate.ask(&format!("create {place}"))?;
        // So the indexes of the copies differ from seed to seed, and go round.
        for _ in 0..self.seed % 20 {
            self.mate_sets()?;
        }
        self.waiter.ask(&format!("open {place}"))?;
        self.observer.ask(&format!("view {place}"))?;
        if let Scene::DeadHolder | Scene::DeadPins = self.operation.scene {
            let deed = if self.operation.scene == Scene::DeadPins { "pins" } else { "update" };
            let folder = self.folder.display().to_string();
            run_to_death(&["suicide", "value", deed, &self.size, &folder, &self.case.name])?;
        }
        Ok(())
    }

    fn mate_sets(&mut self) -> Result<(), String> {
        self.case.number += 1;
        let number = self.case.number;
        self.mate.ask(&format!("do set {number}"))?;
        self.case.history.push((number, number));
        Ok(())
    }

    /// Lets the waiter begin, and waits until its mark stands in the commit word.
    fn waiter_begins(&mut self, remains: &mut Remains) -> Result<(), String> {
        self.case.waits_behind = self.case.history.version();
        self.waiter.order(&format!("wait {}", self.case.waits_behind))?;
        let start = Instant::now();
        while commit_word(remains) & 1 == 0 {
            remains.look();
            if start.elapsed() > Duration::from_secs(2) {
                return Err("the waiter does not set its mark".to_owned());
            }
        }
        until_it_waits(&mut self.waiter);
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
            self.case.history.extend(Effect::Adds, 0);
        }
        Ok(())
    }

    /// Brings the first one to its state, and keeps or kills it there. False where it took another path.
    fn first_comes(&mut self) -> Result<bool, String> {
        let Some(first) = self.companion.plan else { return Ok(true) };
        self.case.number += 1;
        let (mut victim, mut remains) = self.start(first.operation, Method::Faults)?;
        remains.look();
        let before = lock_word(&remains);
        if !step::reach(self, &mut victim, &mut remains, first.position)? {
            self.clear(victim)?;
            return Ok(false);
        }
        remains.look();
        if commit_word(&remains) >> 8 == self.case.history.version() + 1
            && let What::Value(effect) = first.operation.what
        {
            self.case.history.extend(effect, self.case.number);
        }
        self.case.first_holds = holder(&remains, before) == Holder::Victim;
        self.companion.keep(victim);
        Ok(true)
    }

    /// Starts a victim, with the last number.
    fn start(&self, operation: &Operation, method: Method) -> Result<(Victim, Remains), String> {
        let folder = self.folder.display().to_string();
        let number = self.case.number.to_string();
        let (what, size, name) = (operation.name, &self.size, &self.case.name);
        let mut remains = Remains::new(&self.folder);
        remains.follow(self.mate.pid()).map_err(|error| format!("the mate's mapping: {error}"))?;
        let arguments = ["victim", "value", what, size, &folder, name, &number];
        Ok((start_victim(&arguments, &mut remains, method)?, remains))
    }

    /// Takes over what the commit word says of the victim's own commit; who holds the lock.
    fn read_state(&mut self, remains: &mut Remains, findings: &mut Findings) -> Holder {
        remains.look();
        let committed = commit_word(remains) >> 8;
        if committed == self.case.history.version() + 1 {
            // The number that the victim was given.
            self.case.history.extend(self.effect, self.case.number);
            findings.check(self.effect != Effect::Reads, || {
                "an operation that only reads made a version".to_owned()
            });
        }
        findings.check(committed == self.case.history.version(), || {
            format!("the commit word says version {committed}, not {}", self.case.history.version())
        });
        if self.case.mate_holds { Holder::Nobody } else { holder(remains, self.case.lock_before) }
    }

    /// Who reads waits for nobody, so what is committed is read while the victim stands still. A survivor
    /// that writes comes later: it would mend what the victim broke, and nobody would know.
    fn observer_reads(&mut self, findings: &mut Findings) {
        let read = self.observer.ask("read");
        let Some(read) = findings.keep(read) else { return };
        let newest = self.case.history.version();
        self.case.history.check_read("observer, beside the victim,", &read, newest, findings);
    }

    /// What the mate does: the victim's operation, but no view's, and no wait beside the waiter's.
    fn mates_part(&self) -> &'static str {
        let name = self.operation.name;
        let reads = self.operation.scene == Scene::Waits || name.starts_with("view_");
        if reads { "read" } else { name }
    }

    /// Starts the mate on it.
    fn mate_orders(&mut self) -> Result<(), String> {
        let next = self.case.number + 1;
        self.mate.order(&format!("do {} {next}", self.mates_part()))
    }

    fn mate_settles(&mut self, began_before: bool, findings: &mut Findings) -> Result<(), String> {
        let order = format!("do {}", self.mates_part());
        let mut answer = self.mate.answer()?;
        if began_before && answer.starts_with("err Busy") {
            // The victim was alive, so a form that does not wait was right to give up.
            self.mate_orders()?;
            answer = self.mate.answer()?;
        }
        let Some(read) = answer.strip_prefix("ok") else {
            return Err(format!("mate: `{order}` answered `{answer}`"));
        };
        self.case.number += 1;
        self.case.history.extend(self.effect, self.case.number);
        self.case.history.check_read("mate", read, self.case.history.version(), findings);
        Ok(())
    }

    fn survivors_prove(&mut self, findings: &mut Findings) -> Result<(), String> {
        let newest = self.case.history.version();
        let read = self.observer.ask("read")?;
        self.case.history.check_read("observer", &read, newest, findings);
        self.fresh.ask(&format!("open {} {}", self.folder.display(), self.case.name))?;
        let read = self.fresh.ask("read")?;
        self.case.history.check_read("fresh opener", &read, newest, findings);
        self.case.number += 1;
        let number = self.case.number;
        let version = self.fresh.ask(&format!("do set {number}"))?;
        self.case.history.push((number, number));
        self.case.history.check_read("fresh opener", &version, newest + 1, findings);
        let read = self.fresh.ask("read")?;
        self.case.history.check_read("fresh opener", &read, newest + 1, findings);
        let read = self.waiter.settle("wait")?;
        self.case.history.check_read("waiter", &read, self.case.waits_behind + 1, findings);
        let read = self.observer.ask("read")?;
        self.case.history.check_read("observer", &read, newest + 1, findings);
        let read = self.mate.ask(&format!("pins {}", pins_of(&self.size)))?;
        self.case.history.check_read("mate, through its pins,", &read, newest + 1, findings);
        Ok(())
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

    fn prove(
        &mut self,
        victim: Victim,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Duration {
        let holder = self.read_state(remains, findings);
        self.observer_reads(findings);
        let before = holder != Holder::Nobody && findings.keep(self.mate_orders()).is_some();
        if before {
            until_it_waits(&mut self.mate);
        }
        // A stopped process is not a dead one. Forms that do not wait answer, but with Busy.
        let first_holds = holder == Holder::Dead && self.first_holds();
        let stolen = (holder == Holder::Victim || first_holds) && self.mate.answered_ok();
        findings
            .check(!stolen || self.mates_part() == "read" || self.effect == Effect::Reads, || {
                "the lock was taken from a living holder".to_owned()
            });
        self.companion.dies();
        victim.kill();
        let start = Instant::now();
        let proved = (|| {
            self.mate_lets_go()?;
            if !before {
                self.mate_orders()?;
            }
            self.mate_settles(before, findings)?;
            if self.operation.scene == Scene::Quiet {
                self.waiter_begins(remains)?;
            }
            self.survivors_prove(findings)
        })();
        findings.keep(proved);
        start.elapsed()
    }

    /// Whether the first one has the lock, stopped and alive.
    fn first_holds(&self) -> bool {
        self.case.first_holds && self.companion.lives()
    }

    /// The first one dies, and the victim stands still: it delays nobody, unless it has the lock. At last
    /// it goes on, and what it does is done.
    fn prove_beside(
        &mut self,
        mut victim: Victim,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Duration {
        let (version, number) = (self.case.history.version(), self.case.number);
        let holder = self.read_state(remains, findings);
        let is_done = self.case.history.version() > version;
        self.observer_reads(findings);
        let before = holder != Holder::Nobody && findings.keep(self.mate_orders()).is_some();
        if before {
            until_it_waits(&mut self.mate);
        }
        self.companion.dies();
        let start = Instant::now();
        let proved = (|| {
            if holder == Holder::Victim {
                findings.check(!self.mate.answered_ok(), || {
                    "the lock was taken from one that is stopped".to_owned()
                });
                self.busy_to_who_has_a_deadline(findings)?;
                self.goes_on(&mut victim, remains, is_done, number, findings);
            }
            if !before {
                self.mate_orders()?;
            }
            self.mate_settles(before, findings)?;
            self.survivors_prove(findings)?;
            if holder != Holder::Victim {
                self.goes_on(&mut victim, remains, is_done, number, findings);
                let read = self.observer.ask("read")?;
                let newest = self.case.history.version();
                self.case.history.check_read("observer, at last,", &read, newest, findings);
            }
            Ok(())
        })();
        findings.keep(proved);
        victim.kill();
        start.elapsed()
    }

    /// The holder is stopped: who does not wait is told so, and who waits a little, at its deadline.
    fn busy_to_who_has_a_deadline(&mut self, findings: &mut Findings) -> Result<(), String> {
        self.fresh.ask(&format!("open {} {}", self.folder.display(), self.case.name))?;
        for order in ["do try_set_from 9", "do set_from_briefly 9"] {
            self.fresh.order(order)?;
            let answer = self.fresh.answer()?;
            findings.check(answer.starts_with("err Busy"), || {
                format!("the holder is stopped, and `{order}` was told `{answer}`")
            });
        }
        Ok(())
    }

    /// The victim goes on to its end.
    fn goes_on(
        &mut self,
        victim: &mut Victim,
        remains: &mut Remains,
        is_done: bool,
        number: u64,
        findings: &mut Findings,
    ) {
        findings.texts.extend(self.companion.lets_go_on(victim, remains).err());
        if !is_done {
            self.case.history.extend(self.effect, number);
        }
    }
}

impl Pairs for ValueStage {
    fn precede(&mut self, first: First) {
        self.companion.plan = Some(first);
    }

    /// The waiter begins when the first one has come.
    fn come_first(&mut self) {
        self.companion.is_rehearsed = true;
    }
}

impl Stage for ValueStage {
    fn raise(&mut self, method: Method) -> Result<(Victim, Remains), String> {
        self.set_scene()?;
        if !self.first_comes()? {
            self.set_scene()?;
            let came = self.first_comes()?;
            came.then_some(()).ok_or("the first one took another path, twice")?;
        }
        self.case.number += 1;
        let (victim, mut remains) = self.start(self.operation, method)?;
        if self.operation.scene != Scene::Quiet && !self.companion.is_rehearsed {
            self.waiter_begins(&mut remains)?;
        }
        remains.look();
        self.case.lock_before = lock_word(&remains);
        if self.operation.scene == Scene::Held {
            self.mate_holds()?;
        }
        Ok((victim, remains))
    }

    fn passed(&mut self, event: &Event, _: &mut Remains) -> Result<(), String> {
        let Event::Enter { number, args } = *event else { return Ok(()) };
        if self.case.helped || !calls::is_wait(number, args) {
            return Ok(());
        }
        match self.operation.scene {
            Scene::Held => self.mate_lets_go()?,
            Scene::Waits => {
                // The victim's number stays the one before this.
                self.mate_sets()?;
            }
            _ => return Ok(()),
        }
        self.case.helped = true;
        Ok(())
    }

    fn judge(
        &mut self,
        victim: Victim,
        remains: &mut Remains,
        _: &State,
    ) -> Result<Verdict, String> {
        let mut findings = Findings::default();
        let recovered = match self.companion.fate() {
            Some(Fate::Alone) => self.prove_beside(victim, remains, &mut findings),
            _ => self.prove(victim, remains, &mut findings),
        };
        self.companion.is_over();
        if !findings.unsettled {
            let left = self.all_leave(&mut findings);
            findings.keep(left);
        }
        if findings.unsettled || !findings.texts.is_empty() {
            self.restore()?;
        }
        Ok(Verdict { violations: findings.texts, recovered })
    }

    fn finished(&mut self, _: &Victim, remains: &mut Remains) -> Result<Vec<String>, String> {
        remains.look();
        self.case.history.extend(self.effect, self.case.number);
        let (made, expected) = (commit_word(remains) >> 8, self.case.history.version());
        let mut findings = Findings::default();
        findings.check(made == expected, || format!("version {made} is committed, not {expected}"));
        findings.check(lock_word(remains) == 0, || "the lock is still held".to_owned());
        Ok(findings.texts)
    }

    fn clear(&mut self, victim: Victim) -> Result<(), String> {
        self.companion.is_over();
        victim.kill();
        self.restore()
    }
}

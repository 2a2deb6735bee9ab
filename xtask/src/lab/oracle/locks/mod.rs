//! The oracle of locks: had after every death, and nothing that was said is lost.
//!
//! **Cast.** The *victim*; the *mate* and the *fresh* one, two users; the *observer*, which only looks. What
//! they do, and what must hold, is each [`Part`]'s own: `mutex`, `event`, `condvar`, `once`, `barrier`,
//! `rw_lock`, `semaphore`; whom a word names is in `names`. Common to all: no
//! survivor hangs, and when all have left, the folder is empty, and none holds a descriptor or mapping more.
mod barrier;
mod condvar;
mod event;
mod mutex;
mod names;
mod once;
mod rw_lock;
mod semaphore;

use super::super::calls;
use super::super::cast::{self, Player};
use super::super::list::{Operation, Scene};
use super::super::pair::{Companion, Fate, First, Pairs};
use super::super::remains::Remains;
use super::super::step::{Stage, State, Verdict};
use super::super::trace::{Event, Method, Victim};
use super::history::object_word;
use super::{Findings, Ground, run_to_death, start_victim, until_it_waits};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The bits of a lock word that say who: slot and generation.
const WHO: u64 = 0xffff_ffff_0000_ffff;
/// The mate creates the object, so it has the first slot.
const MATE: u64 = 1 << 32 | 1;

/// Where the cells of the children's object are, by FORMAT.md's rules.
mod at {
    pub(super) const MUTEX: usize = 0;
    pub(super) const SUMS: [usize; 2] = [8, 16];
    pub(super) const AUTO: usize = 24;
    pub(super) const MANUAL: usize = 32;
    pub(super) const BELL: usize = 40;
    pub(super) const ONCE: usize = 48;
    pub(super) const DEED: [usize; 2] = [56, 64];
    pub(super) const ONCE_CELL: usize = 72;
    pub(super) const ONCE_CELL_SUMS: [usize; 2] = [80, 88];
    pub(super) const GATE: usize = 104;
    pub(super) const SEATS: usize = 128;
    pub(super) const RW_LOCK: usize = 512;
    pub(super) const RW_LOCK_READERS: [usize; 2] = [520, 768];
    pub(super) const RW_LOCK_SUMS: [usize; 2] = [768, 776];
    pub(super) const PERMITS: [usize; 2] = [792, 1808];
}

/// The survivors, and the object of the case.
#[derive(Debug)]
struct Cast {
    scene: Scene,
    /// The operation's name.
    what: &'static str,
    folder: PathBuf,
    /// The name of the object.
    name: String,
    mate: Player,
    fresh: Player,
    observer: Player,
    /// Another victim, which comes before.
    companion: Companion,
    /// Whether the victim was helped on in its wait.
    helped: bool,
}

impl Cast {
    /// The holder is stopped: who does not wait is told so, and who waits a little, at its deadline.
    fn busy_at_their_deadline(
        &mut self,
        orders: &[&str],
        findings: &mut Findings,
    ) -> Result<(), String> {
        for order in orders {
            self.fresh.order(order)?;
            let answer = self.fresh.answer()?;
            findings.check(answer.starts_with("err Busy"), || {
                format!("the holder is stopped, and `{order}` was told `{answer}`")
            });
        }
        Ok(())
    }

    /// Whether the victim is about to wait, for the first time: then it is to be helped on.
    fn is_first_wait(&mut self, event: &Event) -> bool {
        let Event::Enter { number, args } = *event else { return false };
        calls::is_wait(number, args) && !std::mem::replace(&mut self.helped, true)
    }

    /// Another process dies at this, before the victim comes.
    fn somebody_dies(&self, deed: &str) -> Result<(), String> {
        let folder = self.folder.display().to_string();
        run_to_death(&["suicide", "locks", deed, &folder, &self.name])
    }

    fn all(&mut self) -> [&mut Player; 3] {
        [&mut self.mate, &mut self.fresh, &mut self.observer]
    }

    /// Folder and name of the object, as children take it.
    fn place(&self) -> String {
        format!("{} {}", self.folder.display(), self.name)
    }
}

/// A word of the object, now.
fn word(remains: &mut Remains, at: usize) -> u64 {
    remains.look();
    object_word(remains, at)
}

/// Lets the victim, which stood still, go on to its end.
type GoesOn<'a> = dyn FnMut(&Companion, &mut Remains) -> Result<(), String> + 'a;

/// What is particular about one kind of lock.
trait Part: std::fmt::Debug {
    /// What there is before the victim comes; the players have the object.
    fn set_scene(&mut self, cast: &mut Cast) -> Result<(), String>;
    /// The first one of two stands in front of its operation.
    fn first_begins(&mut self, remains: &mut Remains);
    /// The victim stands in front of its operation.
    fn begin(&mut self, cast: &mut Cast, remains: &mut Remains) -> Result<(), String>;
    /// The victim passed a state.
    fn passed(
        &mut self,
        cast: &mut Cast,
        event: &Event,
        remains: &mut Remains,
    ) -> Result<(), String>;
    /// What others do, and must be able to do, while the victim stands still.
    fn before_the_kill(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(), String>;
    /// The first one dies, and the victim stands still, until it is told to go on: whoever waits for the first
    /// one only is served before that.
    fn beside(
        &mut self,
        _: &mut Cast,
        _: &mut Remains,
        _: &mut GoesOn<'_>,
        _: &mut Findings,
    ) -> Result<(), String> {
        Err("this lock has no case with one that is stopped".to_owned())
    }
    /// What must hold once it is dead.
    fn after_the_kill(&mut self, cast: &mut Cast, findings: &mut Findings) -> Result<(), String>;
    /// What must hold when the victim was let.
    fn finished(
        &mut self,
        cast: &mut Cast,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(), String>;
}

fn part_of(operation: &Operation) -> Box<dyn Part> {
    match operation.name.split('_').next() {
        Some("event" | "manual") => Box::<event::Signal>::default(),
        Some("once" | "oncecell") => Box::<once::Deed>::default(),
        Some("barrier") => Box::<barrier::Meeting>::default(),
        Some("semaphore") => Box::<semaphore::Permits>::default(),
        Some("rw") => Box::<rw_lock::Guarded>::default(),
        Some("condvar") => Box::<condvar::Notice>::default(),
        _ => Box::<mutex::Guarded>::default(),
    }
}

/// The stage of one operation on a lock.
#[derive(Debug)]
pub(in super::super) struct LocksStage {
    operation: &'static Operation,
    ground: Ground,
    cast: Cast,
    part: Box<dyn Part>,
    /// What the players held before the first case.
    held_before: Vec<(usize, usize)>,
}

impl LocksStage {
    /// Sets up the cast for one operation.
    pub(in super::super) fn new(operation: &'static Operation) -> Result<Self, String> {
        let ground = Ground::new()?;
        let player = |name| Player::start(name, &["player", "locks"]);
        let cast = Cast {
            scene: operation.scene,
            what: operation.name,
            folder: ground.folder(),
            name: String::new(),
            mate: player("mate")?,
            fresh: player("fresh one")?,
            observer: player("observer")?,
            companion: Companion::default(),
            helped: false,
        };
        let part = part_of(operation);
        let mut stage = Self { operation, ground, cast, part, held_before: Vec::new() };
        stage.warm_up()?;
        Ok(stage)
    }

    /// The players have a new object.
    fn enter(&mut self) -> Result<(), String> {
        self.cast.name = self.ground.next_name();
        let place = self.cast.place();
        self.cast.mate.ask(&format!("create {place}"))?;
        self.cast.fresh.ask(&format!("open {place}"))?;
        self.cast.observer.ask(&format!("view {place}"))?;
        Ok(())
    }

    fn leave(&mut self) -> Result<(), String> {
        self.cast.all().into_iter().try_for_each(|player| player.ask("leave").map(drop))
    }

    /// One round without a victim, after which the players' descriptors are counted.
    fn warm_up(&mut self) -> Result<(), String> {
        self.enter()?;
        self.leave()?;
        self.held_before = self.holdings();
        Ok(())
    }

    fn holdings(&mut self) -> Vec<(usize, usize)> {
        let folder = self.cast.folder.clone();
        let held = |player: &mut Player| cast::holdings(player.pid(), &folder).unwrap_or_default();
        self.cast.all().map(held).to_vec()
    }

    fn all_leave(&mut self, findings: &mut Findings) -> Result<(), String> {
        self.leave()?;
        let names = self.ground.names();
        findings.check(names.is_empty(), || format!("left in the folder: {names:?}"));
        let held = self.holdings();
        findings.check(held == self.held_before, || {
            let before = &self.held_before;
            format!("descriptors and mappings of the survivors: {held:?}, before: {before:?}")
        });
        Ok(())
    }

    fn start(&self, operation: &Operation, method: Method) -> Result<(Victim, Remains), String> {
        let mut remains = Remains::new(&self.cast.folder);
        let mapped = remains.follow(self.cast.mate.pid());
        mapped.map_err(|error| format!("the mate's mapping: {error}"))?;
        let folder = self.cast.folder.display().to_string();
        let arguments = ["victim", "locks", operation.name, &folder, &self.cast.name];
        Ok((start_victim(&arguments, &mut remains, method)?, remains))
    }

    /// Brings the first one to its state, and keeps or kills it there.
    fn first_comes(&mut self) -> Result<(), String> {
        let Some(first) = self.cast.companion.plan else { return Ok(()) };
        let (mut victim, mut remains) = self.start(first.operation, Method::Faults)?;
        self.part.first_begins(&mut remains);
        while victim.position() < first.position {
            let event = victim.next(&mut remains).map_err(|error| format!("tracing: {error}"))?;
            if matches!(event, Event::End | Event::Gone(_)) {
                break;
            }
        }
        if victim.position() != first.position {
            return Err("the first one took another path".to_owned());
        }
        self.cast.companion.keep(victim);
        Ok(())
    }

    /// The first one dies, and the victim stands still until it is told to go on.
    fn prove_beside(
        &mut self,
        mut victim: Victim,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(), String> {
        let mut goes_on = |companion: &Companion, remains: &mut Remains| {
            companion.lets_go_on(&mut victim, remains)
        };
        self.part.beside(&mut self.cast, remains, &mut goes_on, findings)
    }

    /// Brings the cast back to where a case can begin, after one that went wrong.
    fn restore(&mut self) -> Result<(), String> {
        for player in self.cast.all() {
            player.replace()?;
        }
        self.ground.sweep();
        self.warm_up()
    }
}

impl Pairs for LocksStage {
    fn precede(&mut self, first: First) {
        self.cast.companion.plan = Some(first);
    }
}

impl Stage for LocksStage {
    fn raise(&mut self, method: Method) -> Result<(Victim, Remains), String> {
        self.part = part_of(self.operation);
        self.cast.helped = false;
        self.enter()?;
        self.part.set_scene(&mut self.cast)?;
        self.first_comes()?;
        let (victim, mut remains) = self.start(self.operation, method)?;
        self.part.begin(&mut self.cast, &mut remains)?;
        remains.look();
        Ok((victim, remains))
    }

    fn passed(&mut self, event: &Event, remains: &mut Remains) -> Result<(), String> {
        self.part.passed(&mut self.cast, event, remains)
    }

    fn judge(
        &mut self,
        victim: Victim,
        remains: &mut Remains,
        _: &State,
    ) -> Result<Verdict, String> {
        let mut findings = Findings::default();
        let start = Instant::now();
        let proved = match self.cast.companion.fate() {
            Some(Fate::Alone) => self.prove_beside(victim, remains, &mut findings),
            _ => {
                let began = self.part.before_the_kill(&mut self.cast, remains, &mut findings);
                self.cast.companion.dies();
                victim.kill();
                began.and_then(|()| self.part.after_the_kill(&mut self.cast, &mut findings))
            }
        };
        findings.keep(proved);
        let recovered = start.elapsed();
        self.cast.companion.is_over();
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
        let mut findings = Findings::default();
        let held = self.part.finished(&mut self.cast, remains, &mut findings);
        findings.keep(held);
        Ok(findings.texts)
    }

    fn clear(&mut self, victim: Victim) -> Result<(), String> {
        self.cast.companion.is_over();
        victim.kill();
        self.restore()
    }
}

/// Waits, not for long, until a word of the object is as it should be.
fn until_word(remains: &mut Remains, at: usize, is_so: impl Fn(u64) -> bool) -> Result<(), String> {
    let start = Instant::now();
    while !is_so(word(remains, at)) {
        if start.elapsed() > Duration::from_secs(2) {
            return Err(format!("the word at {at} does not become what a player makes it"));
        }
    }
    Ok(())
}

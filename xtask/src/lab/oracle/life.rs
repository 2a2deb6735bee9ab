//! The oracle of life: constructed once, ended at most once, at most one instance, nothing left.
//!
//! **Cast.** The *victim*; the *host*, who uses (or builds) the object from before in some scenes, and
//! in others makes the one that the victim waits for;
//! the *mate*, who opens or creates, begun before the kill where others must wait for the victim,
//! and in every second state otherwise; the *fresh* opener and the *observer*, who come after it.
//!
//! **Model.** The constructor writes a tag into the object and a line `C tag` into a file opened
//! with O_APPEND; the end of the type writes `D tag`. A tag names one construction. Promises:
//! 1. mate, fresh opener and observer, and the host if there is one, find the same tag;
//! 2. each tag is constructed once, an instance that reached LIVE has its line, and no constructor
//!    ran but the victim's and those of survivors whose `created()` is true;
//! 3. a survivor joins an instance that has a live user, and makes a new one where there is none;
//! 4. each tag is ended at most once, the survivors' instance exactly once, a kept instance never,
//!    an orphan never, and nothing is ended by `exit`;
//! 5. at the kill there is at most one name; after the next open exactly one; when all have left,
//!    none (one where the object is kept), and no survivor holds a descriptor or mapping more.
use super::super::calls;
use super::super::cast::{self, Player};
use super::super::list::{Operation, Realm, Scene};
use super::super::pair::{Companion, Fate, First, Pairs};
use super::super::remains::Remains;
use super::super::step::{self, Stage, State, Verdict};
use super::super::trace::{Event, Method, Victim};
use super::instance::{self, AtKill, Opened};
use super::{Findings, Ground, run_to_death, start_victim, until_it_waits};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The stage of one operation on the life of an object.
#[derive(Debug)]
pub(in super::super) struct LifeStage {
    operation: &'static Operation,
    seed: u64,
    ground: Ground,
    folder: PathBuf,
    host: Player,
    mate: Player,
    observer: Player,
    fresh: Player,
    held_before: Vec<(usize, usize)>,
    /// Another victim, which comes before.
    companion: Companion,
    case: Case,
}

#[derive(Debug, Default)]
struct Case {
    name: String,
    /// The tag of the instance that the host uses or builds.
    host: Option<u64>,
    /// What the host does when the victim waits.
    cue: Cue,
    /// Tags constructed by the scene before the victim came.
    scene_tags: Vec<u64>,
    /// Tags ended before the victim came.
    scene_ends: Vec<u64>,
    /// Inodes that the dead left before the victim came.
    left_by_the_dead: Vec<u64>,
}

/// What the host is to do once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Cue {
    #[default]
    Nothing,
    /// It is inside its constructor, and finishes.
    Finishes,
    /// It makes the object that is awaited.
    Comes,
    /// It leaves the object, and makes a new one.
    ComesAgain,
}

impl LifeStage {
    /// Sets up the cast for one operation.
    pub(in super::super) fn new(operation: &'static Operation, seed: u64) -> Result<Self, String> {
        let ground = match operation.realm() {
            Realm::Disk => Ground::on_disk()?,
            Realm::Folder | Realm::Machine => Ground::new()?,
        };
        let log = ground.log().display().to_string();
        let player = |name| Player::start(name, &["player", "life", &log]);
        let (host, mate) = (player("host")?, player("mate")?);
        let (observer, fresh) = (player("observer")?, player("fresh opener")?);
        let folder = ground.folder();
        let (held_before, companion, case) = (Vec::new(), Companion::default(), Case::default());
        let mut stage = Self {
            operation,
            seed,
            ground,
            folder,
            host,
            mate,
            observer,
            fresh,
            held_before,
            companion,
            case,
        };
        stage.warm_up()?;
        Ok(stage)
    }

    fn cast(&mut self) -> [&mut Player; 4] {
        [&mut self.host, &mut self.mate, &mut self.fresh, &mut self.observer]
    }

    fn warm_up(&mut self) -> Result<(), String> {
        let name = self.ground.next_name();
        let place = format!("{} {name}", self.where_to());
        self.host.ask(&format!("open_or_create {place}"))?;
        self.mate.ask(&format!("open_or_create {place}"))?;
        self.fresh.ask(&format!("open {place}"))?;
        self.observer.ask(&format!("open_read_only {place}"))?;
        for player in self.cast() {
            player.ask("leave")?;
        }
        self.held_before = self.holdings();
        // An object on disk stays.
        self.ground.sweep();
        Ok(())
    }

    fn holdings(&mut self) -> Vec<(usize, usize)> {
        let folder = self.folder.clone();
        let held = |player: &mut Player| cast::holdings(player.pid(), &folder).unwrap_or_default();
        self.cast().map(held).to_vec()
    }

    /// The folder, as children take it.
    fn where_to(&self) -> String {
        format!("{}{}", self.operation.realm().word(), self.folder.display())
    }

    fn place(&self) -> String {
        format!("{} {}", self.where_to(), self.case.name)
    }

    /// Whether the object outlasts its users.
    fn keeps(&self) -> bool {
        self.was_kept() || self.operation.realm() == Realm::Disk
    }

    /// Whether it did so before the victim came.
    fn was_kept(&self) -> bool {
        matches!(self.operation.scene, Scene::Idle | Scene::Unverified)
    }

    /// Whether the object is a value that is filled in place, a type without an end.
    fn fills(&self) -> bool {
        let name = self.operation.deed();
        name.ends_with("_with") || name.starts_with("follow")
    }

    /// A verb and where to, as the order of a player.
    fn order(&self, verb: &str) -> String {
        let suffix = if self.fills() { "_with" } else { "" };
        format!("{verb}{suffix} {}", self.place())
    }

    /// Where the tag stands in the object.
    fn tag_at(&self) -> usize {
        if self.fills() { instance::FIRST_COPY } else { 0 }
    }

    fn set_scene(&mut self) -> Result<(), String> {
        // Emptied, not removed: the players have it open.
        fs::write(self.ground.log(), "").map_err(|error| format!("the log: {error}"))?;
        self.case = Case { name: self.ground.next_name(), ..Case::default() };
        let place = self.place();
        let folder = self.where_to();
        let log = self.ground.log().display().to_string();
        let die =
            |deed: &str| run_to_death(&["suicide", "life", deed, &folder, &self.case.name, &log]);
        let used = if self.fills() { "used_with" } else { "used" };
        // With a first victim, the scene is that one's, and what it leaves is the second one's.
        let scene = self.companion.plan.map_or(self.operation.scene, |first| first.operation.scene);
        match scene {
            Scene::Host => self.host_comes()?,
            Scene::Builder => {
                let tag = self.host.ask(&format!("build {place}"))?;
                self.case.host = tag.parse().ok();
                self.case.cue = Cue::Finishes;
            }
            Scene::Orphan => die(used)?,
            Scene::HalfBuilt => die("building")?,
            Scene::HalfEnded => die("ending")?,
            Scene::Idle => die("kept")?,
            Scene::Unverified => {
                die("kept")?;
                instance::reboot(&self.folder.join(&self.case.name))?;
            }
            Scene::EmptyPlace => die("place")?,
            Scene::Stray => die("stray")?,
            _ => {}
        }
        let left_by_the_dead = self.ground.inodes();
        if let Some(first) = self.companion.plan {
            self.first_comes(first)?;
        }
        if self.case.host.is_none() {
            let first_lives = self.companion.lives();
            self.case.left_by_the_dead =
                if first_lives { left_by_the_dead } else { self.ground.inodes() };
        }
        if self.operation.awaits {
            let uses = self.case.host.is_some();
            self.case.cue = if uses { Cue::ComesAgain } else { Cue::Comes };
        }
        self.case.scene_tags = self.ground.tags("C");
        self.case.scene_ends = self.ground.tags("D");
        Ok(())
    }

    /// Brings the first one to its state, and keeps or kills it there.
    fn first_comes(&mut self, first: First) -> Result<(), String> {
        let mut remains = Remains::new(&self.folder);
        let mut victim = self.start(first.operation, &mut remains, Method::Faults)?;
        if step::reach(self, &mut victim, &mut remains, first.position)? {
            self.companion.keep(victim);
            return Ok(());
        }
        let (at, name) = (first.position, first.operation.name);
        Err(format!("the first one did not come to {at} of {name}"))
    }

    fn start(
        &self,
        operation: &Operation,
        remains: &mut Remains,
        method: Method,
    ) -> Result<Victim, String> {
        let folder = self.where_to();
        let log = self.ground.log().display().to_string();
        let arguments = ["victim", "life", operation.deed(), &folder, &self.case.name, &log];
        start_victim(&arguments, remains, method)
    }

    /// What is seen around it while the victim stands still.
    fn at_kill(&self, victim: &Victim, remains: &mut Remains) -> Result<AtKill, String> {
        let old = &self.case.left_by_the_dead;
        AtKill::read(victim.pid(), remains, &self.folder, self.tag_at(), old)
    }

    fn host_comes(&mut self) -> Result<(), String> {
        let opened = Opened::parse(&self.host.ask(&self.order("open_or_create"))?)?;
        self.case.host = Some(opened.tag);
        Ok(())
    }

    /// The victim waits: the host does what it is there for.
    fn host_acts(&mut self) -> Result<(), String> {
        match std::mem::take(&mut self.case.cue) {
            Cue::Nothing => Ok(()),
            Cue::Finishes => self.host.ask("go").map(drop),
            Cue::Comes => self.host_comes(),
            Cue::ComesAgain => {
                self.host.ask("leave")?;
                self.host_comes()
            }
        }
    }

    fn mates_order(&self) -> String {
        self.order(match self.operation.scene {
            Scene::Unverified => "open_or_create_accepting",
            _ if self.keeps() => "open_or_create_kept",
            _ => "open_or_create",
        })
    }

    /// The first one dies, and the victim stands still: the mate waits for it where it is in the way, and
    /// only there. It goes on, and leaves.
    fn open_beside(
        &mut self,
        mut victim: Victim,
        remains: &mut Remains,
        findings: &mut Findings,
    ) -> Result<(AtKill, Option<(Opened, Duration)>), String> {
        // What is wrong while both live; the rest is as the first one leaves it.
        let wrong = self.at_kill(&victim, remains)?.wrong;
        self.companion.dies();
        let at_kill = AtKill { wrong, ..self.at_kill(&victim, remains)? };
        let line = self.mates_order();
        if at_kill.blocks {
            self.mate.order(&line)?;
            until_it_waits(&mut self.mate);
            findings.check(!self.mate.answered_ok(), || {
                "the mate did not wait for a builder that is stopped".to_owned()
            });
            let told = self.busy_at_its_deadline(findings);
            findings.keep(told);
            findings.texts.extend(self.companion.lets_go_on(&mut victim, remains).err());
        }
        let opened = self.survivors_open(&line, at_kill.blocks, false, &at_kill, findings);
        if !at_kill.blocks {
            if let (Some((mate, _)), Some(lived)) = (&opened, at_kill.inhabited) {
                findings.check(mate.tag == lived, || {
                    format!("one that is stopped lives in {lived}, but the mate found {mate:?}")
                });
            }
            findings.texts.extend(self.companion.lets_go_on(&mut victim, remains).err());
        }
        Ok((at_kill, opened))
    }

    /// Whoever is in the way is stopped: who waits a little for it is told so at its deadline.
    fn busy_at_its_deadline(&mut self, findings: &mut Findings) -> Result<(), String> {
        let line = self.order("open_or_create_briefly");
        self.fresh.order(&line)?;
        let answer = self.fresh.answer()?;
        findings.check(answer.starts_with("err Busy"), || {
            format!("a builder is stopped, and who waits a little was told `{answer}`")
        });
        Ok(())
    }

    /// How many but survivors may have constructed: the victim, and the first one.
    fn builders(&self) -> usize {
        let first = self.companion.plan.filter(|first| first.fate != Fate::Before);
        let by_first = first.is_some_and(|first| first.operation.constructs);
        usize::from(self.operation.constructs) + usize::from(by_first)
    }

    /// How many instances may have been ended that are not the survivors': those of whoever ends what it
    /// made, and of one that goes on and leaves.
    fn enders(&self) -> usize {
        let goes_on = self.companion.fate() == Some(Fate::Alone);
        let first = self.companion.plan.filter(|first| first.fate != Fate::Before);
        let by_first = first.is_some_and(|first| first.operation.ends);
        usize::from(self.operation.ends || goes_on) + usize::from(by_first)
    }

    /// Kills the victim, with or without somebody who came before; what mate and fresh found.
    fn kill_and_open(
        &mut self,
        victim: Victim,
        before: bool,
        at_kill: &AtKill,
        findings: &mut Findings,
    ) -> Option<(Opened, Duration)> {
        let line = self.mates_order();
        if before {
            findings.keep(self.mate.order(&line))?;
            until_it_waits(&mut self.mate);
        }
        let was_quick = before && self.mate.answered_ok();
        findings.check(!was_quick || !at_kill.blocks, || {
            "the mate did not wait for a living builder, or for who ends the object".to_owned()
        });
        self.companion.dies();
        victim.kill();
        self.survivors_open(&line, before, was_quick, at_kill, findings)
    }

    /// Mate and fresh opener find the same instance, and the observer sees it.
    fn survivors_open(
        &mut self,
        line: &str,
        before: bool,
        was_quick: bool,
        at_kill: &AtKill,
        findings: &mut Findings,
    ) -> Option<(Opened, Duration)> {
        let start = Instant::now();
        let mate = (|| -> Result<Opened, String> {
            if self.case.cue == Cue::Finishes {
                self.host_acts()?;
            }
            if !before {
                self.mate.order(line)?;
            }
            let mate = Opened::parse(&self.mate.settle(line)?)?;
            let joined = at_kill.inhabited.is_none_or(|tag| tag == mate.tag);
            findings.check(!was_quick || joined, || {
                let lived = at_kill.inhabited;
                format!("the victim lived in {lived:?}, but the mate found {mate:?}")
            });
            let fresh = Opened::parse(&self.fresh.ask(&self.order("open"))?)?;
            self.observer.ask(&self.order("open_read_only"))?;
            let viewed = instance::mapped_tag(self.observer.pid(), &self.folder, self.tag_at())?;
            findings.check(fresh.tag == mate.tag && viewed == mate.tag, || {
                let tags = (mate.tag, fresh.tag, viewed);
                format!("mate, fresh opener and observer are in different instances: {tags:?}")
            });
            findings.check(!fresh.created, || {
                "created() is true for somebody who only opened".to_owned()
            });
            Ok(mate)
        })();
        findings.keep(mate).map(|mate| (mate, start.elapsed()))
    }

    fn check_instance(&self, mate: Opened, at_kill: &AtKill, before: bool, f: &mut Findings) {
        let removes = self.operation.deed().starts_with("remove");
        if mate.created && removes && self.operation.scene != Scene::Orphan {
            // Asked for: the name was taken from an instance that others use or keep.
        } else if let Some(host) = self.case.host {
            f.check(mate == Opened { tag: host, created: false }, || {
                format!("the host lives in {host}, but the mate found {mate:?}")
            });
        } else if self.was_kept() && !(mate.created && removes) {
            let kept = self.case.scene_tags.first().copied();
            f.check(!mate.created && Some(mate.tag) == kept, || {
                format!("the kept instance is {kept:?}, but the mate found {mate:?}")
            });
        } else {
            // Who came before the kill may have joined the victim; then that instance was LIVE.
            let joined = (before || self.keeps()) && at_kill.live.contains(&mate.tag);
            // One that stood still while it built had it built before the mate came in.
            let joined = joined || (at_kill.blocks && self.companion.fate() == Some(Fate::Alone));
            let joined = joined && !mate.created;
            f.check(mate.created || joined, || {
                format!("nobody lived, but the mate found {mate:?}, not an instance of its own")
            });
        }
        let names = self.ground.objects();
        f.check(names.len() == 1, || format!("names while one instance lives: {names:?}"));
        f.check(at_kill.names <= 1, || format!("{} names at the kill", at_kill.names));
    }

    fn check_constructions(&self, mate: Opened, at_kill: &AtKill, findings: &mut Findings) {
        let built = self.ground.tags("C");
        let mut known = self.case.scene_tags.clone();
        known.extend(self.case.host);
        if mate.created {
            known.push(mate.tag);
        }
        let by_victim: Vec<_> = built.iter().filter(|tag| !known.contains(tag)).collect();
        findings.check(by_victim.len() <= self.builders(), || {
            format!("constructions by nobody who created: {by_victim:?}")
        });
        for tag in at_kill.live.iter().chain([&mate.tag]) {
            let count = built.iter().filter(|other| *other == tag).count();
            findings
                .check(count == 1, || format!("live instance {tag} was constructed {count} times"));
        }
    }

    fn check_ends(&self, mate: Opened, findings: &mut Findings) {
        let ended = self.ground.tags("D");
        let mine = ended.iter().filter(|tag| **tag == mate.tag).count();
        let expected = usize::from(!self.keeps() && !self.fills());
        findings.check(mine == expected, || {
            format!("the survivors' instance was ended {mine} times, not {expected}")
        });
        let before = |tag: &&u64| self.case.scene_ends.contains(tag);
        let others: Vec<_> = ended.iter().filter(|tag| **tag != mate.tag && !before(tag)).collect();
        findings.check(others.len() <= self.enders(), || {
            format!("ended without being asked for: {others:?}")
        });
    }

    fn all_leave(&mut self, mate: Opened, findings: &mut Findings) -> Result<(), String> {
        for player in self.cast() {
            player.ask("leave")?;
        }
        // Of an object that several users share, also its folder goes, and what is beside it.
        let names = if self.keeps() { self.ground.objects() } else { self.ground.names() };
        let expected = usize::from(self.keeps());
        findings.check(names.len() == expected, || format!("left in the folder: {names:?}"));
        if self.operation.realm() == Realm::Disk {
            let closed = instance::is_closed(&self.folder.join(&self.case.name))?;
            findings.check(closed, || "the last one to leave did not close the object".to_owned());
        }
        self.ground.sweep();
        self.check_ends(mate, findings);
        let held = self.holdings();
        findings.check(held == self.held_before, || {
            let before = &self.held_before;
            format!("descriptors and mappings of the survivors: {held:?}, before: {before:?}")
        });
        Ok(())
    }

    fn restore(&mut self) -> Result<(), String> {
        for player in self.cast() {
            player.replace()?;
        }
        self.ground.sweep();
        self.warm_up()
    }
}

impl Pairs for LifeStage {
    fn precede(&mut self, first: First) {
        self.companion.plan = Some(first);
    }
}

impl Stage for LifeStage {
    fn raise(&mut self, method: Method) -> Result<(Victim, Remains), String> {
        self.set_scene()?;
        let mut remains = Remains::new(&self.folder);
        let victim = self.start(self.operation, &mut remains, method)?;
        Ok((victim, remains))
    }

    fn passed(&mut self, event: &Event, _: &mut Remains) -> Result<(), String> {
        match *event {
            Event::Enter { number, args } if calls::is_wait(number, args) => self.host_acts(),
            _ => Ok(()),
        }
    }

    fn judge(
        &mut self,
        victim: Victim,
        remains: &mut Remains,
        state: &State,
    ) -> Result<Verdict, String> {
        let mut findings = Findings::default();
        let ordinal = state.position.call + state.position.change;
        let (at_kill, before, opened);
        if self.companion.fate() == Some(Fate::Alone) {
            (at_kill, opened) = self.open_beside(victim, remains, &mut findings)?;
            // It may have been joined while it stood still.
            before = true;
        } else {
            at_kill = self.at_kill(&victim, remains)?;
            before = at_kill.blocks || (ordinal as u64 + self.seed).is_multiple_of(2);
            opened = self.kill_and_open(victim, before, &at_kill, &mut findings);
        }
        findings.texts.extend(at_kill.wrong.iter().cloned());
        let mut recovered = Duration::ZERO;
        if let Some((mate, took)) = opened {
            recovered = took;
            self.check_instance(mate, &at_kill, before, &mut findings);
            self.check_constructions(mate, &at_kill, &mut findings);
            self.companion.is_over();
            let left = self.all_leave(mate, &mut findings);
            findings.keep(left);
        }
        if findings.unsettled || !findings.texts.is_empty() {
            self.restore()?;
        }
        Ok(Verdict { violations: findings.texts, recovered })
    }

    fn finished(&mut self, _: &Victim, _: &mut Remains) -> Result<Vec<String>, String> {
        if self.companion.lives() {
            // What the two made together depends on where the first one stands still.
            return Ok(Vec::new());
        }
        let mut findings = Findings::default();
        let empties = self.operation.empties;
        let names = if empties { self.ground.names() } else { self.ground.objects() };
        let expected = usize::from(!empties);
        findings.check(names.len() == expected, || format!("names afterwards: {names:?}"));
        let built = self.ground.tags("C").len() - self.case.scene_tags.len();
        let ended = self.ground.tags("D").len() - self.case.scene_ends.len();
        let host_built = |tag| !self.case.scene_tags.contains(&tag);
        let by_host = usize::from(self.case.host.is_some_and(host_built));
        let expected = (usize::from(self.operation.constructs) + by_host, self.operation.ends);
        findings.check((built, ended == 1) == expected && ended <= 1, || {
            format!("{built} constructions and {ended} ends, not {expected:?}")
        });
        Ok(findings.texts)
    }

    fn clear(&mut self, victim: Victim) -> Result<(), String> {
        self.companion.is_over();
        victim.kill();
        self.restore()
    }
}

//! The oracle of objects without a name: constructed once, ended at most once, nothing left.
//!
//! **Cast.** The *victim*; the *host*, who uses or builds the object from before in some scenes; the
//! *mate*, who joins by a handle, begun before the kill where others must wait for the victim, and
//! in every second state otherwise; the *fresh* joiner and the *observer*, who come after it. The
//! laboratory itself holds a descriptor, as a receiver does whom it reaches late: so the memory is
//! there to be asked when everybody is dead, and it is no user.
//!
//! **Model.** As in the oracle of life, tags name constructions. Promises:
//! 1. where somebody lives, mate, fresh joiner and observer find the same tag; where nobody does, all
//!    of them are told `Ended`, and nobody starts over;
//! 2. a mate that joined before the kill goes on, with whoever comes after;
//! 3. nobody joins what is not LIVE; each tag is constructed once, by the victim or a survivor;
//! 4. each tag is ended at most once, and the survivors' exactly once;
//! 5. there never is a name, and no survivor holds a descriptor or mapping more.
use super::super::calls;
use super::super::cast::{self, Player};
use super::super::list::{Operation, Scene};
use super::super::remains::{self, Remains};
use super::super::step::{Stage, State, Verdict};
use super::super::trace::{Event, Method, Victim};
use super::instance::{self, Memory, Opened};
use super::{Findings, Ground, start_victim, until_it_waits};
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The stage of one operation on an object without a name.
#[derive(Debug)]
pub(in super::super) struct HandleStage {
    operation: &'static Operation,
    seed: u64,
    ground: Ground,
    folder: PathBuf,
    host: Player,
    mate: Player,
    observer: Player,
    fresh: Player,
    held_before: Vec<(usize, usize)>,
    case: Case,
}

#[derive(Debug, Default)]
struct Case {
    /// The tag of the instance that the host uses or builds.
    host: Option<u64>,
    /// Whether the host is inside its constructor.
    host_builds: bool,
    /// Tags constructed by the scene before the victim came.
    scene_tags: Vec<u64>,
    /// What leads to the object.
    handle: Option<File>,
}

/// What somebody was told who would join or look.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Joined(Opened),
    Refused(String),
}

impl Told {
    fn parse(answer: &str) -> Result<Self, String> {
        match answer.strip_prefix("ok ") {
            Some(opened) => Opened::parse(opened).map(Self::Joined),
            None => match answer.strip_prefix("err ") {
                Some(error) => {
                    Ok(Self::Refused(error.split(' ').next().unwrap_or_default().into()))
                }
                None => Err(format!("an answer of no sort: `{answer}`")),
            },
        }
    }

    fn is_refused(&self, kind: &str) -> bool {
        matches!(self, Self::Refused(told) if told == kind)
    }
}

impl HandleStage {
    /// Sets up the cast for one operation.
    pub(in super::super) fn new(operation: &'static Operation, seed: u64) -> Result<Self, String> {
        let ground = Ground::new()?;
        let log = ground.log().display().to_string();
        let player = |name| Player::start(name, &["player", "life", &log]);
        let (host, mate) = (player("host")?, player("mate")?);
        let (observer, fresh) = (player("observer")?, player("fresh joiner")?);
        let (folder, held_before, case) = (ground.folder(), Vec::new(), Case::default());
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
            case,
        };
        stage.warm_up()?;
        Ok(stage)
    }

    fn cast(&mut self) -> [&mut Player; 4] {
        [&mut self.host, &mut self.mate, &mut self.fresh, &mut self.observer]
    }

    fn warm_up(&mut self) -> Result<(), String> {
        self.host.ask("make_nameless")?;
        let handle = remains::open_nameless(self.host.pid()).ok_or("the host has made nothing")?;
        let path = path_of(&handle);
        self.mate.ask(&format!("take {path}"))?;
        self.fresh.ask(&format!("take {path}"))?;
        self.observer.ask(&format!("look {path}"))?;
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

    /// Whether the object is a value that is filled in place, a type without an end.
    fn fills(&self) -> bool {
        self.operation.name.ends_with("_with")
    }

    /// Where the tag stands in the object.
    fn tag_at(&self) -> usize {
        if self.fills() { instance::FIRST_COPY } else { 0 }
    }

    /// A verb and the way to the object, as the order of a player.
    fn order(&self, verb: &str) -> Result<String, String> {
        let handle = self.case.handle.as_ref().ok_or("nobody has a handle on the object")?;
        let suffix = if self.fills() { "_with" } else { "" };
        Ok(format!("{verb}{suffix} {}", path_of(handle)))
    }

    fn set_scene(&mut self) -> Result<(), String> {
        // Emptied, not removed: the players have it open.
        fs::write(self.ground.log(), "").map_err(|error| format!("the log: {error}"))?;
        self.case = Case::default();
        match self.operation.scene {
            Scene::Host => {
                self.case.host = Some(Opened::parse(&self.host.ask("make_nameless")?)?.tag);
                self.case.handle = remains::open_nameless(self.host.pid());
            }
            Scene::Builder => {
                self.case.host = self.host.ask("build_nameless")?.parse().ok();
                self.case.host_builds = true;
                self.case.handle = remains::open_nameless(self.host.pid());
            }
            Scene::Orphan => {
                let log = self.ground.log().display().to_string();
                let mut dead = Player::start("dead", &["player", "life", &log])?;
                dead.ask("make_nameless")?;
                self.case.handle = remains::open_nameless(dead.pid());
                // Killed when it is dropped.
            }
            _ => {}
        }
        self.case.scene_tags = self.ground.tags("C");
        Ok(())
    }

    fn host_goes_on(&mut self) -> Result<(), String> {
        if std::mem::take(&mut self.case.host_builds) {
            self.host.ask("go")?;
        }
        Ok(())
    }

    /// What the survivors find when the victim is dead, and what became of the mate.
    fn kill_and_join(
        &mut self,
        victim: Victim,
        before: bool,
        memory: &Memory,
        findings: &mut Findings,
    ) -> Result<(Told, Duration), String> {
        let take = self.order("take")?;
        if before {
            self.mate.order(&take)?;
            until_it_waits(&mut self.mate);
        }
        let was_quick = before && self.mate.answered_ok();
        findings.check(!was_quick || !memory.blocks, || {
            "the mate did not wait for a living builder, or for who ends the object".to_owned()
        });
        victim.kill();
        let start = Instant::now();
        self.host_goes_on()?;
        if !before {
            self.mate.order(&take)?;
        }
        let mate = Told::parse(&self.mate.answer()?)?;
        self.fresh.order(&take)?;
        let fresh = Told::parse(&self.fresh.answer()?)?;
        let look = self.order("look")?;
        self.observer.order(&look)?;
        let viewed = Told::parse(&self.observer.answer()?)?;
        let took = start.elapsed();
        match (&mate, &viewed) {
            (Told::Joined(joined), _) => {
                let folder = self.folder.clone();
                let viewed = instance::mapped_tag(self.observer.pid(), &folder, self.tag_at())?;
                let same = fresh == Told::Joined(Opened { created: false, ..*joined });
                findings.check(same && viewed == joined.tag && !joined.created, || {
                    format!("mate {mate:?}, fresh joiner {fresh:?}, observer {viewed}")
                });
            }
            (Told::Refused(kind), Told::Joined(_)) if kind == "ReadOnlyHandle" => {
                findings.check(fresh == mate, || format!("fresh joiner {fresh:?}, mate {mate:?}"));
            }
            _ => findings.check(fresh == mate && viewed == mate, || {
                format!("mate {mate:?}, fresh joiner {fresh:?}, observer {viewed:?}")
            }),
        }
        self.check_told(&mate, before, memory, findings);
        Ok((mate, took))
    }

    fn check_told(&self, mate: &Told, before: bool, memory: &Memory, f: &mut Findings) {
        let as_expected = match (self.case.host, mate) {
            (Some(host), Told::Joined(joined)) => joined.tag == host,
            (Some(_), refused) => {
                self.operation.name == "forbid_new_writers" && refused.is_refused("ReadOnlyHandle")
            }
            // Who came before the kill may have joined the victim.
            (None, Told::Joined(joined)) => before && memory.live == Some(joined.tag),
            // Before its header is written, what the descriptor leads to is no object.
            (None, refused) if memory.is_raw => {
                refused.is_refused("BadHandle") || refused.is_refused("Ended")
            }
            (None, refused) => refused.is_refused("Ended"),
        };
        f.check(as_expected, || {
            let (host, live) = (self.case.host, memory.live);
            format!("host {host:?}, LIVE at the kill {live:?}, and the mate was told {mate:?}")
        });
    }

    fn check_log(&self, lives: Option<u64>, memory: &Memory, findings: &mut Findings) {
        let built = self.ground.tags("C");
        let known =
            |tag: &&u64| self.case.scene_tags.contains(tag) || self.case.host == Some(**tag);
        let by_victim = built.iter().filter(|tag| !known(tag)).count();
        findings.check(by_victim <= usize::from(self.operation.constructs), || {
            format!("{by_victim} constructions by nobody who created")
        });
        for tag in lives.iter().chain(&memory.live) {
            let count = built.iter().filter(|other| *other == tag).count();
            findings.check(count == 1, || format!("{tag} lives and was constructed {count} times"));
        }
        let ended = self.ground.tags("D");
        let (mine, others): (Vec<u64>, Vec<u64>) =
            ended.into_iter().partition(|tag| lives == Some(*tag));
        let expected = usize::from(lives.is_some() && !self.fills());
        findings.check(mine.len() == expected, || {
            format!("the survivors' instance was ended {} times, not {expected}", mine.len())
        });
        findings.check(others.len() <= usize::from(self.operation.ends), || {
            format!("ended without being asked for: {others:?}")
        });
    }

    fn all_leave(&mut self, findings: &mut Findings) -> Result<(), String> {
        for player in self.cast() {
            player.ask("leave")?;
        }
        let names = self.ground.names();
        findings.check(names.is_empty(), || format!("names in the folder: {names:?}"));
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
        self.warm_up()
    }
}

/// Where others reach a file that this process has open.
fn path_of(file: &File) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
}

impl Stage for HandleStage {
    fn raise(&mut self, method: Method) -> Result<(Victim, Remains), String> {
        self.set_scene()?;
        let mut remains = Remains::new(&self.folder);
        let log = self.ground.log().display().to_string();
        let path = self.case.handle.as_ref().map_or_else(|| "-".to_owned(), path_of);
        let arguments = ["victim", "handle", self.operation.name, &path, &log];
        let victim = start_victim(&arguments, &mut remains, method)?;
        Ok((victim, remains))
    }

    fn passed(&mut self, event: &Event, _: &mut Remains) -> Result<(), String> {
        match *event {
            Event::Enter { number, args } if calls::is_wait(number, args) => self.host_goes_on(),
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
        let memory = Memory::read(victim.pid(), remains, self.tag_at())?;
        if self.case.handle.is_none() {
            self.case.handle = remains::open_nameless(victim.pid());
        }
        let ordinal = state.position.call + state.position.change;
        let before = memory.blocks || (ordinal as u64 + self.seed).is_multiple_of(2);
        let (mut lives, mut recovered) = (self.case.host, Duration::ZERO);
        if self.case.handle.is_none() {
            // Nobody can reach what nobody has a descriptor of: it is gone with the victim.
            victim.kill();
        } else {
            let told = self.kill_and_join(victim, before, &memory, &mut findings);
            if let Some((mate, took)) = findings.keep(told) {
                recovered = took;
                if let Told::Joined(joined) = mate {
                    lives = Some(joined.tag);
                }
            }
        }
        if !findings.unsettled {
            let left = self.all_leave(&mut findings);
            findings.keep(left);
            self.check_log(lives, &memory, &mut findings);
        }
        if findings.unsettled || !findings.texts.is_empty() {
            self.restore()?;
        }
        Ok(Verdict { violations: findings.texts, recovered })
    }

    fn finished(&mut self, _: &Victim, _: &mut Remains) -> Result<Vec<String>, String> {
        let mut findings = Findings::default();
        let names = self.ground.names();
        findings.check(names.is_empty(), || format!("names afterwards: {names:?}"));
        let by_host = usize::from(self.operation.scene == Scene::Builder);
        let expected = usize::from(self.operation.constructs) + by_host;
        let built = self.ground.tags("C").len() - self.case.scene_tags.len();
        let ended = self.ground.tags("D").len();
        findings.check(built == expected && ended == usize::from(self.operation.ends), || {
            format!("{built} constructions, not {expected}, and {ended} ends")
        });
        Ok(findings.texts)
    }

    fn clear(&mut self, victim: Victim) -> Result<(), String> {
        victim.kill();
        self.restore()
    }
}

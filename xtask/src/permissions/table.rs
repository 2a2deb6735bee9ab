//! The table: who acts × what the object gives × umask × what stands in the name's place.
//!
//! What each call must say follows from the rights alone, by [`expected`]: nothing of it looks at the
//! library. The umask is in no formula: it must change nothing.

use super::Report;
use super::people::{OPS, People, Person, Who, paths, rights};
use crate::tools::Outcome;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

/// The name of every object.
const NAME: &str = "p";
const UMASKS: [&str; 4] = ["000", "022", "077", "777"];
const VERBS: [&str; 3] = ["open", "open_read_only", "open_or_create"];

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Right {
    Nothing,
    Reads,
    Writes,
}
use Right::{Nothing, Reads, Writes};

impl Right {
    const fn bits(self) -> u32 {
        match self {
            Nothing => 0,
            Reads => 0o4,
            Writes => 0o6,
        }
    }
}

/// What an object gives to whom, and how a user's process is told.
#[derive(Clone, Copy, Debug)]
struct Given {
    spec: &'static str,
    group: Option<Right>,
    everyone: Right,
}

const GIVEN: [Given; 6] = [
    Given { spec: "owner", group: None, everyone: Nothing },
    Given { spec: "group+r", group: Some(Reads), everyone: Nothing },
    Given { spec: "group+w", group: Some(Writes), everyone: Nothing },
    Given { spec: "everyone+r", group: None, everyone: Reads },
    Given { spec: "everyone+w", group: None, everyone: Writes },
    Given { spec: "everyone+r,group+w", group: Some(Writes), everyone: Reads },
];

impl Given {
    /// What whoever made the object leaves for another one to do.
    fn to(self, who: Who, maker: &str) -> Right {
        if who.uid == 0 || who.name == maker {
            return Writes;
        }
        let of_group = self.group.filter(|_| who.in_ops).unwrap_or(Nothing);
        of_group.max(self.everyone)
    }

    /// Whether this user can make such an object.
    fn can_be_made_by(self, who: Who) -> bool {
        self.group.is_none() || who.in_ops || who.uid == 0
    }

    fn of_group(self) -> Right {
        self.group.unwrap_or(Nothing).max(self.everyone)
    }

    fn file_mode(self) -> u32 {
        0o600 | self.of_group().bits() << 3 | self.everyone.bits()
    }

    fn folder_mode(self) -> u32 {
        let mode = self.file_mode();
        mode | 0o100 | (mode & 0o044) >> 2
    }

    /// The lock file's mode, where some may only read.
    fn lock_mode(self) -> Option<u32> {
        let classes = [self.of_group(), self.everyone];
        let writer = |right| if right == Writes { 0o6 } else { 0 };
        classes.contains(&Reads).then(|| 0o600 | writer(classes[0]) << 3 | writer(classes[1]))
    }
}

/// A thing that is no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    File,
    Symlink,
    Fifo,
    Folder,
}

/// What stands in the name's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Absent,
    /// Root's folder for the object, empty.
    EmptyPlace,
    /// An object in use, made by the actor itself.
    Own,
    /// An object in use, made by root.
    Roots,
    /// The same, with a second name elsewhere.
    RootsWithHardLink,
    /// An object in use, made by the owner, whom the actor trusts by name.
    OwnersTrusted,
    /// The same, whom it does not trust.
    Owners,
    /// In the folder's place, the actor's own.
    OwnThing(Thing),
    /// In the folder's place, a stranger's.
    Strangers(Thing),
    /// In the place of the object's file, in root's folder for the object.
    Inside(Thing),
    /// Root's object, with a byte more than its header says.
    WrongSize,
}

const STANDS: [Stand; 20] = [
    Stand::Absent,
    Stand::EmptyPlace,
    Stand::Own,
    Stand::Roots,
    Stand::RootsWithHardLink,
    Stand::OwnersTrusted,
    Stand::Owners,
    Stand::OwnThing(Thing::File),
    Stand::OwnThing(Thing::Symlink),
    Stand::OwnThing(Thing::Fifo),
    Stand::OwnThing(Thing::Folder),
    Stand::Strangers(Thing::File),
    Stand::Strangers(Thing::Symlink),
    Stand::Strangers(Thing::Fifo),
    Stand::Strangers(Thing::Folder),
    Stand::Inside(Thing::File),
    Stand::Inside(Thing::Symlink),
    Stand::Inside(Thing::Fifo),
    Stand::Inside(Thing::Folder),
    Stand::WrongSize,
];

impl Stand {
    /// Who made the object, or its folder, that stands there.
    fn maker(self, actor: Who) -> &'static str {
        match self {
            Stand::Own => actor.name,
            Stand::OwnersTrusted | Stand::Owners => "owner",
            _ => "root",
        }
    }

    /// Whom the actor says that it trusts.
    fn trust(self) -> &'static str {
        if self == Stand::OwnersTrusted { ",trust:1001" } else { "" }
    }
}

/// What a call must answer, at the beginning.
fn expected(actor: Who, given: Given, stand: Stand, verb: &str) -> &'static str {
    let creates = verb == "open_or_create";
    let looks = verb == "open_read_only";
    let right = given.to(actor, stand.maker(actor));
    let refused = |what: &'static str| match right {
        Nothing => "err permission-denied ",
        Reads if !looks => "err permission-denied ",
        _ => what,
    };
    match stand {
        Stand::Absent | Stand::OwnThing(Thing::Folder) => match creates {
            true if given.can_be_made_by(actor) => "ok created=true",
            true => "err permission-denied ",
            false => "err not-found ",
        },
        Stand::EmptyPlace => match (right, creates) {
            (Nothing, _) | (Reads, true) => "err permission-denied ",
            (Writes, true) => "ok created=true",
            (_, false) => "err not-found ",
        },
        Stand::Owners if actor.name != "owner" => "err other-owner ",
        Stand::Own | Stand::Roots | Stand::RootsWithHardLink => {
            refused(if looks { "ok view" } else { "ok created=false" })
        }
        Stand::OwnersTrusted | Stand::Owners => {
            refused(if looks { "ok view" } else { "ok created=false" })
        }
        Stand::OwnThing(Thing::File) => "err not-an-object ",
        Stand::OwnThing(Thing::Symlink) => "err symbolic-link ",
        Stand::OwnThing(Thing::Fifo) => "err not-a-file ",
        Stand::Strangers(_) => "err other-owner ",
        Stand::Inside(_) if right == Nothing => "err permission-denied ",
        Stand::Inside(Thing::Symlink) => "err symbolic-link ",
        Stand::Inside(Thing::Fifo) => "err not-a-file ",
        Stand::Inside(Thing::Folder) => "err directory ",
        Stand::Inside(Thing::File) => refused("err not-an-object "),
        Stand::WrongSize => refused("err oversized "),
    }
}

/// Goes through the table.
pub(super) fn run(people: &People, report: &mut Report) -> Outcome {
    for umask in UMASKS {
        let everybody = people.actors.iter().chain(&people.makers).chain(&people.stranger);
        everybody.into_iter().try_for_each(|person| person.must(&format!("umask {umask}")))?;
        for actor in &people.actors {
            let can_be = |given: &Given| given.group.is_none() || people.has_ops;
            for given in GIVEN.into_iter().filter(can_be) {
                for stand in STANDS {
                    let cell = Cell { people, actor, given, stand, umask };
                    cell.run(report).map_err(|why| format!("{}: {why}", cell.title()))?;
                }
            }
        }
    }
    Ok(())
}

/// One cell of the table.
struct Cell<'a> {
    people: &'a People,
    actor: &'a Person,
    given: Given,
    stand: Stand,
    umask: &'static str,
}

impl Cell<'_> {
    fn title(&self) -> String {
        let (actor, spec) = (self.actor.who.name, self.given.spec);
        format!("{actor}, an object for {spec}, umask {}, {:?}", self.umask, self.stand)
    }

    fn run(&self, report: &mut Report) -> Outcome {
        if !self.set_up(report)? {
            return self.people.clear();
        }
        report.cells += 1;
        for verb in VERBS {
            let order = format!("{verb} {NAME} {}{}", self.given.spec, self.stand.trust());
            let answer = self.actor.ask(&order)?;
            let must = expected(self.actor.who, self.given, self.stand, verb);
            report.check(answer.starts_with(must), || {
                format!("{}: {verb}: expected `{must}`, found `{answer}`", self.title())
            });
            if answer == "ok created=true" {
                self.check_rights(report);
            }
            self.actor.must("leave")?;
        }
        self.check_left(report);
        for maker in &self.people.makers {
            maker.must("leave")?;
        }
        self.people.clear()
    }

    /// Puts something in the name's place. `false`: nobody is there who could.
    fn set_up(&self, report: &mut Report) -> Result<bool, String> {
        let root = self.people.root();
        let folder = root.join(format!("cohabit.{NAME}"));
        match self.stand {
            Stand::Absent => {}
            Stand::EmptyPlace => self.make_place(&folder)?,
            Stand::Own | Stand::Roots | Stand::OwnersTrusted | Stand::Owners => {
                return self.make_object("open_or_create", report);
            }
            Stand::RootsWithHardLink => {
                let made = self.make_object("open_or_create", report)?;
                let linked = fs::hard_link(folder.join(NAME), root.join("elsewhere"));
                linked.map_err(|e| format!("a second name: {e}"))?;
                return Ok(made);
            }
            Stand::OwnThing(thing) => put(self.actor, thing, &folder)?,
            Stand::Strangers(thing) => match &self.people.stranger {
                None => return Ok(false),
                Some(stranger) => put(stranger, thing, &folder)?,
            },
            Stand::Inside(thing) => {
                self.make_place(&folder)?;
                self.put_inside(thing, &folder.join(NAME))?;
            }
            Stand::WrongSize => {
                let made = self.make_object("keep", report)?;
                self.people.maker("root").ok_or("no root")?.must("leave")?;
                let file = fs::OpenOptions::new().append(true).open(folder.join(NAME));
                let grown = file.and_then(|mut file| std::io::Write::write_all(&mut file, b"x"));
                grown.map_err(|e| format!("one byte more: {e}"))?;
                return Ok(made);
            }
        }
        Ok(true)
    }

    fn make_object(&self, verb: &str, report: &mut Report) -> Result<bool, String> {
        let Some(maker) = self.people.maker(self.stand.maker(self.actor.who)) else {
            return Ok(false);
        };
        let order = format!("{verb} {NAME} {}", self.given.spec);
        if self.given.can_be_made_by(maker.who) {
            return maker.must(&order).map(|()| true);
        }
        let answer = maker.ask(&order)?;
        report.check(answer.starts_with("err permission-denied "), || {
            format!("{}: the maker is no member, and found `{answer}`", self.title())
        });
        Ok(false)
    }

    /// Root's folder for the object, made by hand.
    fn make_place(&self, folder: &Path) -> Outcome {
        let mode = fs::Permissions::from_mode(self.given.folder_mode());
        let group = self.given.group.map(|_| OPS);
        let made = fs::create_dir(folder)
            .and_then(|()| chown(folder, None, group))
            .and_then(|()| fs::set_permissions(folder, mode));
        made.map_err(|e| format!("{}: {e}", folder.display()))
    }

    /// What root has where the object's file should be.
    fn put_inside(&self, thing: Thing, path: &Path) -> Outcome {
        let made = match thing {
            Thing::File => fs::write(path, b"no object")
                .and_then(|()| chown(path, None, self.given.group.map(|_| OPS)))
                .and_then(|()| {
                    let mode = fs::Permissions::from_mode(self.given.file_mode());
                    fs::set_permissions(path, mode)
                }),
            Thing::Symlink => symlink("/etc/passwd", path),
            Thing::Folder => fs::create_dir(path),
            Thing::Fifo => {
                let root = self.people.maker("root").ok_or("no root")?;
                return root.must(&format!("fifo {}", path.display()));
            }
        };
        made.map_err(|e| format!("{}: {e}", path.display()))
    }

    /// The rights of what the actor just made.
    fn check_rights(&self, report: &mut Report) {
        let (folder, object, lock) = paths(self.people.root(), NAME);
        let (actor, given) = (self.actor.who, self.given);
        let group = (given.of_group() != given.everyone).then_some(OPS);
        let place_owner = if self.stand == Stand::EmptyPlace { 0 } else { actor.uid };
        let mut check = |what: &str, path: &Path, mode: u32, owner: u32| {
            let found = rights(path);
            let fits = found.is_some_and(|(found_mode, found_owner, found_group)| {
                (found_mode, found_owner) == (mode, owner)
                    && group.is_none_or(|group| group == found_group)
            });
            report.check(fits, || {
                let expected = format!("{mode:04o} of {owner}, group {group:?}");
                format!("{}: {what}: expected {expected}, found {found:?}", self.title())
            });
        };
        check("the folder", &folder, given.folder_mode(), place_owner);
        check("the object", &object, given.file_mode(), actor.uid);
        if let (Some(path), Some(mode)) = (&lock, given.lock_mode()) {
            check("the lock file", path, mode, actor.uid);
        }
        report.check(lock.is_some() == given.lock_mode().is_some(), || {
            format!("{}: a lock file: {lock:?}", self.title())
        });
    }

    /// What the actor leaves behind where only it was.
    fn check_left(&self, report: &mut Report) {
        let left = self.people.names();
        let expected: &[&str] = match self.stand {
            Stand::Absent => &[],
            // Removed by root, to whom it belongs, when it has left an object there.
            Stand::EmptyPlace if self.actor.who.uid == 0 => &[],
            Stand::EmptyPlace => &["cohabit.p"],
            _ => return,
        };
        report.check(left == expected, || format!("{}: left behind: {left:?}", self.title()));
    }
}

/// Puts a thing there, as one of the users.
fn put(person: &Person, thing: Thing, path: &Path) -> Outcome {
    let path = path.display();
    person.must(&match thing {
        Thing::File => format!("file {path}"),
        Thing::Symlink => format!("link {path} /etc/passwd"),
        Thing::Fifo => format!("fifo {path}"),
        Thing::Folder => format!("folder {path}"),
    })
}

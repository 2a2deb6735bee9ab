//! The users: each a process that obeys one line at a time, under a user id of its own.

use super::Report;
use crate::tools::Sandbox;
use std::cell::RefCell;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The group that objects are shared with.
pub(super) const OPS: u32 = 1100;
/// The one whose things stand in the way.
pub(super) const STRANGER: u32 = 1004;

/// Which user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) name: &'static str,
    pub(super) uid: u32,
    pub(super) in_ops: bool,
}

/// Who acts; no account needs to have these numbers.
pub(super) const ACTORS: [Who; 5] = [
    Who { name: "root", uid: 0, in_ops: false },
    Who { name: "owner", uid: 1001, in_ops: true },
    Who { name: "group", uid: 1002, in_ops: true },
    Who { name: "other", uid: 1003, in_ops: false },
    Who { name: "nobody", uid: 65534, in_ops: false },
];

/// One process of a user.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) who: Who,
    talk: RefCell<Talk>,
}

#[derive(Debug)]
struct Talk {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Person {
    fn start(who: Who, root: &Path) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|e| format!("this program: {e}"))?;
        let mut command = Command::new(program);
        command.args(["test-permissions", "user"]).env("COHABIT_DIR", root).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|e| format!("{} does not start: {e}", who.name))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (orders, answers) = pipes.ok_or_else(|| format!("{} has no pipes", who.name))?;
        let talk = Talk { child, orders, answers: BufReader::new(answers) };
        let person = Self { who, talk: RefCell::new(talk) };
        let groups = if who.in_ops { format!(" {OPS}") } else { String::new() };
        let became = person.ask(&format!("become {0} {0}{groups}", who.uid))?;
        if became == "ok" { Ok(person) } else { Err(became) }
    }

    /// Gives an order and waits for the answer.
    pub(super) fn ask(&self, order: &str) -> Result<String, String> {
        let name = self.who.name;
        let talk = &mut *self.talk.borrow_mut();
        writeln!(talk.orders, "{order}").map_err(|e| format!("{name} takes no order: {e}"))?;
        let mut answer = String::new();
        match talk.answers.read_line(&mut answer) {
            Ok(count) if count > 0 => Ok(answer.trim_end().to_owned()),
            other => Err(format!("{name} did not answer `{order}`: {other:?}")),
        }
    }

    /// Gives an order that must be done.
    pub(super) fn must(&self, order: &str) -> Result<(), String> {
        match self.ask(order)? {
            answer if answer.starts_with("ok") => Ok(()),
            answer => Err(format!("{}: `{order}` answered `{answer}`", self.who.name)),
        }
    }

    /// Kills the process where it is, and starts another one.
    pub(super) fn kill(&mut self, root: &Path) -> Result<(), String> {
        *self = Self::start(self.who, root)?;
        Ok(())
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let talk = self.talk.get_mut();
        // Both can fail only when it is gone already, which is what is wanted.
        let _ = talk.child.kill();
        let _ = talk.child.wait();
    }
}

/// Everybody, and the folder that is everybody's.
pub(super) struct People {
    pub(super) actors: Vec<Person>,
    /// For each actor, a second process of the same user, that has objects before the actor comes.
    pub(super) makers: Vec<Person>,
    pub(super) stranger: Option<Person>,
    /// Whether files can be given to the group.
    pub(super) has_ops: bool,
    sandbox: Sandbox,
}

impl People {
    /// Starts everybody whom the kernel lets be; who may not be is skipped, with the reason.
    pub(super) fn gather(report: &mut Report) -> Result<Self, String> {
        let sandbox = Sandbox::for_objects("permissions")?;
        let root = sandbox.path();
        let mode = fs::Permissions::from_mode(0o1777);
        fs::set_permissions(root, mode).map_err(|e| format!("{}: {e}", root.display()))?;
        let (mut actors, mut makers) = (Vec::new(), Vec::new());
        for who in ACTORS {
            match Person::start(who, root).and_then(|one| Ok((one, Person::start(who, root)?))) {
                Ok((actor, maker)) => {
                    actors.push(actor);
                    makers.push(maker);
                }
                Err(why) => report.skip(format!("{} (user {}): {why}", who.name, who.uid)),
            }
        }
        let stranger = Who { name: "a stranger", uid: STRANGER, in_ops: false };
        let stranger = match Person::start(stranger, root) {
            Ok(stranger) => Some(stranger),
            Err(why) => {
                report.skip(format!("a stranger's things (user {STRANGER}): {why}"));
                None
            }
        };
        let has_ops = match chown(root, None, Some(OPS)) {
            Ok(()) => true,
            Err(why) => {
                report.skip(format!("objects for a group (number {OPS}): {why}"));
                false
            }
        };
        Ok(Self { actors, makers, stranger, has_ops, sandbox })
    }

    /// The folder in which all objects are, as /dev/shm is.
    pub(super) fn root(&self) -> &Path {
        self.sandbox.path()
    }

    /// An actor, if it may be.
    pub(super) fn actor(&self, name: &str) -> Option<&Person> {
        self.actors.iter().find(|person| person.who.name == name)
    }

    /// The maker of a user, if it may be.
    pub(super) fn maker(&self, name: &str) -> Option<&Person> {
        self.makers.iter().find(|person| person.who.name == name)
    }

    /// Another process of a user, which the caller may kill.
    pub(super) fn another(&self, name: &str) -> Option<Result<Person, String>> {
        self.actor(name).map(|person| Person::start(person.who, self.root()))
    }

    /// What stands in the folder, at any depth, by its path from there.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.root().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let name = path.strip_prefix(self.root()).unwrap_or(&path);
                names.push(name.display().to_string());
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                }
            }
        }
        names.sort();
        names
    }

    /// Takes away whatever stands in the folder.
    pub(super) fn clear(&self) -> Result<(), String> {
        for entry in fs::read_dir(self.root()).map_err(|e| e.to_string())?.flatten() {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let gone = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            gone.map_err(|e| format!("{}: {e}", path.display()))?;
        }
        Ok(())
    }
}

/// Permission bits, owner and group of a path.
pub(super) fn rights(path: &Path) -> Option<(u32, u32, u32)> {
    let about = fs::symlink_metadata(path).ok()?;
    Some((about.mode() & 0o7777, about.uid(), about.gid()))
}

/// The paths of an object's folder, of its file, and of its lock file if there is one.
pub(super) fn paths(root: &Path, name: &str) -> (PathBuf, PathBuf, Option<PathBuf>) {
    let folder = root.join(format!("cohabit.{name}"));
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path());
    let is_lock = |path: &PathBuf| path.display().to_string().contains("/.cohabit.");
    let lock = paths.find(is_lock);
    let object = folder.join(name);
    (folder, object, lock)
}

//! A folder of one test's own, and what is counted before and after.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cohabit::{EntryState, Scope};
use cohabit_os::process::effective_uid;

use super::beside::without_what_is_beside;
use super::{Child, sys, windows_since};

/// A root for `COHABIT_DIR` with this user's folder in it, which must be empty in the end.
pub(crate) struct World {
    root: PathBuf,
    folder: PathBuf,
}

impl World {
    pub(crate) fn new() -> World {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let memory = Path::new("/dev/shm");
        let base =
            if cfg!(unix) && memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        World::below(&base.join(format!("cohabit-test-{}-{number}", std::process::id())))
    }

    pub(crate) fn below(root: &Path) -> World {
        make_private_folder(root);
        let folder = root.join(format!("cohabit-{}", effective_uid()));
        make_private_folder(&folder);
        World { root: root.to_owned(), folder }
    }

    /// What `COHABIT_DIR` names in children.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The objects' folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The scope that means, in this process, what `Scope::User` means in the children.
    pub(crate) fn scope(&self) -> Scope {
        Scope::Folder(self.folder.clone())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether nothing at all is in the folder, what a mechanism has beside objects included.
    pub(crate) fn is_bare(&self) -> bool {
        fs::read_dir(&self.folder).expect("the folder").next().is_none()
    }

    /// Makes the root a place for objects of several users, as `/dev/shm` is.
    #[cfg(unix)]
    pub(crate) fn open_to_all(&self) {
        set_mode(&self.root, 0o1777);
    }

    /// The folder of an object that several users share.
    pub(crate) fn shared(&self, name: &str) -> PathBuf {
        self.root.join(format!("cohabit.{name}"))
    }

    /// What there is of objects that several users share, folders and what is in them.
    pub(crate) fn shared_names(&self) -> Vec<String> {
        let of_ours = |name: &String| name.starts_with("cohabit.") || name.starts_with('.');
        let folders = names_in(&self.root).into_iter().filter(of_ours);
        folders
            .flat_map(|folder| {
                let inner = names_in(&self.root.join(&folder));
                std::iter::once(folder.clone())
                    .chain(inner.into_iter().map(move |name| format!("{folder}/{name}")))
            })
            .collect()
    }

    /// Starts a child in a role.
    pub(crate) fn child(&self, role: &str) -> Child {
        self.child_with(role, &[])
    }

    pub(crate) fn child_with(&self, role: &str, arguments: &[&str]) -> Child {
        let mut command = Child::command(role, arguments);
        command.env("COHABIT_DIR", &self.root).env("COHABIT_TEST_LOG", self.log_path());
        Child::start(command, role)
    }

    /// Runs a role that needs no script to its end.
    pub(crate) fn run(&self, role: &str, arguments: &[&str]) {
        self.child_with(role, arguments).finish();
    }

    fn log_path(&self) -> PathBuf {
        self.root.join("log")
    }

    /// How often `word` stands in the log that children append to.
    pub(crate) fn logged(&self, word: &str) -> usize {
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        log.lines().filter(|line| *line == word).count()
    }

    /// The log that children append to.
    pub(crate) fn log_lines(&self) -> Vec<String> {
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        names_in(&self.folder)
    }

    /// Takes an object's name away behind the back of its users.
    #[cfg(unix)]
    pub(crate) fn lose(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("the name");
    }

    /// The same where a name is no file.
    #[cfg(windows)]
    pub(crate) fn lose(&self, name: &str) {
        use cohabit_os::mapping::{retire, status_of};
        let id = status_of(&self.path(name)).expect("the name").id;
        assert!(retire(&self.path(name), id).expect("the name"), "it meant another object");
    }

    /// Whether the object is still there, all of whose users were killed: it is, but where memory is gone that
    /// nobody has.
    #[track_caller]
    pub(crate) fn is_left_behind(&self, name: &str) -> bool {
        let found = self.entry(name).map(|entry| entry.state);
        let is_gone = windows_since("what is left when all users were killed is nothing");
        assert_eq!(found, (!is_gone).then_some(EntryState::Orphan), "`{name}`");
        !is_gone
    }

    /// What `gc` takes away where all users of this object were killed.
    pub(crate) fn collects_left_behind(&self, name: &str) {
        let names = if self.is_left_behind(name) { vec![name] } else { Vec::new() };
        assert_eq!(cohabit::collect(&self.scope()).expect("tidied").removed, names);
        assert!(self.is_bare(), "nothing is left after it");
    }

    /// Takes a file away by hand. The lock files that the portable mechanism had beside it go as they do when the
    /// next object is made here, or by `gc`, unless somebody lives who has the file.
    pub(crate) fn remove_by_hand(&self, name: &str) {
        self.lose(name);
        self.tidy();
    }

    /// What whoever makes the next object here does before it.
    pub(crate) fn tidy(&self) {
        cohabit_os::mapping::tidy(&self.folder);
    }

    #[track_caller]
    pub(crate) fn assert_empty(&self) {
        assert_eq!(self.names(), Vec::<String>::new(), "something was left behind");
    }

    /// The entry of an object as `list` gives it.
    pub(crate) fn entry(&self, name: &str) -> Option<cohabit::Entry> {
        let entries = cohabit::list(&self.scope()).expect("a list");
        entries.into_iter().find(|entry| entry.name == name)
    }

    /// Waits until so many users and guests live.
    pub(crate) fn until_users(&self, name: &str, count: usize) {
        until(|| self.entry(name).is_some_and(|entry| entry.users == count));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let left = names_in(&self.folder);
        let removed = fs::remove_dir_all(&self.root);
        if !std::thread::panicking() {
            removed.expect("the test's folder goes with it");
            assert_eq!(left, Vec::<String>::new(), "something was left behind");
        }
    }
}

pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry").file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    without_what_is_beside(folder, names)
}

/// Adds a word to the log of the test, in a child.
pub(crate) fn log(word: &str) {
    use std::io::Write;
    let path = std::env::var_os("COHABIT_TEST_LOG").expect("a log");
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).expect("the log");
    file.write_all(format!("{word}\n").as_bytes()).expect("the log");
}

/// Looks again until it is so. There is no bound: a test that hangs has failed.
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether this process may do what only root may; says so if not.
#[cfg(unix)]
pub(crate) fn is_root() -> bool {
    let root = effective_uid() == 0;
    if !root {
        println!("skipped: needs root");
    }
    root
}

#[cfg(unix)]
fn make_private_folder(path: &Path) {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(path).expect("a folder");
}

/// Who may use it is what its parent says, which is this user's own.
#[cfg(windows)]
fn make_private_folder(path: &Path) {
    fs::create_dir(path).expect("a folder");
}

/// Lets the owner and nobody else in, or others too.
#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// What this process holds of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) handles: usize,
    /// Views of objects.
    pub(crate) views: usize,
}

impl Census {
    pub(crate) fn now() -> Census {
        Census { handles: sys::open_handles(), views: sys::views() }
    }
}

/// A number of KiB that /proc/self/status has under `key`.
#[cfg(unix)]
pub(crate) fn status_kib(key: &str) -> u64 {
    status_of(std::process::id(), key)
}

/// The number that a process's status has under `key`.
#[cfg(unix)]
pub(crate) fn status_of(pid: u32, key: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the status");
    let line = status.lines().find(|line| line.starts_with(key)).expect("the key");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

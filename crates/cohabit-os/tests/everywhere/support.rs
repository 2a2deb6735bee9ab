//! Folders that vanish, and peers: this program, started again to play a role.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cohabit_os::mapping::{Access, File, FileId, Lasts, Mapping};

/// Longer than any test runs.
pub(crate) const LONG: Duration = Duration::from_secs(86_400);

/// A folder of one test.
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn new() -> Folder {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() && cfg!(unix) { memory.into() } else { std::env::temp_dir() };
        let number = NEXT.fetch_add(1, Relaxed);
        let path = root.join(format!("cohabit-os-everywhere-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).expect("a folder for the test");
        Folder { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A published file of one page.
    pub(crate) fn file(&self, name: &str) -> (PathBuf, File, FileId) {
        self.file_that(Lasts::WhileUsed, name)
    }

    /// The same, which lasts so long.
    pub(crate) fn file_that(&self, lasts: Lasts, name: &str) -> (PathBuf, File, FileId) {
        let file = File::lasting(&self.path, 4096, 0o600, lasts).expect("an unnamed file");
        let path = self.join(name);
        file.publish(&path).expect("a free name");
        let id = file.status().expect("a status").id;
        (path, file, id)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Where files can be: in memory, as far as the system has some, and on a disk.
pub(crate) const KINDS: [(Lasts, &str); 2] =
    [(Lasts::WhileUsed, "while used"), (Lasts::OnDisk, "on disk")];

/// The word of a kind, as a role says it.
pub(crate) fn kind_of(word: &str) -> Lasts {
    KINDS.into_iter().find(|(_, name)| *name == word).expect("a kind").0
}

/// Whether this run is the portable mechanism's, where a test asserts something else; says why.
pub(crate) fn portable_since(why: &str) -> bool {
    let portable = cohabit_os::mechanism() == cohabit_os::Mechanism::Portable;
    if portable {
        println!("otherwise for the portable mechanism: {why}");
    }
    portable
}

/// The names in a folder, without those that files have before they have one.
pub(crate) fn published(folder: &Folder) -> Vec<String> {
    let mut names = cohabit_os::mapping::list(folder.path()).expect("a list");
    if portable_since("a file that has no name yet is a hidden draft") {
        names.retain(|name| !name.starts_with(".cohabit.draft."));
    }
    names
}

/// Word number `at` of a mapping, as all processes see it.
pub(crate) fn word(mapping: &Mapping, at: usize) -> &AtomicU64 {
    assert!((at + 1) * 8 <= mapping.len());
    let word = mapping.base().as_ptr().cast::<u64>().wrapping_add(at);
    // SAFETY: it is inside of the mapping, which starts at a page and lives as long as the reference, and
    // every test uses it as an atomic only.
    unsafe { AtomicU64::from_ptr(word) }
}

/// Held while a program is started, and while a byte is taken: a child that comes between the two has the
/// descriptor, and so the byte, until it executes its program.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a program.
pub(crate) fn start(command: &mut Command) -> Child {
    let _alone = alone();
    command.spawn().expect("this program again")
}

/// This program, started again; killed when it is dropped.
pub(crate) struct Peer {
    child: Child,
    tells: ChildStdin,
    hears: BufReader<ChildStdout>,
}

/// What a peer's lines begin with, among what the test harness prints.
const MARK: &str = "peer: ";

impl Peer {
    /// Starts a peer that plays a role, and says what the role needs to know.
    pub(crate) fn play(role: &str, words: &[&str]) -> Peer {
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        command.args(["roles::play", "--exact", "--nocapture"]).env("COHABIT_OS_ROLE", role);
        let mut child = start(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let tells = child.stdin.take().expect("a pipe");
        let hears = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut peer = Peer { child, tells, hears };
        words.iter().for_each(|word| peer.tell(word));
        peer
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.tells, "{line}").expect("the peer hears");
    }

    /// The next line that the peer says.
    pub(crate) fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            let read = self.hears.read_line(&mut line).expect("the peer says something");
            assert!(read > 0, "the peer ended and said nothing more");
            // The harness begins the line of a test that it runs, and leaves it open.
            if let Some((_, said)) = line.trim_end().split_once(MARK) {
                return said.to_owned();
            }
        }
    }

    pub(crate) fn expect(&mut self, line: &str) {
        assert_eq!(self.hear(), line);
    }

    /// Kills it, and returns once it is dead.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a kill");
        self.child.wait().expect("its end");
    }

    /// Returns once it has ended by itself, and well.
    pub(crate) fn end(mut self) {
        let status = self.child.wait().expect("its end");
        assert!(status.success(), "the peer ended with {status}");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a role says to whoever started it.
pub(crate) fn say(line: &str) {
    println!("{MARK}{line}");
}

/// The next line that a role is told. Nobody left to tell one is the end.
pub(crate) fn told() -> String {
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line).expect("a line");
    if read == 0 {
        std::process::exit(0);
    }
    line.trim_end().to_owned()
}

/// Opens and maps the first page of what a path names.
pub(crate) fn map(path: &Path) -> Mapping {
    let file = File::open(path, Access::ReadWrite).expect("an open file");
    file.map(4096, Access::ReadWrite).expect("a map")
}

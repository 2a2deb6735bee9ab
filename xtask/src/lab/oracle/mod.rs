//! The oracles: what must hold for the survivors, whatever the state in which a victim was killed.
//!
//! Both work the same way. Survivors are long-lived [`Player`]s; each case has an object of its
//! own, in one folder that must be empty between cases. The players attach anew in each case, so
//! that a victim finds the same as in the run that recorded its states.
pub(super) mod cells;
pub(super) mod handle;
mod history;
mod instance;
pub(super) mod life;
pub(super) mod locks;
pub(super) mod value;

use super::cast::{self, Player};
use super::remains::{self, Remains};
use super::trace::{Method, Victim};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long somebody may take to come to a wait before the case goes on without.
const TO_A_WAIT: Duration = Duration::from_millis(20);

/// The folder of the objects and a file beside it for what constructors and destructors say.
#[derive(Debug)]
pub(super) struct Ground {
    root: PathBuf,
    cases: u32,
}

impl Ground {
    /// Makes a fresh folder, in memory where the system has such a place.
    pub(super) fn new() -> Result<Self, String> {
        let memory = Path::new("/dev/shm");
        Self::below(if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() })
    }

    /// Makes a fresh folder on the disk that has this program.
    pub(super) fn on_disk() -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        Self::below(program.parent().unwrap_or(Path::new("/")).to_path_buf())
    }

    fn below(base: PathBuf) -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Relaxed);
        // Of one length, as are the names of objects: no victim's run differs by it.
        let root = base.join(format!("cohabit-lab-{:08}-{number:04}", std::process::id()));
        sweep_stale(&base);
        let made = fs::create_dir(&root).and_then(|()| fs::create_dir(root.join("objects")));
        made.map_err(|error| format!("cannot make {}: {error}", root.display()))?;
        let ground = Self { root, cases: 0 };
        restrict(&ground.folder())?;
        Ok(ground)
    }

    /// Where the objects are.
    pub(super) fn folder(&self) -> PathBuf {
        self.root.join("objects")
    }

    /// Where constructors and destructors leave a line.
    pub(super) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// The tags of the log's lines that begin with `kind`.
    pub(super) fn tags(&self, kind: &str) -> Vec<u64> {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let of_kind = text.lines().filter_map(|line| line.strip_prefix(kind)?.trim().parse().ok());
        of_kind.collect()
    }

    /// The name of the next case's object: all are of one length, so that no run differs by it.
    pub(super) fn next_name(&mut self) -> String {
        self.cases += 1;
        format!("case{:08}", self.cases)
    }

    /// What stands in the folder: files and folders.
    pub(super) fn names(&self) -> Vec<String> {
        let names = remains::names(&self.folder()).unwrap_or_default();
        names.into_iter().map(|(name, _)| name).collect()
    }

    /// The objects' files.
    pub(super) fn objects(&self) -> Vec<String> {
        let files = remains::files(&self.folder()).unwrap_or_default().into_iter();
        files.map(|(path, _)| path).filter(|path| remains::is_object(path)).collect()
    }

    /// The inodes of the files that stand in the folder.
    pub(super) fn inodes(&self) -> Vec<u64> {
        let files = remains::files(&self.folder()).unwrap_or_default();
        files.into_iter().map(|(_, inode)| inode).collect()
    }

    /// Takes away what a case that failed left behind.
    pub(super) fn sweep(&self) {
        for name in self.names() {
            let path = self.folder().join(name);
            let _gone_already = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _best_effort = fs::remove_dir_all(&self.root);
    }
}

/// Takes away the folders of laboratories that were interrupted.
fn sweep_stale(base: &Path) {
    for (name, _) in remains::names(base).unwrap_or_default() {
        let number = name.strip_prefix("cohabit-lab-").and_then(|rest| rest.split('-').next());
        let pid = number.and_then(|number| number.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _best_effort = fs::remove_dir_all(base.join(name));
        }
    }
}

/// Only this user may write there, whatever the umask is.
fn restrict(folder: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let only_me = fs::Permissions::from_mode(0o700);
    fs::set_permissions(folder, only_me).map_err(|error| error.to_string())
}

/// Starts a victim and brings it, traced, in front of its operation.
fn start_victim(
    arguments: &[&str],
    remains: &mut Remains,
    method: Method,
) -> Result<Victim, String> {
    let mut command = cast::child_command(arguments)?;
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let child = command.spawn().map_err(|error| format!("the victim does not start: {error}"))?;
    // Reaped by the Victim; the handle of the standard library only names it.
    let pid = child.id().cast_signed();
    Victim::adopt(pid, remains, method).map_err(|error| format!("victim {arguments:?}: {error}"))
}

/// Runs a child that ends by its own hand, and waits until it is gone.
fn run_to_death(arguments: &[&str]) -> Result<(), String> {
    let mut command = cast::child_command(arguments)?;
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = started.map_err(|error| format!("{arguments:?} does not start: {error}"))?;
    match std::os::unix::process::ExitStatusExt::signal(&status) {
        Some(libc::SIGKILL) => Ok(()),
        _ => Err(format!("{arguments:?} was to die by SIGKILL, and ended so: {status}")),
    }
}

/// Waits, not for long, until a player sleeps in the kernel inside its order, or has answered.
fn until_it_waits(player: &mut Player) {
    let start = Instant::now();
    while start.elapsed() < TO_A_WAIT && !player.answered() {
        // Between order and sleep the player is on its way; it sleeps also while it reads orders.
        if cast::sleeps(player.pid()) && in_futex(player.pid()) {
            return;
        }
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// Whether a process is inside a futex call, or pauses by the clock.
pub(super) fn in_futex(pid: i32) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    let number = text.split_whitespace().next().and_then(|number| number.parse::<i64>().ok());
    let waits = [libc::SYS_futex, libc::SYS_nanosleep, libc::SYS_clock_nanosleep];
    number.is_some_and(|number| waits.contains(&number))
}

/// What a case found wrong.
#[derive(Debug, Default)]
struct Findings {
    texts: Vec<String>,
    /// Whether a player may be in the middle of something.
    unsettled: bool,
}

impl Findings {
    /// Keeps an error as a finding.
    fn keep<T>(&mut self, result: Result<T, String>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(text) => {
                self.texts.push(text);
                self.unsettled = true;
                None
            }
        }
    }

    /// Notes a finding unless `held`.
    fn check(&mut self, held: bool, text: impl FnOnce() -> String) {
        if !held {
            self.texts.push(text());
        }
    }
}

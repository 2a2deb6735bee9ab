//! Folders that vanish, children that are always reaped, and pipes to line them up.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cohabit_os::mapping::{Access, File, FileId, Mapping};

/// No other test runs while this exists.
pub(crate) struct Alone {
    _guard: MutexGuard<'static, ()>,
}

impl Alone {
    pub(crate) fn now() -> Alone {
        static ONE: Mutex<()> = Mutex::new(());
        Alone { _guard: ONE.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

/// A folder of one test, in memory where the system has such a place.
pub(crate) struct Folder {
    path: PathBuf,
    _alone: Alone,
}

impl Folder {
    pub(crate) fn new() -> Folder {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let name = format!("cohabit-os-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
        let (path, _alone) = (root.join(name), Alone::now());
        std::fs::create_dir(&path).expect("a folder for the test");
        Folder { path, _alone }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A published file of one page.
    pub(crate) fn file(&self, name: &str) -> (PathBuf, File, FileId) {
        let file = File::unnamed(&self.path, 4096, 0o600).expect("an unnamed file");
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

/// The first word of a mapping, as all processes see it.
pub(crate) fn word(mapping: &Mapping) -> &AtomicU64 {
    let word = mapping.base().as_ptr().cast::<u64>();
    // SAFETY: the mapping starts at a page, is longer than a word, lives as long as the reference,
    // and every test uses its first word as an atomic only.
    unsafe { AtomicU64::from_ptr(word) }
}

pub(crate) fn shared_word(folder: &Folder) -> Mapping {
    let file = File::unnamed(folder.path(), 4096, 0o600).expect("an unnamed file");
    file.map(4096, Access::ReadWrite).expect("a map")
}

/// A child process; killed and reaped when it is dropped.
pub(crate) struct Child {
    pid: libc::pid_t,
    reaped: bool,
}

/// A child that a failed test left behind ends after this many seconds; none comes near.
const WATCHDOG_S: u32 = 120;

/// How a child is made.
#[derive(Clone, Copy)]
pub(crate) enum By {
    Fork,
    RawClone,
}

/// Runs `body` in a forked child; what it returns is the exit code, and a panic is 101.
pub(crate) fn child(body: impl FnOnce() -> i32) -> Child {
    child_by(By::Fork, body)
}

pub(crate) fn child_by(by: By, body: impl FnOnce() -> i32) -> Child {
    let pid = match by {
        // SAFETY: the child runs one closure and leaves by `_exit`; it uses locks of the C library,
        // which its fork resets, and none that another test could hold, since tests run alone.
        By::Fork => unsafe { libc::fork() },
        By::RawClone => {
            let none = 0 as libc::c_long;
            let flags = libc::c_long::from(libc::SIGCHLD);
            // SAFETY: as for fork; the closure is one that does not use the C library's locks.
            let pid = unsafe { libc::syscall(libc::SYS_clone, flags, none, none, none, none) };
            libc::pid_t::try_from(pid).expect("a pid")
        }
    };
    assert!(pid >= 0, "a child");
    if pid == 0 {
        // SAFETY: alarm(2) has no precondition.
        unsafe { libc::alarm(WATCHDOG_S) };
        let code = catch_unwind(AssertUnwindSafe(body)).unwrap_or(101);
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(code) }
    }
    Child { pid, reaped: false }
}

impl Child {
    pub(crate) fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: the child is not reaped yet, so the id is its own.
        let sent = unsafe { libc::kill(self.pid, signal) };
        assert_eq!(sent, 0, "a signal to a child of ours");
    }

    /// Stops it, and returns once it is stopped.
    pub(crate) fn stop(&self) {
        self.signal(libc::SIGSTOP);
        assert!(libc::WIFSTOPPED(self.wait_for(libc::WUNTRACED)), "the child stops");
    }

    /// Kills it, and returns once it is dead.
    pub(crate) fn kill(mut self) {
        self.signal(libc::SIGKILL);
        let status = self.wait_for(0);
        self.reaped = true;
        assert!(libc::WIFSIGNALED(status), "the child is killed");
    }

    /// Its exit code, once it has one.
    pub(crate) fn code(mut self) -> i32 {
        let status = self.wait_for(0);
        self.reaped = true;
        assert!(libc::WIFEXITED(status), "the child ends by itself, not by status {status:#x}");
        libc::WEXITSTATUS(status)
    }

    fn wait_for(&self, options: i32) -> i32 {
        let mut status = 0;
        // SAFETY: `status` is ours for the call.
        let pid = unsafe { libc::waitpid(self.pid, &raw mut status, options) };
        assert_eq!(pid, self.pid, "a status of a child of ours");
        status
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            self.signal(libc::SIGKILL);
            self.wait_for(0);
        }
    }
}

/// One process tells, another hears. Both ends are close-on-exec.
pub(crate) struct Line {
    hear: PipeReader,
    tell: PipeWriter,
}

impl Line {
    pub(crate) fn new() -> Line {
        let (hear, tell) = pipe().expect("a pipe");
        Line { hear, tell }
    }

    pub(crate) fn tell(&self) {
        (&self.tell).write_all(b"!").expect("somebody hears");
    }

    /// Waits until somebody tells.
    pub(crate) fn hear(&self) {
        let mut byte = [0];
        (&self.hear).read_exact(&mut byte).expect("somebody tells");
    }

    /// Waits until nobody is left who could tell.
    pub(crate) fn hear_end(self) {
        let Line { mut hear, tell } = self;
        drop(tell);
        let mut rest = Vec::new();
        hear.read_to_end(&mut rest).expect("the end");
        assert!(rest.is_empty(), "nobody tells");
    }

    pub(crate) fn tell_end(&self) -> &PipeWriter {
        &self.tell
    }
}

/// Sleeps until a signal ends the process.
pub(crate) fn forever() -> ! {
    loop {
        std::thread::park();
    }
}

/// Runs the rest as root only; says so where it is not.
pub(crate) fn root(what: &str) -> bool {
    let root = cohabit_os::process::effective_uid() == 0;
    if !root {
        println!("skipped, since it takes root: {what}");
    }
    root
}

/// Whether this run is the portable mechanism's.
pub(crate) fn portable() -> bool {
    cohabit_os::mechanism() == cohabit_os::Mechanism::Portable
}

/// The ways of making a child of which this mechanism knows.
pub(crate) fn ways() -> &'static [By] {
    if for_linux_only(
        "a child of a raw clone, which the C library tells nobody of, is as its parent",
    ) {
        return &[By::Fork];
    }
    &[By::Fork, By::RawClone]
}

/// Says so where a test is about what only Linux's own mechanism promises.
pub(crate) fn for_linux_only(why: &str) -> bool {
    if portable() {
        println!("not for the portable mechanism: {why}");
    }
    portable()
}

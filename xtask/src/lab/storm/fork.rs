//! Actors as forked children: a process in a fifth of a millisecond.
//!
//! Who forks is an arena: one thread, which never used the library. So its children have everything
//! that a new process has, without the time that executing a program takes.
use crate::lab::raw::{self, Patience, Waited};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The exit code of an actor that found something wrong.
pub(crate) const FOUND: i32 = 3;

/// Starts an actor; it is killed when this process dies. What it returns is its exit code.
pub(crate) fn start(act: impl FnOnce() -> i32) -> Result<i32, String> {
    let parent = std::process::id();
    // SAFETY: this process has one thread, so that the child may do all that it could do.
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => Err(format!("cannot fork: {}", io::Error::last_os_error())),
        0 => {
            die_with_parent(parent);
            let code = catch_unwind(AssertUnwindSafe(act)).unwrap_or(FOUND);
            // SAFETY: ends the child; what belongs to its parent is not run, and it left its objects.
            unsafe { libc::_exit(code) }
        }
        pid => Ok(pid),
    }
}

/// Asks the kernel to kill this process when its parent dies.
fn die_with_parent(parent: u32) {
    // SAFETY: takes a number and touches no memory.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    // 0 is a parent in another pid namespace, which was there a moment ago.
    if ![parent, 0].contains(&std::os::unix::process::parent_id()) {
        std::process::exit(0);
    }
}

/// Whether the arena itself dies with who started it.
pub(crate) fn follow(parent: u32) {
    // SAFETY: takes a number and touches no memory.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    if std::os::unix::process::parent_id() != parent {
        std::process::exit(0);
    }
}

/// Waits until a child is gone; how it went.
pub(crate) fn reap(pid: i32) -> Result<Waited, String> {
    raw::wait(pid, Patience::Block).map_err(|error| format!("waiting for {pid}: {error}"))
}

/// How a child went, if it is gone by itself.
pub(crate) fn is_gone(pid: i32) -> Result<Option<Waited>, String> {
    let gone = raw::wait(pid, Patience::Look);
    match gone.map_err(|error| format!("waiting for {pid}: {error}"))? {
        Waited::Nothing | Waited::Stopped(_) => Ok(None),
        how => Ok(Some(how)),
    }
}

/// Sends a signal to a child that was not reaped yet.
pub(crate) fn send(pid: i32, signal: i32) {
    // SAFETY: sends a signal; the caller owns the unreaped child, so the pid is not re-used.
    unsafe { libc::kill(pid, signal) };
}

/// Nanoseconds of the monotonic clock, which all processes of the machine share; never zero.
pub(crate) fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes `time` only.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    (seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)).max(1)
}

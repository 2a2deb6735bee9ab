//! Counts the instructions that an operation takes, by stepping through them: a number that no other load
//! of the machine changes.
//!
//! The child offers itself to be traced and raises a signal before, between and behind two loops, of no and
//! of [`TIMES`] operations. It is stepped from each signal to the next; what the second loop takes more
//! is what the operations take.

use std::hint::black_box;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

/// How often the operation is run.
const TIMES: u64 = 500;
const MARK: i32 = libc::SIGUSR1;

/// The instructions of one operation of a child that calls [`here`], its loop included.
///
/// # Errors
/// The child cannot be traced, or it ended too early.
#[expect(clippy::cast_precision_loss, reason = "some thousand instructions")]
pub(super) fn count(mut command: Command) -> Result<f64, String> {
    // SAFETY: between fork and exec this makes one system call, and touches no memory.
    unsafe { command.pre_exec(offer_to_parent) };
    let mut child = command.spawn().map_err(|e| format!("cannot start a child: {e}"))?;
    let counted = between_marks(&mut child).map_err(|e| format!("a child cannot be stepped: {e}"));
    let _gone = child.kill();
    let _reaped = child.wait();
    let (none, all) = counted?;
    Ok((all - none) as f64 / TIMES as f64)
}

/// In the child: warms up, then runs the operation between marks.
pub(super) fn here(mut operation: impl FnMut()) {
    let mut run = |times| (0..black_box(times)).for_each(|_| operation());
    run(TIMES);
    mark();
    run(0);
    mark();
    run(TIMES);
    mark();
}

fn mark() {
    // SAFETY: raises a signal in this thread, which its tracer takes away.
    unsafe { libc::raise(MARK) };
}

fn offer_to_parent() -> io::Result<()> {
    request(libc::PTRACE_TRACEME, 0, 0)
}

/// Steps from the first mark to the second and on to the third: instructions of both ways.
fn between_marks(child: &mut Child) -> io::Result<(u64, u64)> {
    let pid = child.id().cast_signed();
    // It stops at its exec, and then at each signal.
    while stopped_by(pid)? != MARK {
        request(libc::PTRACE_CONT, pid, 0)?;
    }
    let none = steps_to_mark(pid)?;
    Ok((none, steps_to_mark(pid)?))
}

fn steps_to_mark(pid: i32) -> io::Result<u64> {
    let mut steps = 0;
    loop {
        request(libc::PTRACE_SINGLESTEP, pid, 0)?;
        steps += 1;
        if stopped_by(pid)? == MARK {
            return Ok(steps);
        }
    }
}

/// Waits for a stop of the child.
fn stopped_by(pid: i32) -> io::Result<i32> {
    let mut status = 0;
    // SAFETY: `status` is ours for the call.
    let answer = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    match answer {
        -1 => Err(io::Error::last_os_error()),
        _ if libc::WIFSTOPPED(status) => Ok(libc::WSTOPSIG(status)),
        _ => Err(io::Error::other(format!("it ended with {status:#x}"))),
    }
}

/// A request without an address.
fn request(what: libc::c_uint, pid: i32, signal: usize) -> io::Result<()> {
    // SAFETY: none of the requests above reads or writes memory of this process.
    let done = unsafe { libc::ptrace(what, pid, 0_usize, signal) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

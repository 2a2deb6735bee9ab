//! Every system call that the library makes in an operation is refused once, in several ways.
//!
//! An operation is run once under ptrace, and its calls are noted. Then, for each of them, a new victim
//! runs it, and this one call is not made but answered with an error. Whatever comes of that, (1) it is
//! no panic and no hang; (2) an error names what was refused, and who goes on can use what it has;
//! (3) nobody is robbed, and nothing happens that must not; (4) the next try does what the first was to
//! do; (5) no descriptor, map or lock is left, nor a file that the next one does not take away.
//!
//! `close` is made all the same and answered with EINTR, since Linux closes whatever it answers. A refused `munmap` leaves what
//! it was to take away, until the process ends.

use super::board::{in_words, options, well};
use super::operations::{ALL, Op, Things};
use super::stage::{Actor, Stage, Talk, Verdict, check, held};
use super::{board, kernel};
use crate::lab::calls;
use crate::lab::raw::{self, CallInfo, Patience, Waited};
use crate::lab::trace::{BEGIN, END, MARK, perform};
use cohabit::ErrorKind;
use std::fs::File;
use std::os::fd::AsFd;

/// What calls are answered with.
const ERRORS: &[i32] =
    &[libc::EPERM, libc::ENOMEM, libc::EMFILE, libc::EINTR, libc::ENOSPC, libc::EIO, libc::ENOSYS];

/// A call that is made in an operation.
#[derive(Clone, Copy, Debug)]
struct Call {
    number: u64,
}

/// Which call is refused, and how.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    at: usize,
    errno: i32,
}

/// Operations that make, open and look.
pub(super) fn opening(stage: &Stage) -> Result<Verdict, String> {
    refuse_all(stage, 0)
}

/// Operations that leave, list and remove.
pub(super) fn leaving(stage: &Stage) -> Result<Verdict, String> {
    refuse_all(stage, 1)
}

/// Operations that lock, write and wait.
pub(super) fn waiting(stage: &Stage) -> Result<Verdict, String> {
    refuse_all(stage, 2)
}

fn refuse_all(stage: &Stage, group: usize) -> Result<Verdict, String> {
    let (mut all, mut count) = (0, 0);
    for op in ALL.iter().filter(|op| op.group == group) {
        let calls = play(stage, op, None).map_err(|text| format!("{}: {text}", op.name))?;
        all += calls.len();
        for (at, call) in calls.iter().enumerate() {
            for &errno in chosen(stage, at, *call) {
                count += 1;
                play(stage, op, Some(Refusal { at, errno })).map_err(|text| {
                    let (name, error) = (calls::name(call.number), error(errno));
                    format!("{}: {name} (call {at}), answered {error}: {text}", op.name)
                })?;
            }
        }
    }
    held(format!("{all} calls, {count} refusals"))
}

fn error(errno: i32) -> std::io::Error {
    std::io::Error::from_raw_os_error(errno)
}

/// The errors for the call at this place: all, or one that the seed chooses.
fn chosen(stage: &Stage, at: usize, call: Call) -> &'static [i32] {
    if call.number == libc::SYS_close.cast_unsigned() {
        return &[libc::EINTR];
    }
    if stage.full {
        return ERRORS;
    }
    let index = (at + usize::try_from(stage.seed % 7).unwrap_or(0)) % ERRORS.len();
    &ERRORS[index..=index]
}

/// Plays an operation once; the calls that it made.
fn play(stage: &Stage, op: &Op, refusal: Option<Refusal>) -> Result<Vec<Call>, String> {
    let mut others = op.scene.set(stage)?;
    let victim = stage.actor("the victim", |talk| suffer(stage, op, talk))?;
    victim.expect("prepared")?;
    others.dies()?;
    victim.go()?;
    let calls = traced(&victim, refusal)?;
    let refused = refusal.and_then(|refusal| calls.get(refusal.at));
    let maps_may_stay = refused.is_some_and(|call| call.number == libc::SYS_munmap.cast_unsigned());
    victim.talk.say(if maps_may_stay { "maps may stay" } else { "go" })?;
    victim.expect("done")?;
    others.after()?;
    life_byte_is_free(stage)?;
    let next = stage.actor("the next", |_| {
        let next =
            well("open_or_create", options(stage).open_or_create(board::NAME, board::Board::new))?;
        well("set", next.value.set(board::Pair::of(1)))?;
        let users = well("users", next.users())?;
        check(users.len() == 1, || format!("users: {users:?}"))
    })?;
    next.end()?;
    victim.go()?;
    victim.end()?;
    let collector = stage.actor("the collector", |_| collect(stage))?;
    collector.end()?;
    let left = stage.files();
    check(left.is_empty(), || format!("left behind: {left:?}"))?;
    Ok(calls)
}

/// Takes away what a refused leave may have left, as anybody may.
fn collect(stage: &Stage) -> Result<(), String> {
    well("collect", cohabit::collect(&board::scope(stage)))?;
    // SAFETY: an actor has one thread, and nothing else of it reads the environment.
    unsafe { std::env::set_var("COHABIT_DIR", &stage.folder) };
    let scope = cohabit::Scope::Machine(cohabit::Access::everyone().reads());
    well("collect", cohabit::collect(&scope)).map(drop)
}

/// The victim's part.
fn suffer(stage: &Stage, op: &Op, talk: &Talk) -> Result<(), String> {
    let before = kernel::descriptors();
    let mut things = Things::default();
    (op.prepare)(stage, &mut things)?;
    talk.pause("prepared")?;
    let outcome = perform(|| (op.act)(stage, &mut things)).map_err(|e| format!("ptrace: {e}"))?;
    let maps_may_stay = talk.hear()? == "maps may stay";
    judge(op, &outcome)?;
    let again = (op.act)(stage, &mut things);
    let fits = match (&again, op.says) {
        (Ok(()), None) => true,
        (Err(error), Some(kind)) => error.kind() == kind,
        _ => false,
    };
    let text = |outcome: &cohabit::Result<()>| match outcome {
        Ok(()) => "went well".to_owned(),
        Err(error) => in_words("says", error),
    };
    check(fits, || format!("the next try {}, after the first {}", text(&again), text(&outcome)))?;
    drop(things);
    let after = kernel::descriptors();
    check(after == before, || format!("descriptors: {after:?}, before: {before:?}"))?;
    let maps = std::fs::read_to_string("/proc/self/maps").map_err(|error| error.to_string())?;
    let folder = stage.folder.display().to_string();
    let kept = maps.lines().find(|line| line.contains(&folder) || line.contains("/memfd:cohabit"));
    check(kept.is_none() || maps_may_stay, || format!("mapped: {kept:?}"))?;
    talk.pause("done")
}

/// Whether what came of a refusal may come of it.
fn judge(op: &Op, outcome: &cohabit::Result<()>) -> Result<(), String> {
    let error = match (outcome, op.says) {
        // Borne: another way was found, or it was for display only.
        (Ok(()), None) => return Ok(()),
        (Ok(()), Some(kind)) => return Err(format!("went well; is to say {kind:?}")),
        (Err(error), Some(kind)) if error.kind() == kind => return Ok(()),
        (Err(error), _) => error,
    };
    let text = error.to_string();
    let misleads = [ErrorKind::NotFound, ErrorKind::Ended, ErrorKind::Corrupt, ErrorKind::NameLost];
    let is_named = text.contains("os error") || has_own_kind(error.kind());
    check(is_named && !misleads.contains(&error.kind()), || in_words("does not say what", error))
}

/// Kinds that name what the system lacked or refused.
fn has_own_kind(kind: ErrorKind) -> bool {
    use ErrorKind::{
        FileSizeLimit, LivenessLost, NoAddressSpace, NoDescriptors, NoSpace, OtherOwner,
        PermissionDenied, Unsupported,
    };
    let own = [
        FileSizeLimit,
        LivenessLost,
        NoAddressSpace,
        NoDescriptors,
        NoSpace,
        OtherOwner,
        PermissionDenied,
        Unsupported,
    ];
    own.contains(&kind)
}

/// Nobody is in a life section for ever.
fn life_byte_is_free(stage: &Stage) -> Result<(), String> {
    for path in stage.all_files() {
        // One that is gone meanwhile is locked by nobody.
        let Ok(file) = File::open(&path) else { continue };
        let lock = raw::a_lock(file.as_fd(), 0, 0).map_err(|error| error.to_string())?;
        check(lock.is_none(), || format!("the life byte of {} is held", path.display()))?;
    }
    Ok(())
}

/// Follows the victim through its operation, and refuses a call; the calls of the operation.
fn traced(victim: &Actor, refusal: Option<Refusal>) -> Result<Vec<Call>, String> {
    follow(victim.pid, refusal).map_err(|error| format!("ptrace: {error}; {:?}", victim.hear()))
}

fn follow(pid: i32, refusal: Option<Refusal>) -> std::io::Result<Vec<Call>> {
    expect_stop(pid)?;
    raw::set_options(pid)?;
    let (mut calls, mut inside, mut pending, mut signal) = (Vec::new(), false, None, 0);
    loop {
        raw::run_to_call(pid, signal)?;
        signal = match raw::wait(pid, Patience::Block)? {
            Waited::Stopped(number) if number == libc::SIGTRAP | 0x80 => 0,
            Waited::Stopped(number) => number,
            how => return Err(std::io::Error::other(format!("the victim is gone: {how:?}"))),
        };
        if signal != 0 {
            continue;
        }
        match raw::call_info(pid)? {
            CallInfo::Enter { number, args, .. } if is_mark(number, args, BEGIN) => inside = true,
            CallInfo::Enter { number, args, .. } if is_mark(number, args, END) => {
                raw::let_go(pid)?;
                return Ok(calls);
            }
            CallInfo::Enter { number, args, .. } if inside && is_the_librarys(number, args) => {
                let at = calls.len();
                calls.push(Call { number });
                pending = refusal.filter(|refusal| refusal.at == at);
                if pending.is_some() && number != libc::SYS_close.cast_unsigned() {
                    let registers = raw::registers(pid)?;
                    raw::set_registers(pid, &raw::Registers { orig_rax: u64::MAX, ..registers })?;
                }
            }
            CallInfo::Exit { .. } => {
                if let Some(Refusal { errno, .. }) = pending.take() {
                    let registers = raw::registers(pid)?;
                    let rax = i64::from(-errno).cast_unsigned();
                    raw::set_registers(pid, &raw::Registers { rax, ..registers })?;
                }
            }
            _ => {}
        }
    }
}

fn expect_stop(pid: i32) -> std::io::Result<()> {
    match raw::wait(pid, Patience::Block)? {
        Waited::Stopped(libc::SIGSTOP) => Ok(()),
        how => Err(std::io::Error::other(format!("the victim offers nothing: {how:?}"))),
    }
}

fn is_mark(number: u64, args: [u64; 6], tag: u64) -> bool {
    number == libc::SYS_getpid.cast_unsigned() && args[0] == MARK && args[1] == tag
}

/// Whether a call is one of the library's. Not those of the allocator, whose lack of memory ends a
/// program, nor those for the seed of std's tables, which have flags.
fn is_the_librarys(number: u64, args: [u64; 6]) -> bool {
    let flags = i32::try_from(args[3]).unwrap_or(0);
    match number.cast_signed() {
        libc::SYS_brk | libc::SYS_mprotect | libc::SYS_mremap | libc::SYS_sched_yield => false,
        libc::SYS_getrandom => args[2] == 0,
        libc::SYS_mmap if flags & libc::MAP_ANONYMOUS != 0 => flags & libc::MAP_NORESERVE != 0,
        _ => true,
    }
}

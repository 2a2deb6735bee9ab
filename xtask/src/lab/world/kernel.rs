//! What scenarios ask of the kernel: each call behind a safe function with one unsafe operation.
//!
//! An actor is a process of one thread that was forked for its scenario, so whatever these calls do to
//! a process, they do to one that nobody else has a part in.

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::ffi::CString;
use std::fs;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// An answer of the kernel, as a finding.
fn answered(what: &str, answer: libc::c_long) -> Result<i32, String> {
    if answer < 0 {
        return Err(format!("{what}: {}", io::Error::last_os_error()));
    }
    i32::try_from(answer).map_err(|_| format!("{what}: {answer}"))
}

/// Forks, with the hooks of the C library, and no death with the parent. The child's number; none in
/// the child, which goes on behind this call.
pub(super) fn fork() -> Result<Option<i32>, String> {
    // SAFETY: what other threads may have held is not used by a child of a scenario.
    let pid = answered("fork", unsafe { libc::fork() }.into())?;
    Ok((pid != 0).then_some(pid))
}

/// Forks as [`fork`] does, without any hook: by the system call itself.
pub(super) fn raw_clone() -> Result<Option<i32>, String> {
    let none = 0_usize;
    // SAFETY: without CLONE_VM and a new stack this is a fork: the child goes on with copies of all.
    let pid = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, none, none, none, none) };
    let pid = answered("clone", pid)?;
    Ok((pid != 0).then_some(pid))
}

extern "C" fn pause_for_ever(_: *mut libc::c_void) -> libc::c_int {
    loop {
        // SAFETY: waits for a signal, and touches no memory.
        unsafe { libc::pause() };
    }
}

/// Starts a child that shares this address space, as vfork does, and that only waits to be killed. So
/// long this process stands still, and it does not come back from here but by its own death.
pub(super) fn share_address_space() -> Result<(), String> {
    let mut stack = vec![0_u64; 8192];
    let top = stack.as_mut_ptr_range().end;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the child runs on the stack above, which lives as long as this call, and the child ends
    // before it; it touches nothing else.
    let pid = unsafe { libc::clone(pause_for_ever, top.cast(), flags, std::ptr::null_mut()) };
    answered("clone", pid.into()).map(drop)
}

/// Waits until it is killed.
pub(super) fn wait_to_be_killed() -> ! {
    loop {
        // SAFETY: waits for a signal, and touches no memory.
        unsafe { libc::pause() };
    }
}

/// Waits until nobody is at the other end of this socket, and ends, by system calls alone: for a child
/// that has only one of its parent's threads.
pub(super) fn ends_with(number: i32) -> ! {
    let mut byte = 0_u8;
    // SAFETY: writes at most the one byte, which is this function's own.
    while unsafe { libc::read(number, (&raw mut byte).cast(), 1) } > 0 {}
    // SAFETY: ends the process; nothing runs any more.
    unsafe { libc::_exit(0) }
}

/// The children of a process, as /proc shows them.
pub(super) fn children(pid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Closes all descriptors but the standard streams and `spared`.
pub(super) fn close_all_but(spared: i32) -> Result<(), String> {
    close(3, spared - 1)?;
    close(spared + 1, i32::MAX)
}

/// Closes the descriptors from `first` to `last`, whoever has them.
pub(super) fn close(first: i32, last: i32) -> Result<(), String> {
    if first > last {
        return Ok(());
    }
    // SAFETY: closes what the library has open, which is what scenarios are about, and nothing that
    // the actor uses after.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    answered("close_range", answer).map(drop)
}

/// The open descriptors of this process, and what /proc says that they are.
pub(super) fn descriptors() -> Vec<(i32, PathBuf)> {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        Some((number, fs::read_link(entry.path()).ok()?))
    };
    let mut all: Vec<(i32, PathBuf)> = entries.filter_map(of).collect();
    // The one that reads the folder is not there any more.
    all.retain(|(number, _)| is_open(*number));
    all.sort_unstable();
    all
}

/// Whether a number is that of an open descriptor.
pub(super) fn is_open(number: i32) -> bool {
    // SAFETY: asks for a flag, and touches no memory.
    unsafe { libc::fcntl(number, libc::F_GETFD) >= 0 }
}

/// Another descriptor of the same description.
pub(super) fn copy(number: i32) -> Result<OwnedFd, String> {
    // SAFETY: touches no memory.
    let copy = answered("dup", unsafe { libc::dup(number) }.into())?;
    // SAFETY: a new descriptor, which nobody else has.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Sends descriptors with one byte.
pub(super) fn send(through: &UnixStream, sent: &[BorrowedFd<'_>]) -> Result<(), String> {
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(16))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(sent)) {
        return Err(format!("{} descriptors are too many", sent.len()));
    }
    let sent = sendmsg(through, &[IoSlice::new(b"x")], &mut control, SendFlags::empty());
    sent.map(drop).map_err(|error| format!("sendmsg: {error}"))
}

/// Receives what [`send`] sent.
pub(super) fn receive(through: &UnixStream) -> Result<Vec<OwnedFd>, String> {
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(16))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut into = [IoSliceMut::new(&mut byte)];
    recvmsg(through, &mut into, &mut control, RecvFlags::empty())
        .map_err(|error| format!("recvmsg: {error}"))?;
    let rights = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(rights) => Some(rights),
        _ => None,
    });
    Ok(rights.flatten().collect())
}

/// How many signals this process has handled.
static SIGNALS: AtomicU64 = AtomicU64::new(0);

extern "C" fn count(_: libc::c_int) {
    SIGNALS.fetch_add(1, Relaxed);
}

/// Counts a signal whenever it comes. What it cuts short is made again by the kernel, or is not.
pub(super) fn count_signals(signal: i32, restart: bool) -> Result<(), String> {
    // SAFETY: zero is a valid value of this structure of integers.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = count as *const () as usize;
    action.sa_flags = if restart { libc::SA_RESTART } else { 0 };
    // SAFETY: the handler adds to an atomic, which may be done at any moment.
    let set = unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
    answered("sigaction", set.into()).map(drop)
}

/// How many signals were counted.
pub(super) fn signals() -> u64 {
    SIGNALS.load(Relaxed)
}

/// Has a SIGALRM sent to this process again and again; never more if `every` is zero.
pub(super) fn alarm_every(every: Duration) -> Result<(), String> {
    let time = libc::timeval {
        tv_sec: i64::try_from(every.as_secs()).unwrap_or(0),
        tv_usec: every.subsec_micros().into(),
    };
    let timer = libc::itimerval { it_interval: time, it_value: time };
    let old = std::ptr::null_mut();
    // SAFETY: reads `timer` only.
    let set = unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, old) };
    answered("setitimer", set.into()).map(drop)
}

/// The namespaces that a process may be in, as unshare(2) and /proc/self/ns name them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Space {
    /// Numbers of processes, for children.
    Pid,
    /// Clocks, for children.
    Time,
    /// Numbers of users.
    User,
    /// Mounts.
    Mount,
}

impl Space {
    fn flag(self) -> i32 {
        match self {
            Space::Pid => libc::CLONE_NEWPID,
            Space::Time => 0x80,
            Space::User => libc::CLONE_NEWUSER,
            Space::Mount => libc::CLONE_NEWNS,
        }
    }

    /// A new one for this process, or for its children.
    pub(super) fn leave(self) -> Result<(), String> {
        // SAFETY: takes a number; what it shares with others, no scenario uses for anything.
        let left = unsafe { libc::unshare(self.flag()) };
        answered(&format!("unshare ({self:?})"), left.into()).map(drop)
    }

    /// Children are born again where this process itself is.
    pub(super) fn stay(self) -> Result<(), String> {
        let name = if matches!(self, Space::Pid) { "pid" } else { "time" };
        let own = fs::File::open(format!("/proc/self/ns/{name}")).map_err(|e| e.to_string())?;
        // SAFETY: takes two numbers.
        let set = unsafe { libc::setns(own.as_raw_fd(), self.flag()) };
        answered("setns", set.into()).map(drop)
    }
}

/// Mounts a file system of this type with these options; nobody outside sees it.
pub(super) fn mount(kind: &str, at: &Path, options: &str) -> Result<(), String> {
    let kind = CString::new(kind).map_err(|error| error.to_string())?;
    let options = CString::new(options).map_err(|error| error.to_string())?;
    let at = CString::new(at.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
    let options = options.as_ptr().cast();
    // SAFETY: reads four strings that live through the call.
    let done = unsafe { libc::mount(kind.as_ptr(), at.as_ptr(), kind.as_ptr(), 0, options) };
    answered("mount", done.into()).map(drop)
}

/// A mount namespace of this process's own, in which no mount reaches others.
pub(super) fn own_mounts() -> Result<(), String> {
    Space::Mount.leave()?;
    let (none, root) = (std::ptr::null(), c"/".as_ptr());
    let flags = libc::MS_REC | libc::MS_PRIVATE;
    // SAFETY: reads a string that lives for ever.
    let done = unsafe { libc::mount(none, root, none, flags, none.cast()) };
    answered("mount (private)", done.into()).map(drop)
}

/// Becomes another user, for good.
pub(super) fn become_user(id: u32) -> Result<(), String> {
    // SAFETY: an empty list of groups is not read.
    answered("setgroups", unsafe { libc::setgroups(0, std::ptr::null()) }.into())?;
    // SAFETY: takes a number.
    answered("setgid", unsafe { libc::setgid(id) }.into())?;
    // SAFETY: takes a number.
    answered("setuid", unsafe { libc::setuid(id) }.into())?;
    // What changes its user is killed with its parent only if it asks again.
    // SAFETY: takes numbers.
    answered("prctl", unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) }.into())
        .map(drop)
}

/// Whether this is root, who may do what scenarios of namespaces and mounts need.
pub(super) fn is_root() -> bool {
    // SAFETY: geteuid has no precondition.
    unsafe { libc::geteuid() == 0 }
}
/// Sets a limit of this process, which it cannot raise above its hard one.
pub(super) fn limit(resource: rustix::process::Resource, value: Option<u64>) -> Result<(), String> {
    let old = rustix::process::getrlimit(resource);
    let new = rustix::process::Rlimit { current: value, maximum: old.maximum };
    rustix::process::setrlimit(resource, new).map_err(|error| format!("setrlimit: {error}"))
}

/// Makes a mounted file system read-only, or writable again.
pub(super) fn remount(at: &Path, read_only: bool) -> Result<(), String> {
    let path = CString::new(at.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
    let flags = libc::MS_REMOUNT | if read_only { libc::MS_RDONLY } else { 0 };
    let none = std::ptr::null();
    // SAFETY: reads a string that lives through the call.
    let done = unsafe { libc::mount(none, path.as_ptr(), none, flags, none.cast()) };
    answered("mount (again)", done.into()).map(drop)
}

/// Unmounts what was mounted last.
pub(super) fn unmount(at: &Path) -> Result<(), String> {
    let path = CString::new(at.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
    // SAFETY: reads a string that lives through the call.
    answered("umount", unsafe { libc::umount(path.as_ptr()) }.into()).map(drop)
}

/// Lets a core be written, also after a change of user.
pub(super) fn may_dump() -> Result<(), String> {
    // SAFETY: takes numbers.
    answered("prctl", unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1) }.into()).map(drop)
}

/// A copy of the library that was loaded, by what it exports: a function that takes an order, and answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loaded(extern "C" fn(u8) -> i64);

impl Loaded {
    /// Gives an order to it.
    pub(super) fn obeys(self, order: u8) -> i64 {
        self.0(order)
    }

    /// Whether both are one copy.
    pub(super) fn is(self, other: Self) -> bool {
        std::ptr::fn_addr_eq(self.0, other.0)
    }
}

/// Loads a copy of the library for good.
pub(super) fn load(path: &Path) -> Result<Loaded, String> {
    let text = CString::new(path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
    // SAFETY: what it runs as it is loaded are the hooks of our own library.
    let library = unsafe { libc::dlopen(text.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if library.is_null() {
        return Err(format!("{} cannot be loaded", path.display()));
    }
    // SAFETY: asks a loaded library for a name.
    let found = unsafe { libc::dlsym(library, c"cohabit_copy_obeys".as_ptr()) };
    if found.is_null() {
        return Err("it does not export its function".to_owned());
    }
    // SAFETY: there is one function of that name, with this signature (copy.rs), and the library is never
    // unloaded.
    let obeys =
        unsafe { std::mem::transmute::<*mut libc::c_void, extern "C" fn(u8) -> i64>(found) };
    Ok(Loaded(obeys))
}

/// Ends this process as programs do that return from main: exit hooks run.
pub(super) fn exit() -> ! {
    std::process::exit(0)
}

/// Ends this process by SIGABRT, whoever handles it.
pub(super) fn abort() -> ! {
    // SAFETY: resets a handler, which nobody uses any more.
    unsafe { libc::signal(libc::SIGABRT, libc::SIG_DFL) };
    std::process::abort();
}

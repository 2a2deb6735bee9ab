//! Linux: calls of the C library.

use std::ffi::{CString, c_char, c_int, c_long, c_uint, c_ulong, c_void};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

pub(crate) const SIGKILL: c_int = 9;
pub(crate) const SIGBUS: c_int = 7;
pub(crate) const SIGCONT: c_int = 18;
pub(crate) const SIGSTOP: c_int = 19;
pub(crate) const WUNTRACED: c_int = 2;

pub(crate) const O_PATH: c_int = 0o1000_0000;

pub(crate) const RLIMIT_FSIZE: c_int = 1;
pub(crate) const RLIMIT_NOFILE: c_int = 7;
pub(crate) const RLIMIT_AS: c_int = 9;

const PROT_READ_WRITE: c_int = 3;
const MAP_SHARED: c_int = 1;

const CLONE_NEWNS: c_int = 0x0002_0000;
const MS_RDONLY: c_ulong = 1;
const MS_REC: c_ulong = 0x4000;
const MS_PRIVATE: c_ulong = 1 << 18;
const MNT_DETACH: c_int = 2;

#[repr(C)]
struct Poll {
    file: c_int,
    events: i16,
    found: i16,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Limit {
    soft: c_ulong,
    hard: c_ulong,
}

#[repr(C)]
struct Range {
    kind: i16,
    whence: i16,
    start: i64,
    len: i64,
    pid: c_int,
}

// SAFETY: these are the signatures of the C library that every Linux target of std is linked with.
unsafe extern "C" {
    safe fn alarm(seconds: c_uint) -> c_uint;
    safe fn atexit(hook: extern "C" fn()) -> c_int;
    fn fork() -> c_int;
    fn _exit(code: c_int) -> !;
    safe fn kill(pid: c_int, signal: c_int) -> c_int;
    fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn ptrace(request: c_long, ...) -> c_long;
    fn getrlimit(which: c_int, limit: *mut Limit) -> c_int;
    fn setrlimit(which: c_int, limit: *const Limit) -> c_int;
    fn mkfifo(path: *const c_char, mode: c_uint) -> c_int;
    fn mmap(
        at: *mut c_void,
        len: usize,
        protection: c_int,
        flags: c_int,
        file: c_int,
        offset: c_long,
    ) -> *mut c_void;
    fn prctl(what: c_int, ...) -> c_int;
    fn poll(asked: *mut Poll, count: c_ulong, timeout_ms: c_int) -> c_int;
    safe fn unshare(flags: c_int) -> c_int;
    safe fn close(descriptor: c_int) -> c_int;
    fn memfd_create(name: *const c_char, flags: c_uint) -> c_int;
    fn fcntl(descriptor: c_int, command: c_int, ...) -> c_int;
    safe fn flock(descriptor: c_int, operation: c_int) -> c_int;
    safe fn dup2(from: c_int, to: c_int) -> c_int;
    safe fn setresuid(real: c_uint, effective: c_uint, saved: c_uint) -> c_int;
    safe fn setresgid(real: c_uint, effective: c_uint, saved: c_uint) -> c_int;
    fn munmap(at: *mut c_void, len: usize) -> c_int;
    safe fn seteuid(uid: c_uint) -> c_int;
    fn setgroups(count: usize, groups: *const c_uint) -> c_int;
    safe fn umask(mask: c_uint) -> c_uint;
    fn umount2(target: *const c_char, flags: c_int) -> c_int;
    fn mount(
        source: *const c_char,
        target: *const c_char,
        kind: *const c_char,
        flags: c_ulong,
        data: *const c_void,
    ) -> c_int;
}

/// Ends this process after so many seconds, should a failed test leave it behind.
pub(crate) fn watchdog(seconds: u32) {
    alarm(seconds);
}

/// Has a hook run when this process exits, after those that are registered later.
pub(crate) fn at_exit(hook: extern "C" fn()) {
    assert_eq!(atexit(hook), 0, "room for a hook");
}

/// Sends a signal to a process that this test started.
pub(crate) fn signal(pid: u32, signal: c_int) {
    let pid = c_int::try_from(pid).expect("a pid");
    assert_eq!(kill(pid, signal), 0, "signal {signal} to {pid}");
}

/// Ends this process as a kill does.
pub(crate) fn kill_me() {
    signal(std::process::id(), SIGKILL);
}

/// Whether the process is there, dead but not reaped included.
pub(crate) fn exists(pid: u32) -> bool {
    kill(c_int::try_from(pid).expect("a pid"), 0) == 0
}

/// Stops a child, and returns once it is stopped.
pub(crate) fn stop(pid: u32) {
    signal(pid, SIGSTOP);
    let status = wait(pid, WUNTRACED);
    assert_eq!(status & 0xff, 0x7f, "the child stops");
}

/// Lets a stopped child go on.
pub(crate) fn resume(pid: u32) {
    signal(pid, SIGCONT);
}

/// Whether a process ended by being killed.
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(SIGKILL)
}

/// A process that this thread debugs.
pub(crate) struct Debugged(u32);

impl Debugged {
    /// Begins, and returns once the process is stopped.
    pub(crate) fn attach(pid: u32) -> Self {
        const PTRACE_ATTACH: c_long = 16;
        trace(PTRACE_ATTACH, pid);
        assert_eq!(wait(pid, 0) & 0xff, 0x7f, "the process stops");
        Self(pid)
    }

    /// Lets it go on, still debugged.
    pub(crate) fn goes_on(&self) {
        const PTRACE_CONT: c_long = 7;
        trace(PTRACE_CONT, self.0);
    }

    /// Ends: it goes on by itself.
    pub(crate) fn detach(self) {
        const PTRACE_DETACH: c_long = 17;
        signal(self.0, SIGSTOP);
        assert_eq!(wait(self.0, 0) & 0xff, 0x7f, "the process stops");
        trace(PTRACE_DETACH, self.0);
    }
}

fn trace(request: c_long, pid: u32) {
    // SAFETY: these requests take no address and write no memory of ours.
    let answer = unsafe { ptrace(request, c_long::from(pid), 0 as c_long, 0 as c_long) };
    assert_eq!(answer, 0, "ptrace: {}", std::io::Error::last_os_error());
}

fn wait(pid: u32, options: c_int) -> c_int {
    let mut status = 0;
    let pid = c_int::try_from(pid).expect("a pid");
    // SAFETY: `status` is ours for the call.
    let answer = unsafe { waitpid(pid, &raw mut status, options) };
    assert_eq!(answer, pid, "a status of a child of ours");
    status
}

/// Runs `body` in a forked child; its result is the exit code, and a panic is 101.
pub(crate) fn forked(body: impl FnOnce() -> u8) -> u32 {
    // SAFETY: the child runs one closure, then ends by `_exit`. The C library makes its own locks
    // usable in a child; no other thread of these processes holds a lock of std while they fork.
    let pid = unsafe { fork() };
    assert!(pid >= 0, "a child");
    if pid == 0 {
        watchdog(super::super::child::WATCHDOG_S);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        // SAFETY: ends the process; nothing of the parent's is run.
        unsafe { _exit(outcome.map_or(101, c_int::from)) }
    }
    pid.unsigned_abs()
}

/// Waits for a forked child and says its exit code.
pub(crate) fn code_of(pid: u32) -> i32 {
    let status = wait(pid, 0);
    assert_eq!(status & 0x7f, 0, "the forked child ends by itself: {status:#x}");
    status >> 8 & 0xff
}

/// Waits for a forked child that was killed.
pub(crate) fn reap(pid: u32) {
    wait(pid, 0);
}

/// Sets a soft limit of this process, and says what it was.
pub(crate) fn limit(which: c_int, soft: u64) -> u64 {
    let mut now = Limit { soft: 0, hard: 0 };
    // SAFETY: `now` is ours for the call.
    assert_eq!(unsafe { getrlimit(which, &raw mut now) }, 0);
    let before = now.soft;
    now.soft = c_ulong::try_from(soft).unwrap_or(c_ulong::MAX).min(now.hard);
    // SAFETY: `now` is ours for the call.
    assert_eq!(unsafe { setrlimit(which, &raw const now) }, 0);
    #[allow(clippy::useless_conversion, reason = "it is narrower on 32 bits")]
    before.into()
}

fn text(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("a path without NUL")
}

/// Makes a named pipe.
pub(crate) fn make_fifo(path: &Path) {
    // SAFETY: the path is a C string that lives for the call.
    assert_eq!(unsafe { mkfifo(text(path).as_ptr(), 0o600) }, 0);
}

/// Gives this process mounts of its own. Takes root.
pub(crate) fn private_mounts() {
    assert_eq!(unshare(CLONE_NEWNS), 0, "mounts of its own");
    mount_at(Path::new("/"), None, MS_REC | MS_PRIVATE);
}

/// A mount in this process's mounts only; dropped, it is gone.
#[must_use]
pub(crate) struct Mount(CString);

impl Drop for Mount {
    fn drop(&mut self) {
        // SAFETY: the path is a C string that lives for the call.
        assert_eq!(unsafe { umount2(self.0.as_ptr(), MNT_DETACH) }, 0, "unmounted");
    }
}

/// Mounts a tmpfs, in this process's mounts only.
pub(crate) fn mount_tmpfs(target: &Path, options: &str) -> Mount {
    mount_at(target, Some(options), 0);
    Mount(text(target))
}

/// Mounts an empty read-only tmpfs, in this process's mounts only.
pub(crate) fn mount_read_only(target: &Path) -> Mount {
    mount_at(target, Some("mode=0700"), MS_RDONLY);
    Mount(text(target))
}

fn mount_at(target: &Path, options: Option<&str>, flags: c_ulong) {
    let kind = c"tmpfs".as_ptr();
    let options = CString::new(options.unwrap_or("")).expect("options");
    let target = text(target);
    // SAFETY: all pointers are to C strings that live for the call.
    let done = unsafe { mount(kind, target.as_ptr(), kind, flags, options.as_ptr().cast()) };
    assert_eq!(done, 0, "mount: {}", std::io::Error::last_os_error());
}

pub(crate) const SYS_FUTEX_WAITV: u32 = 449;
pub(crate) const SYS_CLONE3: u32 = 435;
#[cfg(target_arch = "x86_64")]
pub(crate) const SYS_CLONE: u32 = 56;
#[cfg(target_arch = "x86")]
pub(crate) const SYS_CLONE: u32 = 120;
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
pub(crate) const SYS_CLONE: u32 = 220;
pub(crate) const ENOSYS: u32 = 38;
pub(crate) const EAGAIN: u32 = 11;

const PR_SET_NO_NEW_PRIVS: c_int = 38;
const PR_SET_SECCOMP: c_int = 22;
const SECCOMP_MODE_FILTER: c_ulong = 2;

/// One step of a filter: `struct sock_filter`.
#[repr(C)]
struct Step(u16, u8, u8, u32);

/// A filter: `struct sock_fprog`.
#[repr(C)]
struct Filter {
    len: u16,
    steps: *const Step,
}

/// Has the kernel answer `errno` to these system calls of this process, from now on.
pub(crate) fn forbid(calls: &[u32], errno: u32) {
    const LOAD_NUMBER: Step = Step(0x20, 0, 0, 0);
    let mut steps = vec![LOAD_NUMBER];
    for call in calls {
        // If it is this call, the next step answers; else that is skipped.
        steps.push(Step(0x15, 0, 1, *call));
        steps.push(Step(0x06, 0, 0, 0x0005_0000 | errno));
    }
    steps.push(Step(0x06, 0, 0, 0x7fff_0000));
    let len = u16::try_from(steps.len()).expect("a short filter");
    let filter = Filter { len, steps: steps.as_ptr() };
    let (one, none): (c_ulong, c_ulong) = (1, 0);
    // SAFETY: it only takes a right from this process.
    assert_eq!(unsafe { prctl(PR_SET_NO_NEW_PRIVS, one, none, none, none) }, 0);
    // SAFETY: the filter and its steps live for the call, which copies them.
    let closed = unsafe { prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &raw const filter) };
    assert_eq!(closed, 0, "a filter: {}", std::io::Error::last_os_error());
}

/// Forks where it stands: the child's pid in the parent, `None` in the child.
pub(crate) fn forked_into_both() -> Option<u32> {
    // SAFETY: as in `forked`; the child goes on for a few calls and ends by `leave_at_once`.
    let pid = unsafe { fork() };
    assert!(pid >= 0, "a child");
    if pid == 0 {
        watchdog(super::super::child::WATCHDOG_S);
    }
    (pid != 0).then(|| pid.unsigned_abs())
}

/// Ends this process without anything that runs at its exit.
pub(crate) fn leave_at_once(code: u8) -> ! {
    // SAFETY: ends the process; there is no more of it that could go wrong.
    unsafe { _exit(c_int::from(code)) }
}

/// Closes a descriptor that belongs to somebody else in this process, as careless programs do.
pub(crate) fn close_behind_its_back(descriptor: i32) {
    assert_eq!(close(descriptor), 0, "it was open");
}

/// Whether there is something to read, or the other end is gone.
pub(crate) fn is_readable(file: &impl AsFd) -> bool {
    which_are_readable(&[file.as_fd()], false)[0]
}

/// Which of these are readable; waits until one is, if that is wanted.
pub(crate) fn which_are_readable(files: &[BorrowedFd<'_>], waits: bool) -> Vec<bool> {
    const POLLIN: i16 = 1;
    let ask = |file: &BorrowedFd<'_>| Poll { file: file.as_raw_fd(), events: POLLIN, found: 0 };
    let mut asked: Vec<Poll> = files.iter().map(ask).collect();
    let timeout = if waits { -1 } else { 0 };
    // SAFETY: pointer and count are those of one vector, ours for the call.
    let ready = unsafe { poll(asked.as_mut_ptr(), asked.len() as c_ulong, timeout) };
    assert!(ready >= 0, "poll: {}", std::io::Error::last_os_error());
    asked.iter().map(|asked| asked.found != 0).collect()
}

/// How many threads this process has.
pub(crate) fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("the threads").count()
}

/// Processor time of this process so far.
pub(crate) fn processor_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = u64::try_from(used.tv_sec).expect("it does not go back");
    let rest = u64::try_from(used.tv_nsec).expect("it does not go back");
    Duration::from_secs(seconds) + Duration::from_nanos(rest)
}

/// Waits until a child sleeps in the kernel because it waits for a word. The portable mechanism sleeps by the
/// clock there, between two looks at it.
pub(crate) fn until_it_waits(pid: u32) {
    let path = format!("/proc/{pid}/wchan");
    let call = if super::super::portable() { "nanosleep" } else { "futex" };
    super::super::until(|| std::fs::read_to_string(&path).is_ok_and(|name| name.contains(call)));
}

/// How many descriptors this process has open.
pub(crate) fn open_handles() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("the descriptors").count()
}

fn maps() -> String {
    std::fs::read_to_string("/proc/self/maps").expect("the maps")
}

/// How many mappings of objects this process has; those of the heap come and go.
pub(crate) fn views() -> usize {
    let of_objects = |line: &&str| line.contains("/cohabit-") || line.contains("(deleted)");
    maps().lines().filter(of_objects).count()
}

/// How many mappings of any kind this process has.
pub(crate) fn all_maps() -> usize {
    maps().lines().count()
}

/// The private memory of this process, in KiB: pages of an object count for whoever touched them.
pub(crate) fn private_kib() -> u64 {
    super::super::world::status_of(std::process::id(), "RssAnon:")
}

/// Closes every descriptor from this number on, as daemons do when they start.
pub(crate) fn close_from(first: i32) {
    for descriptor in first..1024 {
        // Most of them are not open.
        let _ = close(descriptor);
    }
}

/// Becomes another user, as far as permissions go. Takes root.
pub(crate) fn become_user(uid: u32) {
    assert_eq!(seteuid(uid), 0, "another user");
}

/// Becomes another user, with these groups, for good. Takes root.
pub(crate) fn become_for_good(uid: u32, gid: u32, groups: &[u32]) {
    // SAFETY: pointer and count are those of one slice.
    assert_eq!(unsafe { setgroups(groups.len(), groups.as_ptr()) }, 0, "other groups");
    assert_eq!(setresgid(gid, gid, gid), 0, "another group");
    assert_eq!(setresuid(uid, uid, uid), 0, "another user");
}

/// Locks every byte of a file for reading, and the file as a whole, as anybody can who may read it, and keeps
/// the locks.
pub(crate) fn lock_all_for_reading(descriptor: i32) -> std::io::Result<()> {
    const LOCK_SH: c_int = 1;
    const LOCK_NB: c_int = 4;
    const F_OFD_SETLK: c_int = 37;
    const F_RDLCK: i16 = 0;
    let range = Range { kind: F_RDLCK, whence: 0, start: 0, len: 0, pid: 0 };
    // SAFETY: the range is the kernel's `struct flock`, and lives for the call.
    let bytes = unsafe { fcntl(descriptor, F_OFD_SETLK, &raw const range) };
    match bytes | flock(descriptor, LOCK_SH | LOCK_NB) {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Sets the file mode creation mask of this process.
pub(crate) fn set_umask(mask: u32) {
    umask(mask);
}

/// Makes `to` another number of the descriptor `from`, open across exec.
pub(crate) fn duplicate(from: i32, to: i32) {
    assert_eq!(dup2(from, to), to, "another number");
}

/// Memory without a name, made by no library of ours, that can be sealed.
pub(crate) fn memory() -> OwnedFd {
    memory_of(0).expect("memory")
}

/// The same of huge pages, where the machine has them.
pub(crate) fn huge_memory() -> Option<OwnedFd> {
    const HUGE_PAGES: c_uint = 4;
    memory_of(HUGE_PAGES)
}

fn memory_of(kind: c_uint) -> Option<OwnedFd> {
    const CLOEXEC_AND_ALLOW_SEALING: c_uint = 3;
    // SAFETY: the name is a C string that lives for the call.
    let number = unsafe { memfd_create(c"mine".as_ptr(), CLOEXEC_AND_ALLOW_SEALING | kind) };
    // SAFETY: the call just opened it, and nobody else has it.
    (number >= 0).then(|| unsafe { OwnedFd::from_raw_fd(number) })
}

/// Seals memory against shrinking and growing.
pub(crate) fn seal_size(memory: &File) {
    const F_ADD_SEALS: c_int = 1033;
    const SHRINK_AND_GROW: c_int = 2 | 4;
    // SAFETY: the command takes a number.
    let sealed = unsafe { fcntl(memory.as_raw_fd(), F_ADD_SEALS, SHRINK_AND_GROW) };
    assert_eq!(sealed, 0, "sealed: {}", std::io::Error::last_os_error());
}

/// Covers /proc in this process's mounts, by an empty folder. Takes root.
pub(crate) fn cover_proc() -> Mount {
    private_mounts();
    mount_read_only(Path::new("/proc"))
}

/// Whether a file can be mapped for writing, shared with others.
pub(crate) fn maps_writable(file: &File) -> bool {
    let null = std::ptr::null_mut();
    // SAFETY: a new mapping, at a place of the kernel's choice.
    let base = unsafe { mmap(null, 4096, PROT_READ_WRITE, MAP_SHARED, file.as_raw_fd(), 0) };
    let mapped = base.addr() != usize::MAX;
    if mapped {
        // SAFETY: the mapping of the line above, which nobody uses.
        assert_eq!(unsafe { munmap(base, 4096) }, 0);
    }
    mapped
}

//! Names of the system calls that the library makes, for the labels of states.

/// The name of a system call, or its number.
pub(super) fn name(number: u64) -> String {
    let known = NAMES.iter().find(|(call, _)| call.cast_unsigned() == number);
    known.map_or_else(|| format!("call {number}"), |(_, name)| (*name).to_owned())
}

/// Whether a call waits for another process: for its wake-up, or by the clock, to look again.
pub(super) fn is_wait(number: u64, args: [u64; 6]) -> bool {
    match number.cast_signed() {
        // FUTEX_WAIT is 0, FUTEX_WAIT_BITSET 9; the flags PRIVATE (128) and CLOCK (256) may be set.
        libc::SYS_futex => matches!(args[1] & 0x7f, 0 | 9),
        libc::SYS_nanosleep | libc::SYS_clock_nanosleep | libc::SYS_poll => true,
        _ => false,
    }
}

const NAMES: &[(i64, &str)] = &[
    (libc::SYS_access, "access"),
    (libc::SYS_brk, "brk"),
    (libc::SYS_clock_nanosleep, "clock_nanosleep"),
    (libc::SYS_clone3, "clone3"),
    (libc::SYS_close, "close"),
    (libc::SYS_eventfd2, "eventfd2"),
    (libc::SYS_exit_group, "exit_group"),
    (libc::SYS_faccessat2, "faccessat2"),
    (libc::SYS_fallocate, "fallocate"),
    (libc::SYS_fchmod, "fchmod"),
    (libc::SYS_fchown, "fchown"),
    (libc::SYS_fcntl, "fcntl"),
    (libc::SYS_fstat, "fstat"),
    (libc::SYS_fstatfs, "fstatfs"),
    (libc::SYS_ftruncate, "ftruncate"),
    (libc::SYS_futex, "futex"),
    (libc::SYS_getdents64, "getdents64"),
    (libc::SYS_getpid, "getpid"),
    (libc::SYS_getrandom, "getrandom"),
    (libc::SYS_getrlimit, "getrlimit"),
    (libc::SYS_gettid, "gettid"),
    (libc::SYS_geteuid, "geteuid"),
    (libc::SYS_getuid, "getuid"),
    (libc::SYS_linkat, "linkat"),
    (libc::SYS_lseek, "lseek"),
    (libc::SYS_madvise, "madvise"),
    (libc::SYS_mkdirat, "mkdirat"),
    (libc::SYS_mkdir, "mkdir"),
    (libc::SYS_mmap, "mmap"),
    (libc::SYS_mprotect, "mprotect"),
    (libc::SYS_mremap, "mremap"),
    (libc::SYS_munmap, "munmap"),
    (libc::SYS_nanosleep, "nanosleep"),
    (libc::SYS_newfstatat, "newfstatat"),
    (libc::SYS_open, "open"),
    (libc::SYS_openat, "openat"),
    (libc::SYS_poll, "poll"),
    (libc::SYS_pread64, "pread64"),
    (libc::SYS_prlimit64, "prlimit64"),
    (libc::SYS_pwrite64, "pwrite64"),
    (libc::SYS_read, "read"),
    (libc::SYS_readlink, "readlink"),
    (libc::SYS_readlinkat, "readlinkat"),
    (libc::SYS_renameat2, "renameat2"),
    (libc::SYS_rt_sigaction, "rt_sigaction"),
    (libc::SYS_rt_sigprocmask, "rt_sigprocmask"),
    (libc::SYS_sched_yield, "sched_yield"),
    (libc::SYS_sigaltstack, "sigaltstack"),
    (libc::SYS_stat, "stat"),
    (libc::SYS_statfs, "statfs"),
    (libc::SYS_statx, "statx"),
    (libc::SYS_unlink, "unlink"),
    (libc::SYS_unlinkat, "unlinkat"),
    (libc::SYS_write, "write"),
];

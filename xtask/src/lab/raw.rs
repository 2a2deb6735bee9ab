//! The kernel calls of the laboratory, each behind a safe function with one unsafe operation.
//!
//! Everything here concerns a *traced child* of this process: a child that asked to be traced
//! (`PTRACE_TRACEME`) and is stopped when these functions are called. The kernel refuses a request
//! for any other process with ESRCH, so none of them can touch memory of a process that did not
//! offer itself; that is the invariant (T) which the SAFETY notes name. The buffers that the kernel
//! fills are local values of exactly the size that the request writes.
use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Registers of a stopped child.
pub(super) type Registers = libc::user_regs_struct;

/// What the kernel says of a stop at a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallInfo {
    /// Stopped before the call is made; a kill here means that it never was made.
    Enter {
        /// Number of the call.
        number: u64,
        /// Its arguments.
        args: [u64; 6],
        /// Address behind the `syscall` instruction.
        after: u64,
    },
    /// Stopped after the call was made, before the child sees its result.
    Exit {
        /// What the call returned; a negative number is an error.
        value: i64,
        /// Address behind the `syscall` instruction.
        after: u64,
    },
    /// Another kind of stop.
    Other,
}

/// How a wait for a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// Stopped by this signal number; bit 7 is set at a stop for a system call.
    Stopped(i32),
    /// Gone with this exit code.
    Exited(i32),
    /// Killed by this signal.
    Killed(i32),
    /// Nothing happened until now (only without waiting).
    Nothing,
}

/// Whether [`wait`] may block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Wait until the child stops or ends.
    Block,
    /// Look once.
    Look,
}

fn request(what: libc::c_uint, pid: i32, address: usize, data: usize) -> io::Result<i64> {
    // SAFETY: invariant (T); every caller below passes values, or addresses of live local buffers
    // of the size that its request reads or writes.
    let result = unsafe { libc::ptrace(what, pid, address as *mut c_void, data as *mut c_void) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Offers this process to its parent as a victim and stops until the parent has looked.
pub(super) fn offer_to_parent() -> io::Result<()> {
    request(libc::PTRACE_TRACEME, 0, 0, 0)?;
    // SAFETY: raises a signal in this process; its default action, to stop, is what is wanted.
    unsafe { libc::raise(libc::SIGSTOP) };
    Ok(())
}

/// Switches address space randomisation off for this process and what it executes.
pub(super) fn fixed_addresses() -> io::Result<()> {
    // SAFETY: personality takes a value and touches no memory.
    let old = unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong) };
    if old == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Makes a system call without effect whose arguments a tracer sees: the mark `tag`.
pub(super) fn mark(magic: u64, tag: u64) {
    // SAFETY: getpid ignores its arguments.
    unsafe { libc::syscall(libc::SYS_getpid, magic, tag) };
}

/// Sets how the child is traced: killed with its tracer, system call stops told apart.
pub(super) fn set_options(pid: i32) -> io::Result<()> {
    let options = libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD;
    request(libc::PTRACE_SETOPTIONS, pid, 0, options as usize).map(drop)
}

/// Lets the child run to its next system call stop, or to a signal.
pub(super) fn run_to_call(pid: i32, signal: i32) -> io::Result<()> {
    request(libc::PTRACE_SYSCALL, pid, 0, signal as usize).map(drop)
}

/// Lets the child run on for itself, traced no more.
pub(super) fn let_go(pid: i32) -> io::Result<()> {
    request(libc::PTRACE_DETACH, pid, 0, 0).map(drop)
}

/// Lets the child run one instruction.
pub(super) fn run_one(pid: i32) -> io::Result<()> {
    request(libc::PTRACE_SINGLESTEP, pid, 0, 0).map(drop)
}

/// Reads the registers.
pub(super) fn registers(pid: i32) -> io::Result<Registers> {
    let mut buffer = std::mem::MaybeUninit::<Registers>::zeroed();
    request(libc::PTRACE_GETREGS, pid, 0, buffer.as_mut_ptr() as usize)?;
    // SAFETY: zero is a valid value of this structure of integers, and the kernel filled it.
    Ok(unsafe { buffer.assume_init() })
}

/// Writes the registers.
pub(super) fn set_registers(pid: i32, registers: &Registers) -> io::Result<()> {
    let address = std::ptr::from_ref(registers) as usize;
    request(libc::PTRACE_SETREGS, pid, 0, address).map(drop)
}

/// Reads the eight bytes at `address` of the child.
pub(super) fn peek(pid: i32, address: u64) -> io::Result<u64> {
    let mut word = 0u64;
    let from = libc::iovec { iov_base: address as *mut c_void, iov_len: 8 };
    let into = libc::iovec { iov_base: std::ptr::from_mut(&mut word).cast(), iov_len: 8 };
    // SAFETY: writes the eight bytes of `word` only; the kernel checks the child's address.
    let read = unsafe { libc::process_vm_readv(pid, &raw const into, 1, &raw const from, 1, 0) };
    if read == 8 { Ok(word) } else { Err(io::Error::last_os_error()) }
}

/// What kind of system call stop the child is in.
pub(super) fn call_info(pid: i32) -> io::Result<CallInfo> {
    // struct ptrace_syscall_info: op u8, arch u32 at 4, instruction pointer at 8, stack pointer at
    // 16, then number and six arguments, or result.
    let mut words = [0u64; 11];
    let size = size_of_val(&words);
    request(libc::PTRACE_GET_SYSCALL_INFO, pid, size, words.as_mut_ptr() as usize)?;
    let after = words[1];
    Ok(match words[0] & 0xff {
        1 => {
            let mut args = [0; 6];
            args.copy_from_slice(&words[4..10]);
            CallInfo::Enter { number: words[3], args, after }
        }
        2 => CallInfo::Exit { value: words[3].cast_signed(), after },
        _ => CallInfo::Other,
    })
}

/// The address that the child's last memory fault was about.
pub(super) fn fault_address(pid: i32) -> io::Result<u64> {
    let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
    request(libc::PTRACE_GETSIGINFO, pid, 0, info.as_mut_ptr() as usize)?;
    // SAFETY: zero is a valid value of this structure of integers, and the kernel filled it.
    let info = unsafe { info.assume_init() };
    // SAFETY: the field is meaningful for SIGSEGV and SIGBUS, and mere bits for other signals.
    Ok(unsafe { info.si_addr() } as u64)
}

/// Waits for the child.
pub(super) fn wait(pid: i32, patience: Patience) -> io::Result<Waited> {
    let flags = libc::__WALL | if patience == Patience::Look { libc::WNOHANG } else { 0 };
    let mut status = 0;
    loop {
        // SAFETY: writes one integer, `status`.
        let got = unsafe { libc::waitpid(pid, &raw mut status, flags) };
        if got == 0 {
            return Ok(Waited::Nothing);
        }
        if got == pid {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(if libc::WIFSTOPPED(status) {
        Waited::Stopped(libc::WSTOPSIG(status))
    } else if libc::WIFEXITED(status) {
        Waited::Exited(libc::WEXITSTATUS(status))
    } else {
        Waited::Killed(libc::WTERMSIG(status))
    })
}

/// Sends SIGKILL to a child that was not reaped yet.
pub(super) fn kill(pid: i32) {
    // SAFETY: sends a signal; the caller owns the unreaped child, so the pid is not re-used.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// Waits until `fd` can be read, at most `timeout_ms`; false when the time was over.
pub(super) fn readable(fd: BorrowedFd<'_>, timeout_ms: i32) -> io::Result<bool> {
    let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: the array is one entry that lives through the call.
    let ready = unsafe { libc::poll(&raw mut entry, 1, timeout_ms) };
    if ready < 0 { Err(io::Error::last_os_error()) } else { Ok(ready > 0) }
}

/// A lock that some other open file description holds on a byte in `[first, last]`, as its own
/// first and last byte. Which one, if there are several, is the kernel's choice.
pub(super) fn a_lock(fd: BorrowedFd<'_>, first: i64, last: i64) -> io::Result<Option<(i64, i64)>> {
    // SAFETY: zero is a valid value of this structure of integers.
    let mut asked: libc::flock = unsafe { std::mem::zeroed() };
    asked.l_type = libc::F_WRLCK as libc::c_short;
    asked.l_start = first;
    asked.l_len = last - first + 1;
    // SAFETY: reads and writes `asked` only.
    let result = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_OFD_GETLK, &raw mut asked) };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    let (start, length) = (asked.l_start, asked.l_len);
    let end = if length == 0 { i64::MAX } else { start + length - 1 };
    Ok((i32::from(asked.l_type) != libc::F_UNLCK).then_some((start, end)))
}

/// A read-only shared mapping of a whole file.
#[derive(Debug)]
pub(super) struct ReadMap {
    at: *const u8,
    size: usize,
}

impl ReadMap {
    /// Maps the first `size` bytes of `file`; `size` must be the file's own.
    pub(super) fn new(file: BorrowedFd<'_>, size: usize) -> io::Result<Self> {
        let (none, fd) = (std::ptr::null_mut(), file.as_raw_fd());
        // SAFETY: a new mapping at an address of the kernel's choice.
        let at = unsafe { libc::mmap(none, size, libc::PROT_READ, libc::MAP_SHARED, fd, 0) };
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { at: at.cast_const().cast(), size })
    }

    /// Copies the bytes as they are now.
    pub(super) fn copy_to(&self, into: &mut Vec<u8>) {
        into.resize(self.size, 0);
        // SAFETY: the mapping has `size` bytes, and `into` was just given as many. Others may write
        // meanwhile: a copy by the C library reads bytes, whatever they are.
        unsafe { libc::memcpy(into.as_mut_ptr().cast(), self.at.cast(), self.size) };
    }
}

impl Drop for ReadMap {
    fn drop(&mut self) {
        // SAFETY: the mapping made by `new`, which nobody else knows.
        unsafe { libc::munmap(self.at.cast_mut().cast(), self.size) };
    }
}

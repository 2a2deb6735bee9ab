//! Windows: process handles, the command line of ourselves, the clock of the system's start.
//!
//! Of another process there is the path of its program in the place of its command line, which would have
//! to be read out of its memory. All processes of a machine have one space of ids. The number of this boot is the
//! moment of the start, as the system keeps it apart from changes of the clock.

use std::os::windows::io::AsRawHandle;

use windows_sys::Wdk::System::SystemInformation::NtQuerySystemInformation;
use windows_sys::Wdk::System::Threading::{NtQueryInformationThread, ThreadSuspendCount};
use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::Security::Cryptography::{
    BCRYPT_USE_SYSTEM_PREFERRED_RNG, BCryptGenRandom,
};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, OpenThread, PROCESS_NAME_WIN32, QueryFullProcessImageNameW,
    THREAD_QUERY_LIMITED_INFORMATION,
};

use super::{Activity, Condition, Identity, Mappers};
use crate::error::{Error, Result};
use crate::windows::processes::{self, Opened};
use crate::windows::{owned, sid};

/// From 1601, where the system's time begins, to 1970, in pieces of 100 ns.
const TO_1970: u64 = 116_444_736_000_000_000;

pub(super) fn identity(uid: u32) -> Identity {
    // SAFETY: the call has no precondition, and its answer is a constant that stands for this process.
    let start = processes::start_of(unsafe { GetCurrentProcess() }).unwrap_or(0);
    Identity { pid: std::process::id(), uid, start, pid_namespace: 0 }
}

pub(super) fn command_line(pid: u32, start: u64) -> Option<String> {
    let Opened::Yes(process) = processes::open(pid, start, 0) else { return None };
    if pid == std::process::id() {
        let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
        return Some(words.collect::<Vec<_>>().join(" "));
    }
    let mut room = [0_u16; 1024];
    let mut len = room.len() as u32;
    // SAFETY: the handle is open, and the room is ours and as long as is said.
    let got = unsafe {
        QueryFullProcessImageNameW(
            process.as_raw_handle(),
            PROCESS_NAME_WIN32,
            room.as_mut_ptr(),
            &raw mut len,
        )
    };
    (got != 0).then(|| String::from_utf16_lossy(&room[..(len as usize).min(room.len())]))
}

/// A process is stopped when each of its threads is. Who did it is not shown, a debugger least of all.
pub(super) fn condition(pid: u32, start: u64) -> Option<Condition> {
    let Opened::Yes(_it_is_that_one) = processes::open(pid, start, 0) else { return None };
    let threads = threads_of(pid)?;
    let is_stopped = !threads.is_empty() && threads.into_iter().all(is_suspended);
    let activity = if is_stopped { Activity::Stopped } else { Activity::Running };
    Some(Condition { activity, tracer: None })
}

/// Whether a thread was stopped by somebody, and not let go on since.
fn is_suspended(thread: u32) -> bool {
    let mut count = 0_u32;
    // SAFETY: the call takes any number.
    let opened = unsafe { OpenThread(THREAD_QUERY_LIMITED_INFORMATION, 0, thread) };
    // SAFETY: null, or a handle that nobody else has.
    let Some(thread) = (unsafe { owned(opened) }) else { return false };
    // SAFETY: the handle is open, and the number is ours and as long as is said.
    let status = unsafe {
        NtQueryInformationThread(
            thread.as_raw_handle(),
            ThreadSuspendCount,
            (&raw mut count).cast(),
            size_of_val(&count) as u32,
            std::ptr::null_mut(),
        )
    };
    status == 0 && count > 0
}

pub(super) fn started_ns(start: u64) -> Option<u64> {
    start.checked_sub(TO_1970)?.checked_mul(100)
}

pub(super) fn mappers(_address: usize) -> Result<Mappers> {
    Err(Error::unsupported("see the maps of other processes"))
}

pub(super) fn boot_id() -> Result<Vec<u8>> {
    const TIME_OF_DAY: i32 = 3;
    // The boot, the present time, the time zone's bias, two small numbers in one, the boot's bias, and the
    // bias of sleep: 48 bytes.
    let mut found = [0_u64; 6];
    let mut used = 0;
    // SAFETY: the room is ours and as long as is said.
    let status = unsafe {
        NtQuerySystemInformation(
            TIME_OF_DAY,
            found.as_mut_ptr().cast(),
            size_of_val(&found) as u32,
            &raw mut used,
        )
    };
    let [boot, .., boot_bias, _] = found;
    match status {
        // Whoever sets the clock moves both.
        0 => Ok(format!("{:016x}", boot.wrapping_sub(boot_bias)).into_bytes()),
        _ => Err(Error::unsupported("ask when the system started")),
    }
}

pub(super) fn random(buf: &mut [u8]) -> Result<()> {
    let none = std::ptr::null_mut();
    let len = u32::try_from(buf.len()).map_err(|_| Error::unsupported("so many random bytes"))?;
    // SAFETY: pointer and length are those of one slice that this call alone may write.
    let status =
        unsafe { BCryptGenRandom(none, buf.as_mut_ptr(), len, BCRYPT_USE_SYSTEM_PREFERRED_RNG) };
    if status == 0 { Ok(()) } else { Err(Error::unsupported("ask for random bytes")) }
}

pub(super) fn is_only_thread() -> bool {
    threads_of(std::process::id()).is_some_and(|threads| threads.len() == 1)
}

/// The threads of a process, by their ids.
fn threads_of(pid: u32) -> Option<Vec<u32>> {
    // SAFETY: the call has no precondition.
    let made = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) };
    if made == INVALID_HANDLE_VALUE {
        return None;
    }
    // SAFETY: not the value of a failure, and nobody else's.
    let all = unsafe { owned(made) }?;
    let size = size_of::<THREADENTRY32>() as u32;
    let mut thread = THREADENTRY32 { dwSize: size, ..Default::default() };
    let mut found = Vec::new();
    // SAFETY: the handle is a snapshot's, and the struct is ours and says how long it is.
    let mut more = unsafe { Thread32First(all.as_raw_handle(), &raw mut thread) };
    while more != 0 {
        if thread.th32OwnerProcessID == pid {
            found.push(thread.th32ThreadID);
        }
        // SAFETY: as above.
        more = unsafe { Thread32Next(all.as_raw_handle(), &raw mut thread) };
    }
    Some(found)
}

pub(super) fn effective_uid() -> u32 {
    // A process without a user is nobody whom anybody knows.
    sid::own().map_or(u32::MAX, sid::number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_we_are_can_be_seen() {
        let me = identity(effective_uid());
        assert!(matches!(processes::open(me.pid, me.start, 0), Opened::Yes(_)));
        let other = processes::open(me.pid, me.start + 1, 0);
        assert!(matches!(other, Opened::Gone), "another one with this id");
        assert!(condition(me.pid, me.start).is_some());
        assert!(condition(me.pid, me.start + 1).is_none());
        let (now, start) = (super::super::clock_ns(), started_ns(me.start).expect("a time"));
        assert!(start < now + 2_000_000_000 && start > now / 2);
    }

    #[test]
    fn threads_are_counted() {
        // The harness has one of its own beside ours.
        assert!(!is_only_thread());
    }
}

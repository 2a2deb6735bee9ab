//! Processes, known by their id and the moment of their start: an id alone is used again.

use std::os::windows::io::{AsRawHandle, OwnedHandle};

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, FILETIME, HANDLE};
use windows_sys::Win32::System::Threading::{
    GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION,
};

use super::{last_error, owned};

/// When a process started, in pieces of 100 ns since 1601.
pub(crate) fn start_of(process: HANDLE) -> Option<u64> {
    let [mut start, mut end, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: the handle is open or stands for ourselves; the others are ours.
    let got = unsafe {
        GetProcessTimes(process, &raw mut start, &raw mut end, &raw mut kernel, &raw mut user)
    };
    let whole = u64::from(start.dwHighDateTime) << 32 | u64::from(start.dwLowDateTime);
    (got != 0).then_some(whole)
}

/// What came of opening a process.
#[derive(Debug)]
pub(crate) enum Opened {
    /// It is the one that started then: asked through the handle, which keeps its id from being used again.
    Yes(OwnedHandle),
    /// There is none, or another one that has its id.
    Gone,
    /// It may not be looked at.
    Hidden,
}

/// Opens the process that started then, if there is one.
pub(crate) fn open(pid: u32, start: u64, access: u32) -> Opened {
    // SAFETY: the call takes any number.
    let opened = unsafe { OpenProcess(access | PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    // SAFETY: null, or a handle that nobody else has.
    match unsafe { owned(opened) } {
        None if last_error() == ERROR_ACCESS_DENIED => Opened::Hidden,
        Some(process) if start_of(process.as_raw_handle()) == Some(start) => Opened::Yes(process),
        _ => Opened::Gone,
    }
}

//! What the Windows mechanisms share: text for the system, its handles, accounts, rights on kernel
//! objects, the names of objects, files that hold some, which of them is mapped where, markers of who lives, and
//! processes.

pub(crate) mod disk;
pub(crate) mod folders;
pub(crate) mod maps;
pub(crate) mod markers;
pub(crate) mod names;
pub(crate) mod privilege;
pub(crate) mod processes;
pub(crate) mod rights;
pub(crate) mod sid;
#[cfg(test)]
mod strangers;

use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{FromRawHandle, OwnedHandle};
use std::path::Path;

use windows_sys::Win32::Foundation::HANDLE;

use crate::error::Error;

/// Text as the system takes it: UTF-16 with a zero at its end.
pub(crate) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// A path as the system takes it.
pub(crate) fn wide_path(path: &Path) -> Vec<u16> {
    path.as_os_str().encode_wide().chain([0]).collect()
}

/// What the call before refused on this thread.
#[cold]
pub(crate) fn refused(step: &'static str) -> Error {
    Error::new(step, io::Error::last_os_error())
}

/// The error of a number that the system gave.
#[cold]
pub(crate) fn refused_by(step: &'static str, code: u32) -> Error {
    Error::new(step, io::Error::from_raw_os_error(code.cast_signed()))
}

/// The number of the error of the call before.
pub(crate) fn last_error() -> u32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0).cast_unsigned()
}

/// A handle that a call just returned, if it did; closed when it is dropped.
///
/// # Safety
/// `handle` is null, or a handle that nobody else will close.
pub(crate) unsafe fn owned(handle: HANDLE) -> Option<OwnedHandle> {
    // SAFETY: not null, and by the caller's contract nobody else's.
    (!handle.is_null()).then(|| unsafe { OwnedHandle::from_raw_handle(handle) })
}

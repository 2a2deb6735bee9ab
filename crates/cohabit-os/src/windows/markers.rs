//! Markers: named events that say by *being there* that the process lives which made them.
//!
//! The system closes the handles of a process when its last thread has ended, and with the last handle the name
//! is gone. (A mutex would be given up as soon as the thread that took it ends, while others of its process
//! still run.)
//!
//! 1. Whoever asks, or tries in vain, never gets a handle of the event, not even for a moment: it would
//!    prolong the life of the dead, and for ever if it were stopped then. So the event lets nobody open it,
//!    and is asked for as an object of another kind: the answer then is that it is not one, or that there
//!    is nothing.
//! 2. Handles are inherited by nobody.

use std::os::windows::io::OwnedHandle;

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, ERROR_FILE_NOT_FOUND,
    ERROR_INVALID_HANDLE,
};
use windows_sys::Win32::System::Threading::{CreateEventW, OpenSemaphoreW, SEMAPHORE_MODIFY_STATE};

use super::rights::Descriptor;
use super::{last_error, owned, refused_by, wide};
use crate::error::Result;

/// Makes the marker of this name. `None`: it is there, and somebody's.
pub(crate) fn make(name: &str) -> Result<Option<OwnedHandle>> {
    let (name, descriptor) = (wide(name), Descriptor::of_nobody()?);
    // SAFETY: descriptor and name live for the call.
    let made = unsafe { CreateEventW(descriptor.attributes(), 1, 0, name.as_ptr()) };
    let code = last_error();
    // SAFETY: null, or a handle that nobody else has.
    match unsafe { owned(made) } {
        // It was there, and lets us in against Invariant 1: not made by this code. Not ours.
        Some(_) if code == ERROR_ALREADY_EXISTS => Ok(None),
        Some(event) => Ok(Some(event)),
        None if matches!(code, ERROR_ACCESS_DENIED | ERROR_INVALID_HANDLE) => Ok(None),
        None => Err(refused_by("make a marker", code)),
    }
}

/// Whether somebody who lives has made the marker of this name.
pub(crate) fn is_there(name: &str) -> Result<bool> {
    let name = wide(name);
    // SAFETY: the name ends with zero and lives for the call.
    let opened = unsafe { OpenSemaphoreW(SEMAPHORE_MODIFY_STATE, 0, name.as_ptr()) };
    if !opened.is_null() {
        // A semaphore, which only a stranger can have made. SAFETY: nobody else has this handle.
        unsafe { CloseHandle(opened) };
        return Ok(true);
    }
    match last_error() {
        ERROR_FILE_NOT_FOUND => Ok(false),
        ERROR_INVALID_HANDLE | ERROR_ACCESS_DENIED => Ok(true),
        code => Err(refused_by("ask for a marker", code)),
    }
}

//! Windows: a named object that is there as long as the process that made it. See "Object Names" and
//! CreateEvent.
//!
//! A byte is held by the *being there* of an event of its name. The system closes the handles of a process
//! when its last thread has ended, and with the last handle the name is gone: so a byte is free exactly
//! when nothing of its holder runs any more, and it is never asked for by a process id. (A mutex would be
//! given up as soon as the thread that took it ends, while others of the process still run.)
//!
//! 1. Whoever asks, or tries in vain, never gets a handle of the event, not even for a moment: it would
//!    prolong the life of the dead, and for ever if it were stopped then. So the event lets nobody open it,
//!    and is asked for as an object of another kind: the answer then is that it is not one, or that there
//!    is nothing.
//! 2. Handles are inherited by nobody.

use std::io;
use std::os::windows::io::OwnedHandle;
use std::path::Path;
use std::sync::PoisonError;

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, ERROR_FILE_NOT_FOUND,
    ERROR_INVALID_HANDLE,
};
use windows_sys::Win32::System::Threading::{CreateEventW, OpenSemaphoreW, SEMAPHORE_MODIFY_STATE};

use super::{Byte, Hold};
use crate::error::{Error, Result};
use crate::mapping::{File, Handle};
use crate::windows::names::held_name;
use crate::windows::rights::Descriptor;
use crate::windows::{last_error, owned, refused_by};

pub(super) fn try_lock_life(handle: &Handle) -> Result<bool> {
    let event = make(handle, Byte::LIFE)?;
    let got = event.is_some();
    if got {
        *handle.life.lock().unwrap_or_else(PoisonError::into_inner) = event;
    }
    Ok(got)
}

pub(super) fn unlock_life(handle: &Handle) {
    drop(handle.life.lock().unwrap_or_else(PoisonError::into_inner).take());
}

pub(super) fn hold(file: &File, byte: Byte) -> Result<Hold> {
    match make(file.handle(), byte)? {
        Some(event) => Ok(Hold::Event { _event: event }),
        None => Err(Error::new("lock a slot's byte", io::ErrorKind::WouldBlock.into())),
    }
}

pub(super) fn let_go(hold: Hold) {
    drop(hold);
}

pub(super) fn is_held(handle: &Handle, byte: Byte) -> Result<bool> {
    let name = held_name(handle.key(), byte.offset());
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
        code => Err(refused_by("ask for a byte", code)),
    }
}

/// A handle holds its object on every Windows.
pub(super) fn anchors_work(_folder: Option<&Path>) -> Result<bool> {
    Ok(true)
}

/// Makes the event of a byte. `None`: it is there, and somebody's.
fn make(handle: &Handle, byte: Byte) -> Result<Option<OwnedHandle>> {
    let (name, descriptor) = (held_name(handle.key(), byte.offset()), Descriptor::of_nobody()?);
    // SAFETY: descriptor and name live for the call.
    let made = unsafe { CreateEventW(descriptor.attributes(), 1, 0, name.as_ptr()) };
    let code = last_error();
    // SAFETY: null, or a handle that nobody else has.
    match unsafe { owned(made) } {
        // It was there, and lets us in against Invariant 1: not made by this code. Not ours.
        Some(_) if code == ERROR_ALREADY_EXISTS => Ok(None),
        Some(event) => Ok(Some(event)),
        None if matches!(code, ERROR_ACCESS_DENIED | ERROR_INVALID_HANDLE) => Ok(None),
        None => Err(refused_by("hold a byte", code)),
    }
}

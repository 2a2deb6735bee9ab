//! Windows: an event object that stays set until it is unset. Every wait function takes its handle.

use std::os::windows::io::AsRawHandle;
use std::ptr;

use windows_sys::Win32::System::Threading::{CreateEventW, ResetEvent, SetEvent};

use super::Handle;
use crate::error::Result;
use crate::windows::{owned, refused};

pub(super) fn new() -> Result<Handle> {
    // SAFETY: without rights of its own and without a name, the call only makes an event.
    let made = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
    // SAFETY: null, or a handle that nobody else has.
    let polled = unsafe { owned(made) }.ok_or_else(|| refused("make an event"))?;
    Ok(Handle { polled, raised: None })
}

pub(super) fn raise(handle: &Handle) {
    // SAFETY: the handle is open.
    let _set = unsafe { SetEvent(handle.polled.as_raw_handle()) };
}

pub(super) fn clear(handle: &Handle) {
    // SAFETY: the handle is open.
    let _unset = unsafe { ResetEvent(handle.polled.as_raw_handle()) };
}

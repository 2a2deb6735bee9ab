//! Linux: eventfd(2), a counter that is readable while it is not 0.

use rustix::event::{EventfdFlags, eventfd};

use super::Handle;
use crate::error::{Error, Result};

pub(super) fn new() -> Result<Handle> {
    let made = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
    let polled = made.map_err(|errno| Error::new("eventfd", errno.into()))?;
    Ok(Handle { polled, raised: None })
}

pub(super) fn raise(handle: &Handle) {
    // EAGAIN: the counter is at its end, so it is readable.
    let _raised = rustix::io::write(&handle.polled, &1_u64.to_ne_bytes());
}

pub(super) fn clear(handle: &Handle) {
    // EAGAIN: the counter was 0.
    let _cleared = rustix::io::read(&handle.polled, &mut [0; 8]);
}

//! Linux: eventfd(2), a counter that is readable while it is not 0.

use rustix::event::{EventfdFlags, eventfd};

use crate::error::{Error, Result};
use crate::handle::{AsFd, BorrowedFd, OwnedFd};

pub(super) type Handle = OwnedFd;

pub(super) fn new() -> Result<Handle> {
    let made = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
    made.map_err(|errno| Error::new("eventfd", errno.into()))
}

pub(super) fn raise(handle: &Handle) {
    // EAGAIN: the counter is at its end, so it is readable.
    let _raised = rustix::io::write(handle, &1_u64.to_ne_bytes());
}

pub(super) fn clear(handle: &Handle) {
    // EAGAIN: the counter was 0.
    let _cleared = rustix::io::read(handle, &mut [0; 8]);
}

pub(super) fn descriptor(handle: &Handle) -> BorrowedFd<'_> {
    handle.as_fd()
}

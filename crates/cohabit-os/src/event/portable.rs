//! Plain POSIX: pipe(2), which is readable while something is in it.

use std::os::fd::OwnedFd;

use super::Handle;
use crate::error::{Error, Result};

pub(super) fn new() -> Result<Handle> {
    let step = "make a pipe";
    let (hear, tell) = std::io::pipe().map_err(|error| Error::new(step, error))?;
    let (polled, raised): (OwnedFd, OwnedFd) = (hear.into(), tell.into());
    for end in [&polled, &raised] {
        rustix::io::ioctl_fionbio(end, true).map_err(|errno| Error::new(step, errno.into()))?;
    }
    Ok(Handle { polled, raised: Some(raised) })
}

pub(super) fn raise(handle: &Handle) {
    // EAGAIN: the pipe is full, so it is readable.
    let _raised = handle.raised.as_ref().map(|raised| rustix::io::write(raised, b"!"));
}

pub(super) fn clear(handle: &Handle) {
    // A short read took all that was there; EAGAIN: there was nothing.
    let mut bytes = [0; 512];
    while rustix::io::read(&handle.polled, &mut bytes).is_ok_and(|count| count == bytes.len()) {}
}

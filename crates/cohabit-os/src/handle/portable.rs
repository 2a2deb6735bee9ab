//! Plain POSIX: descriptors can be passed on, but nothing fixes the size of what they lead to. See fcntl(2).
//!
//! There are no seals: whoever has a descriptor can cut the memory, and its users would end by SIGBUS. So no
//! descriptor is believed to be of a file of fixed size, and what asks whether one is, is told why not.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io;

use super::Rights;
use crate::error::{Error, Result};
use crate::mapping::Handle;

pub(super) fn rights(_handle: &Handle) -> Result<Rights> {
    Err(Error::unsupported(
        "memory whose size is fixed, which the portable mechanism does not have",
    ))
}

pub(super) fn another(descriptor: BorrowedFd<'_>) -> Result<Handle> {
    dup(descriptor).map(Handle::from)
}

pub(super) fn give(handle: &Handle) -> Result<OwnedFd> {
    dup(handle.as_fd())
}

pub(super) fn forbid_new_writers(_handle: &Handle) -> Result<()> {
    Err(Error::unsupported("seal"))
}

fn dup(descriptor: BorrowedFd<'_>) -> Result<OwnedFd> {
    io::fcntl_dupfd_cloexec(descriptor, 0).map_err(refused("fcntl (another descriptor)"))
}

fn refused(step: &'static str) -> impl FnOnce(io::Errno) -> Error {
    move |errno| Error::new(step, errno.into())
}

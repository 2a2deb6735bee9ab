//! Plain POSIX: the mode of a descriptor, which is passed on as it is. See fcntl(2).
//!
//! There are no seals, so no file's size is fixed, and no file is closed to new writers.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{self, OFlags};
use rustix::io;

use super::Rights;
use crate::error::{Error, Result};
use crate::mapping::Handle;

pub(super) fn rights(handle: &Handle) -> Result<Rights> {
    let flags = fs::fcntl_getfl(handle).map_err(refused("fcntl (what a descriptor allows)"))?;
    let mode = flags & OFlags::RWMODE;
    Ok(Rights {
        reads: mode == OFlags::RDONLY || mode == OFlags::RDWR,
        writes: mode == OFlags::WRONLY || mode == OFlags::RDWR,
        fixed_size: false,
        no_new_writers: false,
    })
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

//! Linux: seals and the mode of a descriptor. See fcntl(2), "File Sealing", and memfd_create(2).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{self, OFlags, SealFlags};
use rustix::io;

use super::Rights;
use crate::error::{Error, Result};
use crate::mapping::Handle;

pub(super) fn rights(handle: &Handle) -> Result<Rights> {
    let flags = fs::fcntl_getfl(handle).map_err(refused("fcntl (what a descriptor allows)"))?;
    let mode = flags & OFlags::RWMODE;
    let opens = |wanted| mode == wanted && !flags.contains(OFlags::PATH);
    let seals = match fs::fcntl_get_seals(handle) {
        // What cannot be sealed, and what cannot be read, says the same as no seals.
        Err(io::Errno::INVAL | io::Errno::BADF) => SealFlags::empty(),
        seals => seals.map_err(refused("fcntl (which seals it has)"))?,
    };
    let is_sealed = seals.contains(SealFlags::SHRINK | SealFlags::GROW);
    Ok(Rights {
        reads: opens(OFlags::RDONLY) || opens(OFlags::RDWR),
        writes: opens(OFlags::WRONLY) || opens(OFlags::RDWR),
        fixed_size: is_sealed && is_tmpfs(handle)?,
        no_new_writers: seals.intersects(SealFlags::WRITE | SealFlags::FUTURE_WRITE),
    })
}

/// Huge pages come from a pool: a page that a peer gave back may not be had again.
fn is_tmpfs(handle: &Handle) -> Result<bool> {
    const TMPFS_MAGIC: i64 = 0x0102_1994;
    let found = fs::fstatfs(handle).map_err(refused("fstatfs"))?;
    #[allow(clippy::useless_conversion, reason = "f_type is narrower on some targets")]
    Ok(i64::from(found.f_type) == TMPFS_MAGIC)
}

pub(super) fn another(descriptor: BorrowedFd<'_>) -> Result<Handle> {
    dup(descriptor).map(Handle::from)
}

pub(super) fn give(handle: &Handle) -> Result<OwnedFd> {
    dup(handle.as_fd())
}

pub(super) fn forbid_new_writers(handle: &Handle) -> Result<()> {
    // No more seals after it: a peer could still add one that stops writers who map it already.
    let seals = SealFlags::FUTURE_WRITE | SealFlags::SEAL;
    fs::fcntl_add_seals(handle, seals).map_err(refused("seal"))
}

fn dup(descriptor: BorrowedFd<'_>) -> Result<OwnedFd> {
    io::fcntl_dupfd_cloexec(descriptor, 0).map_err(refused("fcntl (another descriptor)"))
}

fn refused(step: &'static str) -> impl FnOnce(io::Errno) -> Error {
    move |errno| Error::new(step, errno.into())
}

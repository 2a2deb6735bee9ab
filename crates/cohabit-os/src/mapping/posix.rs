//! Every Unix: what is asked of an open file, of a name, and of a map. See open(2), fcntl(2), mmap(2),
//! msync(2).

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::ptr::NonNull;

use rustix::fs::{self, AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mm::{self, MapFlags, MsyncFlags, ProtFlags};

use super::shared::{self, again, refused, status_from};
use super::trail::Trail;
use super::{Access, FileStatus, Lasts, Rights, Space};
use crate::error::{Error, Result};

/// A descriptor, closed when it is dropped.
#[derive(Debug)]
pub(crate) struct Handle {
    fd: OwnedFd,
    /// By which name the file is found again, where the mechanism has no other way.
    trail: Option<Box<Trail>>,
}

impl Handle {
    /// A file that is found again by this name.
    pub(super) fn on(trail: Trail, fd: OwnedFd) -> Handle {
        Handle { fd, trail: Some(Box::new(trail)) }
    }

    /// By which name it is found again.
    pub(crate) fn trail(&self) -> Option<&Trail> {
        self.trail.as_deref()
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Handle {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.fd.as_raw_fd()
    }
}

impl From<OwnedFd> for Handle {
    fn from(fd: OwnedFd) -> Handle {
        Handle { fd, trail: None }
    }
}

/// Standard input, output and error are below it.
const FIRST_OF_OURS: i32 = 3;

/// A descriptor that is none of the three that every part of a program reads and writes: where the
/// program has closed one of these, its next message would go into an object.
pub(super) fn no_standard_stream(handle: Handle) -> Result<Handle> {
    let mut handle = handle;
    if handle.as_raw_fd() < FIRST_OF_OURS {
        let other = rustix::io::fcntl_dupfd_cloexec(&handle, FIRST_OF_OURS);
        handle.fd = other.map_err(refused("fcntl (another descriptor)"))?;
    }
    Ok(handle)
}

pub(crate) fn grant(handle: &Handle, rights: Rights) -> Result<()> {
    shared::grant(handle, rights)
}

pub(super) fn write_at(handle: &Handle, bytes: &[u8], offset: u64) -> Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match rustix::io::pwrite(handle, &bytes[done..], offset + done as u64) {
            Ok(0) => return Err(refused("pwrite")(Errno::IO)),
            Ok(count) => done += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(refused("pwrite")(errno)),
        }
    }
    Ok(())
}

pub(super) fn sync(handle: &Handle) -> Result<()> {
    again(|| fs::fsync(handle)).map_err(refused("fsync"))
}

pub(super) fn status(handle: &Handle) -> Result<FileStatus> {
    let mut status = fs::fstat(handle).map(|stat| status_from(&stat)).map_err(refused("fstat"))?;
    // The name of a draft is none.
    status.links -= u64::from(handle.trail().is_some_and(Trail::is_draft)).min(status.links);
    Ok(status)
}

pub(super) fn read_at(handle: &Handle, buf: &mut [u8], offset: u64) -> Result<usize> {
    loop {
        match rustix::io::pread(handle, &mut *buf, offset) {
            Err(Errno::INTR) => {}
            read => return read.map_err(refused("pread")),
        }
    }
}

pub(super) fn map(handle: &Handle, len: usize, access: Access) -> Result<NonNull<u8>> {
    let protection = match access {
        Access::ReadOnly => ProtFlags::READ,
        Access::ReadWrite => ProtFlags::READ | ProtFlags::WRITE,
    };
    let hint = std::ptr::null_mut();
    // SAFETY: with no hint the kernel picks pages that nothing else uses, so no memory of this
    // process changes under anyone (Invariant 4).
    let base = unsafe { mm::mmap(hint, len, protection, MapFlags::SHARED, handle.as_fd(), 0) };
    let base = base.map_err(refused("mmap"))?;
    // The kernel never maps page 0 without a hint.
    NonNull::new(base.cast()).ok_or_else(|| refused("mmap")(Errno::NOMEM))
}

pub(super) fn status_of(path: &Path) -> Result<FileStatus> {
    fs::lstat(path).map(|stat| status_from(&stat)).map_err(refused("lstat"))
}

pub(super) fn remove_empty(folder: &Path) -> Result<bool> {
    match fs::unlinkat(CWD, folder, AtFlags::REMOVEDIR) {
        Ok(()) => Ok(true),
        // EXIST is what POSIX also allows for a folder that is not empty.
        Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT | Errno::NOTDIR) => Ok(false),
        Err(Errno::PERM | Errno::ACCESS | Errno::ROFS) => Ok(false),
        Err(errno) => Err(refused("rmdir")(errno)),
    }
}

pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::open(folder, flags, Mode::empty()).map_err(refused("open the folder"))?;
    again(|| fs::fsync(&fd)).map_err(refused("fsync"))
}

pub(super) fn list(folder: &Path) -> Result<Vec<String>> {
    let step = "read the folder";
    let entries = std::fs::read_dir(folder).map_err(|error| Error::new(step, error))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::new(step, error))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

pub(super) fn space(folder: &Path, _lasts: Lasts) -> Result<Space> {
    let found = fs::statvfs(folder).map_err(refused("statvfs"))?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok(Space { total: bytes(found.f_blocks), free: bytes(found.f_bavail) })
}

/// Writes pages back and waits until they are there.
///
/// # Safety
/// `base` is what a call of `map` returned, `len` is at most what it took, and the pages were not given
/// back.
pub(super) unsafe fn sync_pages(base: NonNull<u8>, len: usize) -> Result<()> {
    let at = base.as_ptr().cast();
    again(|| {
        // SAFETY: the caller's contract; msync(2) changes nothing that the process can see.
        unsafe { mm::msync(at, len, MsyncFlags::SYNC) }
    })
    .map_err(refused("msync"))
}

/// Gives pages back.
///
/// # Safety
/// `base` and `len` are what one call of `map` took and returned; the pages were not given back
/// before, and nobody uses them after.
pub(super) unsafe fn unmap(base: NonNull<u8>, len: usize) {
    // Refused by a sandbox, the pages stay mapped until the process ends.
    // SAFETY: the caller's contract is that of munmap(2).
    let _ = unsafe { mm::munmap(base.as_ptr().cast(), len) };
}

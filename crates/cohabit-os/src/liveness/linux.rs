//! Linux: open file description locks, and a page that keeps a description alive. See fcntl(2),
//! mmap(2), madvise(2).

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::{self, NonNull};

use libc::{c_int, c_long, c_short};
use rustix::mm::{self, Advice, MapFlags, ProtFlags};

use crate::error::{Error, Result};
use crate::mapping::Handle;

/// The kernel's `struct flock64`, which is the same on every word size.
///
/// The C library's `fcntl` of a 32-bit process takes this for EINVAL, so the call is made directly:
/// as fcntl64 there, and as fcntl where that one has 64-bit offsets itself.
#[repr(C)]
struct Range {
    kind: c_short,
    whence: c_short,
    start: i64,
    len: i64,
    /// Zero for locks of descriptions.
    pid: i32,
}

#[cfg(target_pointer_width = "32")]
const SYS_FCNTL: c_long = libc::SYS_fcntl64;
#[cfg(not(target_pointer_width = "32"))]
const SYS_FCNTL: c_long = libc::SYS_fcntl;

/// The kernel rounds this up to its page, whatever size that has.
const ANY_PAGE: usize = 1;

pub(super) fn try_lock(handle: &Handle, offset: u64) -> Result<bool> {
    match fcntl(handle, libc::F_OFD_SETLK, &mut byte_at(libc::F_WRLCK, offset)) {
        Ok(()) => Ok(true),
        Err(error) => match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES) => Ok(false),
            _ => Err(Error::new("fcntl (lock a byte)", error)),
        },
    }
}

pub(super) fn unlock(handle: &Handle, offset: u64) {
    let unlocked = fcntl(handle, libc::F_OFD_SETLK, &mut byte_at(libc::F_UNLCK, offset));
    debug_assert!(unlocked.is_ok(), "unlocking a byte of ours: {unlocked:?}");
}

pub(super) fn is_held(handle: &Handle, offset: u64) -> Result<bool> {
    let mut range = byte_at(libc::F_RDLCK, offset);
    fcntl(handle, libc::F_OFD_GETLK, &mut range)
        .map_err(|error| Error::new("fcntl (ask for a byte)", error))?;
    Ok(c_int::from(range.kind) != libc::F_UNLCK)
}

pub(super) fn anchor_page(handle: &Handle) -> Result<NonNull<u8>> {
    let (hint, fd) = (ptr::null_mut(), handle.as_fd());
    // SAFETY: with no hint the kernel picks pages that nothing else uses.
    let page = unsafe { mm::mmap(hint, ANY_PAGE, ProtFlags::empty(), MapFlags::SHARED, fd, 0) };
    let page = page.map_err(|errno| Error::new("mmap (anchor)", errno.into()))?;
    // SAFETY: the page of the line above, whose address nobody has yet and nobody will touch.
    let advised = unsafe { mm::madvise(page, ANY_PAGE, Advice::LinuxDontFork) };
    if let Err(errno) = advised {
        // SAFETY: as above.
        let _ = unsafe { mm::munmap(page, ANY_PAGE) };
        return Err(Error::new("madvise (do not fork)", errno.into()));
    }
    NonNull::new(page.cast()).ok_or_else(|| Error::unsupported("mmap (anchor)"))
}

/// Gives an anchor's page back, and with it the description's last reference.
///
/// # Safety
/// `page` is what `anchor_page` returned in this address space, and was not given back before.
pub(super) unsafe fn release_page(page: NonNull<u8>) {
    // SAFETY: the caller's contract; nothing uses the page, which cannot even be read.
    let given_back = unsafe { mm::munmap(page.as_ptr().cast(), ANY_PAGE) };
    debug_assert!(given_back.is_ok(), "munmap of an anchor: {given_back:?}");
}

fn byte_at(kind: c_int, offset: u64) -> Range {
    let narrow = |value: c_int| c_short::try_from(value).unwrap_or(0);
    Range {
        kind: narrow(kind),
        whence: narrow(libc::SEEK_SET),
        // Every `Byte` is below 2^62; one that were not would be refused by the kernel.
        start: i64::try_from(offset).unwrap_or(-1),
        len: 1,
        pid: 0,
    }
}

fn fcntl(handle: &Handle, command: c_int, range: &mut Range) -> io::Result<()> {
    let range = ptr::from_mut(range);
    // SAFETY: the descriptor is open as long as `handle`, and `range` is one `struct flock64` that
    // the kernel may read and write during the call.
    let answer = unsafe { libc::syscall(SYS_FCNTL, handle.as_raw_fd(), command, range) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

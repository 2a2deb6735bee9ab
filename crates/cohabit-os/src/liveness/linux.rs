//! Linux: open file description locks, and a page that keeps a description alive. See fcntl(2),
//! mmap(2), madvise(2).

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use libc::{c_int, c_long, c_short};
use rustix::mm::{self, Advice, MapFlags, ProtFlags};

use super::{Byte, Hold};
use crate::error::{Cause, Error, Result};
use crate::fork;
use crate::mapping::{Access, File, Handle};
use crate::wait::pause;

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

/// What [`anchors_work`] found, once it has looked.
static FOUND: AtomicU8 = AtomicU8::new(UNKNOWN);
const UNKNOWN: u8 = 0;
const ANCHORS: u8 = 1;
const KEEPS_DESCRIPTOR: u8 = 2;

pub(super) fn try_lock_life(handle: &Handle) -> Result<bool> {
    try_lock(handle, Byte::LIFE.offset())
}

pub(super) fn unlock_life(handle: &Handle) {
    // The kernel has no reason to refuse it. A sandbox that does so now and then is asked again; one that
    // always does leaves the byte held until the description goes, which nothing here can help.
    for _ in 0..3 {
        let mut byte = byte_at(libc::F_UNLCK, Byte::LIFE.offset());
        if fcntl(handle, libc::F_OFD_SETLK, &mut byte).is_ok() {
            return;
        }
    }
}

pub(super) fn hold(file: &File, byte: Byte) -> Result<Hold> {
    if FOUND.load(Relaxed) == KEEPS_DESCRIPTOR {
        let own = file.reopen(Access::ReadWrite)?;
        lock_slot(&own, byte)?;
        Ok(Hold::Descriptor { _file: own })
    } else {
        lock_slot(file, byte)?;
        Ok(Hold::Page(anchor_page(file.handle())?))
    }
}

pub(super) fn let_go(hold: Hold) {
    if let Hold::Page(page) = hold {
        // SAFETY: Invariant 6: the caller's address space mapped the page, and this is the only place
        // that unmaps what it holds.
        unsafe { release_page(page) }
    }
}

pub(super) fn is_held(handle: &Handle, byte: Byte) -> Result<bool> {
    is_locked(handle, byte.offset())
}

pub(super) fn anchors_work(folder: Option<&Path>) -> Result<bool> {
    if FOUND.load(Relaxed) == UNKNOWN {
        let found = if page_holds_lock(folder)? { ANCHORS } else { KEEPS_DESCRIPTOR };
        FOUND.store(found, Relaxed);
    }
    Ok(FOUND.load(Relaxed) == ANCHORS)
}

fn lock_slot(file: &File, byte: Byte) -> Result<()> {
    if try_lock(file.handle(), byte.offset())? {
        Ok(())
    } else {
        Err(Error::new("lock a slot's byte", io::ErrorKind::WouldBlock.into()))
    }
}

/// Asks the kernel until nobody was in the way: a child that another thread makes with a bare `clone`, past
/// our hooks, has copies of whatever is open at that moment and frees none of it while it lives.
fn page_holds_lock(folder: Option<&Path>) -> Result<bool> {
    for _ in 0..10 {
        if let Some(holds) = try_page(folder)? {
            return Ok(holds);
        }
    }
    Err(Error::unsupported("lock single bytes of a file"))
}

/// Whether a page holds a lock; nothing where a lock stayed that all of ours had let go.
fn try_page(folder: Option<&Path>) -> Result<Option<bool>> {
    let (first, second) = (Byte::user(0, u32::MAX).offset(), Byte::user(1, u32::MAX).offset());
    let process = fork::process_lock();
    let asker = match folder {
        Some(folder) => File::unnamed(folder, 0, 0o600)?,
        None => File::anonymous(0, 0o600)?,
    };
    let (a, b) = (asker.reopen(Access::ReadWrite)?, asker.reopen(Access::ReadWrite)?);
    let held = |byte| is_locked(asker.handle(), byte);
    let apart = try_lock(a.handle(), first)?
        && !try_lock(b.handle(), first)?
        && try_lock(b.handle(), second)?
        && held(first)?
        && held(second)?;
    let page = match anchor_page(a.handle()) {
        // What the process lacks now says nothing about the kernel.
        Err(error) if error.cause() == Cause::NoAddressSpace => return Err(error),
        page => page,
    };
    drop((a, b));
    drop(process);
    let outlives_descriptor = held(first);
    if let Ok(page) = page {
        // SAFETY: Invariant 6: mapped a few lines above, by this address space, known to nobody.
        unsafe { release_page(page) };
    }
    if !apart {
        return Err(Error::unsupported("lock single bytes of a file"));
    }
    let given_back = freed_soon(|| held(second))? && freed_soon(|| held(first))?;
    Ok(given_back.then_some(page.is_ok() && outlives_descriptor?))
}

/// A child that another thread is just starting shares every descriptor until it execs, so a lock
/// may outlast us for a moment.
fn freed_soon(held: impl Fn() -> Result<bool>) -> Result<bool> {
    for _ in 0..50 {
        if !held()? {
            return Ok(true);
        }
        pause(Duration::from_millis(2));
    }
    Ok(false)
}

fn try_lock(handle: &Handle, offset: u64) -> Result<bool> {
    match fcntl(handle, libc::F_OFD_SETLK, &mut byte_at(libc::F_WRLCK, offset)) {
        Ok(()) => Ok(true),
        Err(error) => match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES) => Ok(false),
            _ => Err(Error::new("fcntl (lock a byte)", error)),
        },
    }
}

fn is_locked(handle: &Handle, offset: u64) -> Result<bool> {
    let mut range = byte_at(libc::F_RDLCK, offset);
    fcntl(handle, libc::F_OFD_GETLK, &mut range)
        .map_err(|error| Error::new("fcntl (ask for a byte)", error))?;
    Ok(c_int::from(range.kind) != libc::F_UNLCK)
}

fn anchor_page(handle: &Handle) -> Result<NonNull<u8>> {
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
unsafe fn release_page(page: NonNull<u8>) {
    // Refused by a sandbox, the byte stays until the process ends: whoever leaves has freed its row.
    // SAFETY: the caller's contract; nothing uses the page, which cannot even be read.
    let _ = unsafe { mm::munmap(page.as_ptr().cast(), ANY_PAGE) };
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
    loop {
        // SAFETY: the descriptor is open as long as `handle`, and `range` is one `struct flock64` that
        // the kernel may read and write during the call.
        let answer = unsafe { libc::syscall(SYS_FCNTL, handle.as_raw_fd(), command, range) };
        if answer == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::liveness::{Anchor, is_held};

    #[test]
    fn where_a_page_does_not_hold_a_lock_the_descriptor_does() -> Result<()> {
        if crate::mechanism() != crate::Mechanism::Linux {
            println!(
                "not for the portable mechanism: it is about this file, which has no part in it"
            );
            return Ok(());
        }
        let asker = File::unnamed(&std::env::temp_dir(), 0, 0o600)?;
        FOUND.store(KEEPS_DESCRIPTOR, Relaxed);
        let byte = Byte::guest(3, 7);
        let anchor = Anchor::take(asker.reopen(Access::ReadWrite)?, byte)?;
        assert!(matches!(anchor.hold, Some(Hold::Descriptor { .. })));
        assert!(is_held(&asker, byte)?);
        drop(anchor);
        assert!(!is_held(&asker, byte)?);
        Ok(())
    }
}

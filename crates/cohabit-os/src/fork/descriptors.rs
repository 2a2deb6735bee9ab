//! Locks of whole files (flock(2)) that belong to this process and not to its children.
//!
//! Such a lock belongs to an open file description, which a child made by `fork` shares. So these are listed,
//! and a child closes its copies right after the fork, before anything else of ours runs there. A child that
//! the C library does not know of, such as one of a raw clone, keeps them until it ends or execs.
//!
//! Invariant: the list is changed under its lock only, which a fork takes too ([`freeze`]); an entry is open
//! unless the program closed it behind our back, and then nothing is done to what has its number now.

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{self, FlockOperation};
use rustix::io::{self, Errno};

use crate::error::{Error, Result};
use crate::mapping::{FileId, id_of};

/// A descriptor by its number, and by what proves that the number still is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    number: RawFd,
    file: FileId,
}

static LISTED: Mutex<Vec<Listed>> = Mutex::new(Vec::new());

/// The list, which does not change while this exists.
pub(super) type Frozen = MutexGuard<'static, Vec<Listed>>;

/// Waits for the list, and keeps it as it is.
pub(super) fn freeze() -> Frozen {
    LISTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closes this child's copies.
pub(super) fn in_child(list: &mut Frozen) {
    for entry in list.drain(..) {
        if entry.is_open() {
            // SAFETY: it is open, and its owner in this child will not close it: `OwnDescriptor::drop`
            // closes what is listed only.
            drop(unsafe { <OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(entry.number) });
        }
    }
}

impl Listed {
    fn of(file: BorrowedFd<'_>) -> Result<Listed> {
        Ok(Listed { number: file.as_raw_fd(), file: id_of(file)? })
    }

    /// Whether the number still stands for the file.
    fn is_open(self) -> bool {
        // SAFETY: for one question only; a number that stands for nothing is answered by an error.
        let file = unsafe { BorrowedFd::borrow_raw(self.number) };
        Listed::of(file).is_ok_and(|found| found == self)
    }
}

/// A descriptor with the lock of a file, which no forked child has.
#[derive(Debug)]
pub(crate) struct OwnDescriptor {
    fd: ManuallyDrop<OwnedFd>,
    listed: Listed,
}

impl OwnDescriptor {
    /// Opens a file and takes its lock. That another description has it is an error of the kind `WouldBlock`.
    pub(crate) fn lock(open: impl FnOnce() -> Result<OwnedFd>) -> Result<OwnDescriptor> {
        super::register_hooks();
        let mut list = freeze();
        let mut fd = open()?;
        if fd.as_raw_fd() < 3 {
            // Never a standard stream, also where the program has closed these.
            fd = io::fcntl_dupfd_cloexec(&fd, 3).map_err(refused)?;
        }
        fs::flock(&fd, FlockOperation::NonBlockingLockExclusive).map_err(refused)?;
        let listed = Listed::of(fd.as_fd())?;
        list.push(listed);
        Ok(OwnDescriptor { fd: ManuallyDrop::new(fd), listed })
    }
}

impl Drop for OwnDescriptor {
    fn drop(&mut self) {
        let mut list = freeze();
        // In a child it is not listed: its copy is closed already, and the number may be another's.
        let Some(at) = list.iter().position(|entry| *entry == self.listed) else { return };
        list.swap_remove(at);
        if self.listed.is_open() {
            // For a child too that was just forked, and has not closed its copy yet.
            let _ = fs::flock(&*self.fd, FlockOperation::Unlock);
            // SAFETY: this is the only place that takes it, and nobody uses it after.
            unsafe { ManuallyDrop::drop(&mut self.fd) };
        }
    }
}

fn refused(errno: Errno) -> Error {
    Error::new("flock", errno.into())
}

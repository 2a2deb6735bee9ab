//! Windows: handles of sections, duplicated. A section's size never changes; no seal keeps writers out.

use std::os::windows::io::AsHandle;

use super::Rights;
use crate::error::{Error, Result};
use crate::mapping::Handle;

pub use std::os::windows::io::{BorrowedHandle as BorrowedFd, OwnedHandle as OwnedFd};

/// What has a handle, by the name that the other systems have for it.
pub trait AsFd {
    /// The handle.
    fn as_fd(&self) -> BorrowedFd<'_>;
}

impl<T: AsHandle> AsFd for T {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.as_handle()
    }
}

pub(super) fn rights(handle: &Handle) -> Result<Rights> {
    let (reads, writes) = handle.allows()?;
    Ok(Rights { reads, writes, fixed_size: true, no_new_writers: false })
}

pub(super) fn another(descriptor: BorrowedFd<'_>) -> Result<Handle> {
    let copy = descriptor.try_clone_to_owned();
    Handle::adopt(copy.map_err(|error| Error::new("duplicate a handle", error))?)
}

pub(super) fn give(handle: &Handle) -> Result<OwnedFd> {
    let copy = handle.section().try_clone();
    copy.map_err(|error| Error::new("duplicate a handle", error))
}

pub(super) fn forbid_new_writers(_handle: &Handle) -> Result<()> {
    Err(Error::unsupported("seal"))
}

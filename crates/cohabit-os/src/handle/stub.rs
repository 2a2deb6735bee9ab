//! No mechanism: nothing can be handed over.

use super::{BorrowedFd, OwnedFd, Rights};
use crate::error::{Error, Result};
use crate::mapping::Handle;

pub(super) fn rights(_handle: &Handle) -> Result<Rights> {
    Err(Error::unsupported("fcntl (what a descriptor allows)"))
}

pub(super) fn another(_descriptor: BorrowedFd<'_>) -> Result<Handle> {
    Err(Error::unsupported("fcntl (another descriptor)"))
}

pub(super) fn give(_handle: &Handle) -> Result<OwnedFd> {
    Err(Error::unsupported("fcntl (another descriptor)"))
}

pub(super) fn forbid_new_writers(_handle: &Handle) -> Result<()> {
    Err(Error::unsupported("seal"))
}

//! No mechanism: nothing is known of life.

use std::ptr::NonNull;

use crate::error::{Error, Result};
use crate::mapping::Handle;

pub(super) fn try_lock(_handle: &Handle, _offset: u64) -> Result<bool> {
    Err(Error::unsupported("lock a byte"))
}

pub(super) fn unlock(_handle: &Handle, _offset: u64) {}

pub(super) fn is_held(_handle: &Handle, _offset: u64) -> Result<bool> {
    Err(Error::unsupported("ask for a byte"))
}

pub(super) fn anchor_page(_handle: &Handle) -> Result<NonNull<u8>> {
    Err(Error::unsupported("map an anchor"))
}

/// Gives an anchor's page back; there is none.
///
/// # Safety
/// `page` is what `anchor_page` returned; it never does.
pub(super) unsafe fn release_page(_page: NonNull<u8>) {}

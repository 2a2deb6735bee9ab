//! No mechanism: no pages, no forks, no hook.

use std::ptr::NonNull;

use crate::error::{Error, Result};

pub(super) fn child_zeroed(_len: usize) -> Result<NonNull<u8>> {
    Err(Error::unsupported("map private pages"))
}

pub(super) fn in_child() {}

/// There is nothing to register with.
pub(super) fn register_fork_hooks(
    _before: extern "C" fn(),
    _in_parent: extern "C" fn(),
    _in_child: extern "C" fn(),
) {
}

pub(super) fn at_exit(_hook: extern "C" fn()) {}

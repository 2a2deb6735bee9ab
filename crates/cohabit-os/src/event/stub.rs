//! No mechanism: there is no such descriptor.

use crate::error::{Error, Result};
use crate::handle::BorrowedFd;

/// There is none.
#[derive(Debug)]
pub(super) enum Handle {}

pub(super) fn new() -> Result<Handle> {
    Err(Error::unsupported("make a descriptor that polls"))
}

pub(super) fn raise(handle: &Handle) {
    match *handle {}
}

pub(super) fn clear(handle: &Handle) {
    match *handle {}
}

pub(super) fn descriptor(handle: &Handle) -> BorrowedFd<'_> {
    match *handle {}
}

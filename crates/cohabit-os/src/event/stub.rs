//! No mechanism: there is no such descriptor.

use super::Handle;
use crate::error::{Error, Result};

pub(super) fn new() -> Result<Handle> {
    Err(Error::unsupported("make a descriptor that polls"))
}

pub(super) fn raise(_handle: &Handle) {}

pub(super) fn clear(_handle: &Handle) {}

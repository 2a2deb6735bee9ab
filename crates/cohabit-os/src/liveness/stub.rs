//! No mechanism: nothing is known of life.

use std::path::Path;

use super::{Byte, Hold};
use crate::error::{Error, Result};
use crate::mapping::{File, Handle};

pub(super) fn try_lock_life(_handle: &Handle) -> Result<bool> {
    Err(Error::unsupported("lock a byte"))
}

pub(super) fn unlock_life(_handle: &Handle) {}

pub(super) fn hold(_file: &File, _byte: Byte) -> Result<Hold> {
    Err(Error::unsupported("lock a byte"))
}

pub(super) fn let_go(_hold: Hold) {}

pub(super) fn is_held(_handle: &Handle, _byte: Byte) -> Result<bool> {
    Err(Error::unsupported("ask for a byte"))
}

pub(super) fn anchors_work(_folder: Option<&Path>) -> Result<bool> {
    Err(Error::unsupported("lock single bytes of a file"))
}

//! Windows: a named object that is there as long as the process that made it. See "Object Names" and
//! CreateEvent.
//!
//! A byte is held by the *being there* of the marker of its name (`windows/markers.rs`): so it is free exactly
//! when nothing of its holder runs any more, and it is never asked for by a process id.

use std::io;
use std::path::Path;
use std::sync::PoisonError;

use super::{Byte, Hold};
use crate::error::{Error, Result};
use crate::mapping::{File, Handle};
use crate::windows::markers;
use crate::windows::names::held_name;

pub(super) fn try_lock_life(handle: &Handle) -> Result<bool> {
    let event = markers::make(&held_name(handle.key(), Byte::LIFE.offset()))?;
    let got = event.is_some();
    if got {
        *handle.life.lock().unwrap_or_else(PoisonError::into_inner) = event;
    }
    Ok(got)
}

pub(super) fn unlock_life(handle: &Handle) {
    drop(handle.life.lock().unwrap_or_else(PoisonError::into_inner).take());
}

pub(super) fn hold(file: &File, byte: Byte) -> Result<Hold> {
    match markers::make(&held_name(file.handle().key(), byte.offset()))? {
        Some(event) => Ok(Hold::Event { _event: event }),
        None => Err(Error::new("lock a slot's byte", io::ErrorKind::WouldBlock.into())),
    }
}

pub(super) fn let_go(hold: Hold) {
    drop(hold);
}

pub(super) fn is_held(handle: &Handle, byte: Byte) -> Result<bool> {
    markers::is_there(&held_name(handle.key(), byte.offset()))
}

/// A handle holds its object on every Windows.
pub(super) fn anchors_work(_folder: Option<&Path>) -> Result<bool> {
    Ok(true)
}

//! No mechanism: a process id and nothing more.

use super::{Condition, Identity, Mappers};
use crate::error::{Error, Result};

pub(super) fn identity(uid: u32) -> Identity {
    Identity { pid: std::process::id(), uid, start: 0, pid_namespace: 0 }
}

pub(super) fn command_line(_pid: u32, _start: u64) -> Option<String> {
    None
}

pub(super) fn condition(_pid: u32, _start: u64) -> Option<Condition> {
    None
}

pub(super) fn started_ns(_start: u64) -> Option<u64> {
    None
}

pub(super) fn mappers(_address: usize) -> Result<Mappers> {
    Err(Error::unsupported("see the maps of other processes"))
}

pub(super) fn boot_id() -> Result<Vec<u8>> {
    Err(Error::unsupported("read the boot id"))
}

pub(super) fn random(_buf: &mut [u8]) -> Result<()> {
    Err(Error::unsupported("getrandom"))
}

pub(super) fn is_only_thread() -> bool {
    false
}

pub(super) fn effective_uid() -> u32 {
    0
}

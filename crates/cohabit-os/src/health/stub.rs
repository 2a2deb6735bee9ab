//! No mechanism: nothing is known.

use std::path::Path;

use super::{Filesystem, Kernel, Limits, RemoveIpc};
use crate::error::{Error, Result};

pub(super) fn filesystem(_folder: &Path) -> Result<Filesystem> {
    Err(Error::unsupported("statfs"))
}

pub(super) fn limits() -> Limits {
    Limits::default()
}

pub(super) fn container(_root: &Path) -> Option<String> {
    None
}

pub(super) fn removes_ipc(_root: &Path, _uid: u32, _user: Option<&str>) -> RemoveIpc {
    RemoveIpc::NoSystemd
}

pub(super) fn kernel() -> Kernel {
    Kernel { release: std::env::consts::OS.to_owned(), waits_on_many: None }
}

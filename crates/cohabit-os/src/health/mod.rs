//! What the machine is like: facts that decide whether objects can live here, for people to read.
//!
//! **Contract.** Everything here only looks: nothing is made, changed or kept. What cannot be found
//! out is `None`, and no fact decides anything in this crate: `cohabit doctor` judges them.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(any(target_os = "linux", windows)))]
mod stub;
#[cfg(all(test, target_os = "linux"))]
#[expect(dead_code, reason = "compiled to prove that it compiles")]
mod stub;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as sys;
#[cfg(not(any(target_os = "linux", windows)))]
use stub as sys;
#[cfg(windows)]
use windows as sys;

use std::path::{Path, PathBuf};

use crate::error::Result;

/// Where a filesystem keeps its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// In memory, until the machine stops.
    Memory,
    /// On a disk of this machine.
    Disk,
    /// On another machine, or behind a helper: locks and shared maps may not work as on this one.
    Network,
}

/// What kind a filesystem is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filesystem {
    /// Its name, or its number where we have no name for it.
    pub name: String,
    /// Where its bytes are.
    pub medium: Medium,
}

/// What this process may have at most; `None` is without a limit, or not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Open descriptors.
    pub descriptors: Option<u64>,
    /// Bytes of a file.
    pub file_size: Option<u64>,
    /// Bytes of address space.
    pub address_space: Option<u64>,
    /// Maps in one process.
    pub maps: Option<u64>,
}

/// Whether systemd removes a user's files from /dev/shm when the user logs out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoveIpc {
    /// systemd does not run here.
    NoSystemd,
    /// It spares this user, for the reason that is named.
    Spared(&'static str),
    /// It does not: this file says so.
    No(PathBuf),
    /// It does: this file says so, or it is the default.
    Yes(Option<PathBuf>),
}

/// What the kernel offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Its release, such as `6.12.1`.
    pub release: String,
    /// Whether one call waits on several words (futex_waitv, Linux 5.16), where there are futexes.
    pub waits_on_many: Option<bool>,
}

/// What kind of filesystem `folder` is on.
///
/// # Errors
/// The system refused to look.
pub fn filesystem(folder: &Path) -> Result<Filesystem> {
    sys::filesystem(folder)
}

/// What this process may have at most.
pub fn limits() -> Limits {
    sys::limits()
}

/// What container this process runs in, by name; `None` where nothing says that it does.
pub fn container() -> Option<String> {
    sys::container(Path::new("/"))
}

/// Whether systemd removes this user's files at logout. `user` is the name that belongs to `uid`.
pub fn removes_ipc(uid: u32, user: Option<&str>) -> RemoveIpc {
    sys::removes_ipc(Path::new("/"), uid, user)
}

/// What the kernel offers.
pub fn kernel() -> Kernel {
    sys::kernel()
}

//! Linux: `/dev/shm`, which is a tmpfs that ends with the boot. See shm_overview(7).

use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::io::Errno;

use crate::error::{Error, Result};

pub(super) fn root() -> PathBuf {
    // SAFETY: getauxval(3) reads what the kernel gave the process at its start, and has no
    // precondition.
    let gained_privileges = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    if !gained_privileges
        && let Some(root) = std::env::var_os("COHABIT_DIR")
        && !root.is_empty()
    {
        return root.into();
    }
    "/dev/shm".into()
}

pub(super) fn make_private_folder(path: &Path) -> Result<()> {
    match rustix::fs::mkdir(path, Mode::RWXU) {
        // Another process of ours was first, or a stranger was: the check that follows tells.
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(Error::new("mkdir", errno.into())),
    }
}

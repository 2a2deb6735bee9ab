//! Linux: `/dev/shm`, which is a tmpfs that ends with the boot. See shm_overview(7).

use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::mapping::Rights;

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

pub(super) fn make_folder(draft: &Path, path: &Path, rights: Rights) -> Result<bool> {
    fs::mkdir(draft, Mode::RWXU).map_err(refused("mkdir"))?;
    let made = finish(draft, rights).and_then(|()| settle(draft, path));
    if !matches!(made, Ok(true)) {
        // Ours, empty, and known to nobody; if even that fails, whoever comes next tidies.
        let _ = fs::unlinkat(CWD, draft, AtFlags::REMOVEDIR);
    }
    made
}

/// Gives a new folder its rights, whatever the umask and the access control list above it left.
fn finish(draft: &Path, rights: Rights) -> Result<()> {
    // By name, since a umask may have left it so that even we cannot open it. The folder that it is in
    // lets nobody else replace it.
    fs::chmod(draft, Mode::RWXU).map_err(refused("chmod"))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::open(draft, flags, Mode::empty()).map_err(refused("open the folder"))?;
    crate::mapping::grant(&fd, rights)
}

/// Moves a finished folder to its place. `false`: something stands there.
fn settle(draft: &Path, path: &Path) -> Result<bool> {
    match fs::renameat_with(CWD, draft, CWD, path, RenameFlags::NOREPLACE) {
        // Where the filesystem cannot refuse by itself, a plain rename of a folder replaces nothing but
        // an empty folder that we might have taken away.
        Err(Errno::INVAL | Errno::NOSYS) => rename(draft, path),
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(errno) => Err(refused("rename")(errno)),
    }
}

fn rename(draft: &Path, path: &Path) -> Result<bool> {
    match fs::rename(draft, path) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => Ok(false),
        Err(errno) => Err(refused("rename")(errno)),
    }
}

fn refused(step: &'static str) -> impl FnOnce(Errno) -> Error {
    move |errno| Error::new(step, errno.into())
}

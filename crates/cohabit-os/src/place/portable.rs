//! Plain POSIX: a folder of the system that everybody may write and that ends with the boot, or is cleaned.

use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::mapping::Rights;
use crate::mechanism::environment;
use crate::process::effective_uid;

/// It must not be a symbolic link, as `/tmp` is on macOS.
const ROOT: &str = if cfg!(target_os = "linux") {
    "/dev/shm"
} else if cfg!(target_vendor = "apple") {
    "/private/tmp"
} else {
    "/tmp"
};

pub(super) fn root() -> PathBuf {
    environment("COHABIT_DIR").unwrap_or_else(|| ROOT.into()).into()
}

/// One folder serves all.
pub(super) fn machine_root() -> PathBuf {
    root()
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

/// Gives a new folder its rights, whatever the umask left; a umask that takes its owner's rights is refused.
///
/// Another process of this user may take the folder away for a dead one's, and then anybody may put
/// something in its place. So nothing is done by name but the opening, which follows no link.
fn finish(draft: &Path, rights: Rights) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = match fs::open(draft, flags, Mode::empty()) {
        Err(Errno::NOTDIR | Errno::LOOP) => Err(Errno::NOENT),
        Ok(fd) if fs::fstat(&fd).map_err(refused("fstat"))?.st_uid != effective_uid() => {
            Err(Errno::NOENT)
        }
        opened => opened,
    };
    crate::mapping::grant(&fd.map_err(refused("open the folder"))?, rights)
}

/// Moves a finished folder to its place. `false`: something stands there. Where two do so at once, a rename
/// replaces nothing but an empty folder, whose maker finds it gone, as if we had taken it away.
fn settle(draft: &Path, path: &Path) -> Result<bool> {
    if fs::lstat(path).is_ok() {
        return Ok(false);
    }
    match fs::rename(draft, path) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => Ok(false),
        Err(errno) => Err(refused("rename")(errno)),
    }
}

fn refused(step: &'static str) -> impl FnOnce(Errno) -> Error {
    move |errno| Error::new(step, errno.into())
}

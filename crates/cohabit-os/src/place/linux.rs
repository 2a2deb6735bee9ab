//! Linux: `/dev/shm`, which is a tmpfs that ends with the boot. See shm_overview(7).

use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::mapping::Rights;
use crate::mechanism::environment;
use crate::process::effective_uid;

pub(super) fn root() -> PathBuf {
    environment("COHABIT_DIR").unwrap_or_else(|| "/dev/shm".into()).into()
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

/// Gives a new folder its rights, whatever the umask and the access control list above it left.
///
/// Another process of this user may take the folder away for a dead one's, and then anybody may put
/// something in its place. So nothing is done by name but the opening, which follows no link.
fn finish(draft: &Path, rights: Rights) -> Result<()> {
    // A umask may have left it so that even we cannot read it. That is why it is opened in two steps.
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = match fs::open(draft, OFlags::PATH | flags, Mode::empty()) {
        Err(Errno::NOTDIR) => Err(Errno::NOENT),
        Ok(fd) if fs::fstat(&fd).map_err(refused("fstat"))?.st_uid != effective_uid() => {
            Err(Errno::NOENT)
        }
        opened => opened,
    };
    let fd = fd.map_err(refused("open the folder"))?;
    let itself = format!("/proc/self/fd/{}", fd.as_raw_fd());
    match fs::chmod(itself, Mode::RWXU) {
        Err(Errno::NOENT) => return Err(Error::unsupported("chmod (through /proc)")),
        done => done.map_err(refused("chmod"))?,
    }
    let fd = fs::openat(&fd, c".", OFlags::RDONLY | flags, Mode::empty());
    crate::mapping::grant(&fd.map_err(refused("open the folder"))?, rights)
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

#[cfg(test)]
mod tests {
    use std::fs as files;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;
    use crate::error::Cause;

    /// As if one process of this user had taken the draft of another away, and a stranger had then
    /// put something in its place.
    #[test]
    fn what_took_the_place_of_a_draft_is_left_as_it_is() {
        let root = std::env::temp_dir().join(format!("cohabit-draft-{}", std::process::id()));
        files::create_dir(&root).expect("a folder for the test");
        let (mine, draft) = (root.join("mine"), root.join(".draft"));
        files::create_dir(&mine).expect("a folder");
        let loose = files::Permissions::from_mode(0o755);
        files::set_permissions(&mine, loose).expect("its mode");
        let rights = Rights { mode: 0o711, group: None };
        symlink(&mine, &draft).expect("a link");
        let refused = finish(&draft, rights).expect_err("a link");
        assert_eq!(refused.cause(), Cause::NotFound, "{refused}");
        files::remove_file(&draft).expect("a link");
        files::write(&draft, b"").expect("a file");
        let refused = finish(&draft, rights).expect_err("a file");
        assert_eq!(refused.cause(), Cause::NotFound, "{refused}");
        let mode = files::metadata(&mine).expect("its mode").mode();
        assert_eq!(mode & 0o777, 0o755);
        files::remove_dir_all(&root).expect("the test's folder");
    }
}

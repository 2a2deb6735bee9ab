//! What the mechanisms of this folder and `posix.rs` share.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::Gid;

use super::{Access, FileId, FileKind, FileStatus, Rights};
use crate::error::{Error, Result};

/// Sets who may use a file or folder, exactly so.
pub(crate) fn grant(handle: impl AsFd, rights: Rights) -> Result<()> {
    let Rights { mode, group } = rights;
    // First to nobody but the owner. Then a list that the folder's default list put here names
    // nobody who has a right (its mask is the bits of the group), until it is gone.
    fs::fchmod(&handle, mode_of(mode & 0o700)).map_err(refused("fchmod"))?;
    remove_lists(handle.as_fd())?;
    if let Some(group) = group {
        fs::fchown(&handle, None, Some(Gid::from_raw(group))).map_err(refused("fchown"))?;
    }
    fs::fchmod(&handle, mode_of(mode)).map_err(refused("fchmod"))
}

/// Permission bits as the system's calls take them.
pub(super) fn mode_of(bits: u32) -> Mode {
    Mode::from_bits_truncate(bits as fs::RawMode)
}

/// Takes away what a folder's default access control list gave.
#[cfg(target_os = "linux")]
fn remove_lists(file: BorrowedFd<'_>) -> Result<()> {
    for list in [c"system.posix_acl_access", c"system.posix_acl_default"] {
        match fs::fremovexattr(file, list) {
            Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
            Err(errno) => return Err(refused("remove an access control list")(errno)),
        }
    }
    Ok(())
}

/// POSIX has no lists: what a folder gives by one is its owner's word.
#[cfg(not(target_os = "linux"))]
fn remove_lists(_file: BorrowedFd<'_>) -> Result<()> {
    Ok(())
}

/// The kernel answers a size over the soft limit with SIGXFSZ, whose default is death.
pub(super) fn check_limit(size: u64) -> Result<()> {
    if size > size_limit().min(i64::MAX.unsigned_abs()) {
        return Err(refused("fallocate")(Errno::FBIG));
    }
    Ok(())
}

/// The soft limit of this process for files. Where a sandbox does not tell it, there may be none.
///
/// Not by rustix, which takes it for a call that cannot fail.
#[allow(
    clippy::useless_conversion,
    clippy::unnecessary_fallible_conversions,
    reason = "rlim_t is of another type on some targets"
)]
fn size_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: writes `limit` only, or nothing.
    let told = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) } == 0;
    if !told || limit.rlim_cur == libc::RLIM_INFINITY {
        return u64::MAX;
    }
    u64::try_from(limit.rlim_cur).unwrap_or(u64::MAX)
}

pub(super) fn flags_of(access: Access) -> OFlags {
    match access {
        Access::ReadOnly => OFlags::RDONLY,
        Access::ReadWrite => OFlags::RDWR,
    }
}

#[allow(clippy::useless_conversion, reason = "numbers are narrower on some targets")]
#[allow(clippy::unnecessary_cast, reason = "numbers are narrower on some targets")]
pub(super) fn status_from(stat: &fs::Stat) -> FileStatus {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => FileKind::Regular,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        _ => FileKind::Other,
    };
    FileStatus {
        id: FileId { device: stat.st_dev as u64, inode: stat.st_ino as u64 },
        size: u64::try_from(stat.st_size).unwrap_or(0),
        // Counted in pieces of 512 bytes, whatever the filesystem's own are (stat(3type)).
        stored: u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512),
        links: stat.st_nlink.into(),
        owner: stat.st_uid,
        group: stat.st_gid,
        mode: u32::from(stat.st_mode) & 0o7777,
        kind,
        in_folder: true,
    }
}

/// Takes the name in the folder away, if it still is that file's; whether it did.
pub(super) fn unlink_if(at: rustix::io::Result<(OwnedFd, &OsStr)>, id: FileId) -> Result<bool> {
    let (folder, name) = match at {
        Err(Errno::NOENT) => return Ok(false),
        found => found.map_err(refused("open the folder"))?,
    };
    match fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if status_from(&stat).id == id => {}
        Ok(_) | Err(Errno::NOENT) => return Ok(false),
        Err(errno) => return Err(refused("lstat")(errno)),
    }
    match fs::unlinkat(&folder, name, AtFlags::empty()) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(refused("unlink")(errno)),
    }
}

/// Which file a descriptor is of.
pub(crate) fn id_of(file: impl AsFd) -> Result<FileId> {
    fs::fstat(file).map(|stat| status_from(&stat).id).map_err(refused("fstat"))
}

/// Does it again when a signal cut it short.
pub(super) fn again<T>(act: impl Fn() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match act() {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

pub(super) fn refused(step: &'static str) -> impl FnOnce(Errno) -> Error {
    move |errno| Error::new(step, errno.into())
}

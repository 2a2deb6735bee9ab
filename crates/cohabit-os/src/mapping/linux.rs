//! Linux: `O_TMPFILE`, `memfd_create`, `fallocate`, `linkat`. See open(2), memfd_create(2), fallocate(2),
//! linkat(2).

use std::ffi::{CStr, OsStr};
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{self, AtFlags, CWD, FallocateFlags, MemfdFlags, Mode, OFlags, SealFlags};
use rustix::io::Errno;

use super::posix::Handle;
use super::shared::{check_limit, flags_of, refused, unlink_if};
use super::{Access, FileId, Lasts};
use crate::error::Result;

/// One call to `fallocate` reserves at most this much. tmpfs gives up a reservation and all its
/// progress when a signal is pending, so a process with a busy timer would never finish a large
/// one in a single piece.
const RESERVE_AT_ONCE: u64 = 16 << 20;

/// What /proc shows as the name of memory without a name.
const LABEL: &CStr = c"cohabit";

/// Whatever lasts as long as the filesystem does lasts long enough.
pub(super) fn unnamed(folder: &Path, size: u64, mode: u32, _lasts: Lasts) -> Result<Handle> {
    check_limit(size)?;
    let mode = Mode::from_raw_mode(mode);
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let fd = fs::open(folder, flags, mode).map_err(refused("open an unnamed file"))?;
    // The umask and a default ACL of the folder both narrow what `open` was given.
    fs::fchmod(&fd, mode).map_err(refused("fchmod"))?;
    reserve(&fd, size)?;
    Ok(fd.into())
}

pub(super) fn anonymous(size: u64, mode: u32) -> Result<Handle> {
    check_limit(size)?;
    let sealable = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Where the machine demands it, only memory that can never be executed is given out. Linux before
    // 6.3 does not know the flag.
    let fd = match fs::memfd_create(LABEL, sealable | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => fs::memfd_create(LABEL, sealable),
        other => other,
    };
    let fd = fd.map_err(refused("memfd_create"))?;
    fs::fchmod(&fd, Mode::from_raw_mode(mode)).map_err(refused("fchmod"))?;
    reserve(&fd, size)?;
    fs::fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW).map_err(refused("seal"))?;
    Ok(fd.into())
}

pub(super) fn open(path: &Path, access: Access) -> Result<Handle> {
    // NONBLOCK, since a pipe under our name must not stop us.
    let flags = flags_of(access) | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened =
        in_folder(path).and_then(|(folder, name)| fs::openat(folder, name, flags, Mode::empty()));
    opened.map(Handle::from).map_err(refused("open"))
}

pub(super) fn publish(handle: &Handle, path: &Path) -> Result<()> {
    let (folder, to) = in_folder(path).map_err(refused("open the folder"))?;
    match fs::linkat(handle, c"", &folder, to, AtFlags::EMPTY_PATH) {
        Ok(()) => Ok(()),
        // Before Linux 6.10 the short way is for CAP_DAC_READ_SEARCH, and others see ENOENT.
        Err(Errno::NOENT | Errno::PERM | Errno::INVAL) => through_proc(handle, |name| {
            fs::linkat(CWD, name, &folder, to, AtFlags::SYMLINK_FOLLOW).map_err(refused("linkat"))
        }),
        Err(errno) => Err(refused("linkat")(errno)),
    }
}

pub(super) fn reopen(handle: &Handle, access: Access) -> Result<Handle> {
    // No NOFOLLOW: the entry in /proc is a link by nature, and a magic one that names the inode.
    let flags = flags_of(access) | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = through_proc(handle, |name| {
        fs::open(name, flags, Mode::empty()).map_err(refused("reopen"))
    });
    opened.map(Handle::from)
}

pub(super) fn retire(path: &Path, id: FileId) -> Result<bool> {
    unlink_if(in_folder(path), id)
}

pub(super) fn tidy(_folder: &Path) {
    // A file without a name goes with its maker, and a lock with its holder.
}

fn reserve(file: &OwnedFd, size: u64) -> Result<()> {
    let mut done = 0;
    while done < size {
        let piece = (size - done).min(RESERVE_AT_ONCE);
        match fs::fallocate(file, FallocateFlags::empty(), done, piece) {
            Ok(()) => done += piece,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(refused("fallocate")(errno)),
        }
    }
    Ok(())
}

/// The folder of a path, to name things in it, and the name. What is there and is no folder is ENOENT.
///
/// A symbolic link is none: whoever owns a folder in a sticky one may put a link in its place at any
/// moment, and what is done in it would then be done elsewhere, with our rights.
fn in_folder(path: &Path) -> rustix::io::Result<(OwnedFd, &OsStr)> {
    let name = path.file_name().ok_or(Errno::ISDIR)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match fs::open(folder.unwrap_or(Path::new(".")), flags, Mode::empty()) {
        Err(Errno::NOTDIR) => Err(Errno::NOENT),
        folder => Ok((folder?, name)),
    }
}

/// Calls `act` with the name that proc(5) gives a descriptor of this process.
fn through_proc<T>(handle: &Handle, act: impl FnOnce(&CStr) -> Result<T>) -> Result<T> {
    let mut text = [0u8; 32];
    // The longest number fits with room for the end; a short write would only name nothing.
    let _ = write!(&mut text[..31], "/proc/self/fd/{}", handle.as_raw_fd());
    act(CStr::from_bytes_until_nul(&text).unwrap_or(c""))
}

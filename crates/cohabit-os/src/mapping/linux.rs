//! Linux: `O_TMPFILE`, `memfd_create`, `fallocate`, `linkat`, `mmap`. See open(2), memfd_create(2),
//! fallocate(2), linkat(2), mmap(2).

use std::ffi::{CStr, OsStr};
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::ptr::NonNull;

use rustix::fs::{
    self, AtFlags, CWD, FallocateFlags, FileType, MemfdFlags, Mode, OFlags, SealFlags,
};
use rustix::io::Errno;
use rustix::mm::{self, MapFlags, MsyncFlags, ProtFlags};
use rustix::process::{Gid, Resource, getrlimit};

use super::{Access, FileId, FileKind, FileStatus, Rights, Space};
use crate::error::{Error, Result};

/// A descriptor, closed when it is dropped.
pub(crate) type Handle = OwnedFd;

/// One call to `fallocate` reserves at most this much. tmpfs gives up a reservation and all its
/// progress when a signal is pending, so a process with a busy timer would never finish a large
/// one in a single piece.
const RESERVE_AT_ONCE: u64 = 16 << 20;

/// Standard input, output and error are below it.
const FIRST_OF_OURS: i32 = 3;

/// What /proc shows as the name of memory without a name.
const LABEL: &CStr = c"cohabit";

/// A descriptor that is none of the three that every part of a program reads and writes: where the
/// program has closed one of these, its next message would go into an object.
pub(super) fn no_standard_stream(handle: Handle) -> Result<Handle> {
    if handle.as_raw_fd() >= FIRST_OF_OURS {
        return Ok(handle);
    }
    rustix::io::fcntl_dupfd_cloexec(&handle, FIRST_OF_OURS)
        .map_err(refused("fcntl (another descriptor)"))
}

pub(super) fn unnamed(folder: &Path, size: u64, mode: u32) -> Result<Handle> {
    check_limit(size)?;
    let mode = Mode::from_raw_mode(mode);
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let fd = fs::open(folder, flags, mode).map_err(refused("open an unnamed file"))?;
    // The umask and a default ACL of the folder both narrow what `open` was given.
    fs::fchmod(&fd, mode).map_err(refused("fchmod"))?;
    reserve(&fd, size)?;
    Ok(fd)
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
    Ok(fd)
}

pub(super) fn open(path: &Path, access: Access) -> Result<Handle> {
    // NONBLOCK, since a pipe under our name must not stop us.
    let flags = flags_of(access) | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened =
        in_folder(path).and_then(|(folder, name)| fs::openat(folder, name, flags, Mode::empty()));
    opened.map_err(refused("open"))
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

pub(crate) fn grant(handle: &Handle, rights: Rights) -> Result<()> {
    let Rights { mode, group } = rights;
    // First to nobody but the owner. Then a list that the folder's default list put here names
    // nobody who has a right (its mask is the bits of the group), until it is gone.
    fs::fchmod(handle, Mode::from_raw_mode(mode & 0o700)).map_err(refused("fchmod"))?;
    for list in [c"system.posix_acl_access", c"system.posix_acl_default"] {
        match fs::fremovexattr(handle, list) {
            Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
            Err(errno) => return Err(refused("remove an access control list")(errno)),
        }
    }
    if let Some(group) = group {
        fs::fchown(handle, None, Some(Gid::from_raw(group))).map_err(refused("fchown"))?;
    }
    fs::fchmod(handle, Mode::from_raw_mode(mode)).map_err(refused("fchmod"))
}

pub(super) fn write_at(handle: &Handle, bytes: &[u8], offset: u64) -> Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match rustix::io::pwrite(handle, &bytes[done..], offset + done as u64) {
            Ok(0) => return Err(refused("pwrite")(Errno::IO)),
            Ok(count) => done += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(refused("pwrite")(errno)),
        }
    }
    Ok(())
}

pub(super) fn sync(handle: &Handle) -> Result<()> {
    again(|| fs::fsync(handle)).map_err(refused("fsync"))
}

pub(super) fn reopen(handle: &Handle, access: Access) -> Result<Handle> {
    // No NOFOLLOW: the entry in /proc is a link by nature, and a magic one that names the inode.
    let flags = flags_of(access) | OFlags::NONBLOCK | OFlags::CLOEXEC;
    through_proc(handle, |name| fs::open(name, flags, Mode::empty()).map_err(refused("reopen")))
}

pub(super) fn status(handle: &Handle) -> Result<FileStatus> {
    fs::fstat(handle).map(|stat| status_from(&stat)).map_err(refused("fstat"))
}

pub(super) fn read_at(handle: &Handle, buf: &mut [u8], offset: u64) -> Result<usize> {
    loop {
        match rustix::io::pread(handle, &mut *buf, offset) {
            Err(Errno::INTR) => {}
            read => return read.map_err(refused("pread")),
        }
    }
}

pub(super) fn map(handle: &Handle, len: usize, access: Access) -> Result<NonNull<u8>> {
    let protection = match access {
        Access::ReadOnly => ProtFlags::READ,
        Access::ReadWrite => ProtFlags::READ | ProtFlags::WRITE,
    };
    let hint = std::ptr::null_mut();
    // SAFETY: with no hint the kernel picks pages that nothing else uses, so no memory of this
    // process changes under anyone (Invariant 4).
    let base = unsafe { mm::mmap(hint, len, protection, MapFlags::SHARED, handle.as_fd(), 0) };
    let base = base.map_err(refused("mmap"))?;
    // The kernel never maps page 0 without a hint.
    NonNull::new(base.cast()).ok_or_else(|| refused("mmap")(Errno::NOMEM))
}

pub(super) fn status_of(path: &Path) -> Result<FileStatus> {
    fs::lstat(path).map(|stat| status_from(&stat)).map_err(refused("lstat"))
}

pub(super) fn retire(path: &Path, id: FileId) -> Result<bool> {
    let (folder, name) = match in_folder(path) {
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

pub(super) fn remove_empty(folder: &Path) -> Result<bool> {
    match fs::unlinkat(CWD, folder, AtFlags::REMOVEDIR) {
        Ok(()) => Ok(true),
        // EXIST is what POSIX also allows for a folder that is not empty.
        Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT | Errno::NOTDIR) => Ok(false),
        Err(Errno::PERM | Errno::ACCESS | Errno::ROFS) => Ok(false),
        Err(errno) => Err(refused("rmdir")(errno)),
    }
}

pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::open(folder, flags, Mode::empty()).map_err(refused("open the folder"))?;
    again(|| fs::fsync(&fd)).map_err(refused("fsync"))
}

pub(super) fn list(folder: &Path) -> Result<Vec<String>> {
    let step = "read the folder";
    let entries = std::fs::read_dir(folder).map_err(|error| Error::new(step, error))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::new(step, error))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

pub(super) fn space(folder: &Path) -> Result<Space> {
    let found = fs::statvfs(folder).map_err(refused("statvfs"))?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok(Space { total: bytes(found.f_blocks), free: bytes(found.f_bavail) })
}

/// Writes pages back and waits until they are there.
///
/// # Safety
/// `base` is what a call of `map` returned, `len` is at most what it took, and the pages were not given
/// back.
pub(super) unsafe fn sync_pages(base: NonNull<u8>, len: usize) -> Result<()> {
    let at = base.as_ptr().cast();
    again(|| {
        // SAFETY: the caller's contract; msync(2) changes nothing that the process can see.
        unsafe { mm::msync(at, len, MsyncFlags::SYNC) }
    })
    .map_err(refused("msync"))
}

/// Gives pages back.
///
/// # Safety
/// `base` and `len` are what one call of `map` took and returned; the pages were not given back
/// before, and nobody uses them after.
pub(super) unsafe fn unmap(base: NonNull<u8>, len: usize) {
    // SAFETY: the caller's contract is that of munmap(2).
    let given_back = unsafe { mm::munmap(base.as_ptr().cast(), len) };
    debug_assert!(given_back.is_ok(), "munmap of a mapping of ours: {given_back:?}");
}

/// The kernel answers a size over the soft limit with SIGXFSZ, whose default is death.
fn check_limit(size: u64) -> Result<()> {
    let limit = getrlimit(Resource::Fsize).current.unwrap_or(u64::MAX);
    if size > limit.min(i64::MAX.unsigned_abs()) {
        return Err(refused("fallocate")(Errno::FBIG));
    }
    Ok(())
}

fn reserve(handle: &Handle, size: u64) -> Result<()> {
    let mut done = 0;
    while done < size {
        let piece = (size - done).min(RESERVE_AT_ONCE);
        match fs::fallocate(handle, FallocateFlags::empty(), done, piece) {
            Ok(()) => done += piece,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(refused("fallocate")(errno)),
        }
    }
    Ok(())
}

fn flags_of(access: Access) -> OFlags {
    match access {
        Access::ReadOnly => OFlags::RDONLY,
        Access::ReadWrite => OFlags::RDWR,
    }
}

#[allow(clippy::useless_conversion, reason = "st_nlink is narrower on some targets")]
fn status_from(stat: &fs::Stat) -> FileStatus {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => FileKind::Regular,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        _ => FileKind::Other,
    };
    FileStatus {
        id: FileId { device: stat.st_dev, inode: stat.st_ino },
        size: u64::try_from(stat.st_size).unwrap_or(0),
        // Counted in pieces of 512 bytes, whatever the filesystem's own are (stat(3type)).
        stored: u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512),
        links: stat.st_nlink.into(),
        owner: stat.st_uid,
        group: stat.st_gid,
        mode: stat.st_mode & 0o7777,
        kind,
    }
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

/// Does it again when a signal cut it short.
fn again<T>(act: impl Fn() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match act() {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

fn refused(step: &'static str) -> impl FnOnce(Errno) -> Error {
    move |errno| Error::new(step, errno.into())
}

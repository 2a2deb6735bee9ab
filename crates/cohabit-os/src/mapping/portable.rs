//! Plain POSIX: a draft with a hidden name, `link`, and opening by name. See open(2), link(2), flock(2).
//!
//! There is no file without a name here, so one that is not published yet is a draft (`trail.rs`). There is
//! no call either that reserves pages on every filesystem: they are written. Memory that only descriptors
//! reach, and that nobody can cut, is not to be had.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{self, AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::posix::Handle;
use super::shared::{check_limit, flags_of, id_of, mode_of, refused, status_from, unlink_if};
use super::trail::{self, Trail};
use super::{Access, FileId, Lasts};
use crate::error::{Error, Result};
use crate::fork::OwnDescriptor;
use crate::liveness;

/// How often a draft is made again that another process takes for a dead one's.
const TRIES: usize = 100;
/// So many bytes are written at once.
const PIECE: usize = 64 << 10;

/// Whatever lasts as long as the filesystem does lasts long enough.
pub(super) fn unnamed(folder: &Path, size: u64, mode: u32, _lasts: Lasts) -> Result<Handle> {
    check_limit(size)?;
    tidy(folder);
    for _ in 0..TRIES {
        match draft(folder) {
            // Somebody takes it for a dead one's, before it is locked.
            Err(error) if is_gone(&error) && folder.is_dir() => {}
            made => {
                let handle = made?;
                // The umask narrows what `open` was given.
                fs::fchmod(&handle, mode_of(mode)).map_err(refused("fchmod"))?;
                reserve(&handle, size)?;
                return Ok(handle);
            }
        }
    }
    Err(refused("make a draft")(Errno::AGAIN))
}

fn is_gone(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::WouldBlock)
}

/// A new file that is locked, under the name that goes with its number.
fn draft(folder: &Path) -> Result<Handle> {
    let first = trail::first_path(folder)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::open(&first, flags, Mode::RUSR | Mode::WUSR).map_err(refused("make a draft"))?;
    let made = finish_draft(folder, &first, fd);
    if made.is_err() {
        // Ours, and known to nobody; if it stays, it is not locked.
        let _ = fs::unlink(&first);
    }
    made
}

fn finish_draft(folder: &Path, first: &Path, fd: OwnedFd) -> Result<Handle> {
    let id = id_of(&fd)?;
    let path = trail::draft_path(folder, id.inode);
    // A description of its own, which no child of this process has, so that only we hold the lock.
    let lock = OwnDescriptor::lock(|| {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        fs::open(first, flags, Mode::empty()).map_err(refused("open"))
    })?;
    fs::rename(first, &path).map_err(refused("rename"))?;
    let trail = Trail::draft(path, id.inode, lock)?;
    // The number was free, so what is left of it is a dead one's.
    liveness::forget(folder, id.inode);
    Ok(Handle::on(trail, fd))
}

pub(super) fn anonymous(_size: u64, _mode: u32) -> Result<Handle> {
    Err(Error::unsupported("memory without a name, which the portable mechanism does not have"))
}

pub(super) fn open(path: &Path, access: Access) -> Result<Handle> {
    // NONBLOCK, since a pipe under our name must not stop us.
    let flags = flags_of(access) | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened =
        in_folder(path).and_then(|(folder, name)| fs::openat(folder, name, flags, Mode::empty()));
    let fd = opened.map_err(refused("open"))?;
    let status = status_from(&fs::fstat(&fd).map_err(refused("fstat"))?);
    if status.links > 1 {
        trail::finish(path, status.id);
    }
    Ok(Handle::on(Trail::named(path), fd))
}

pub(super) fn publish(handle: &Handle, path: &Path) -> Result<()> {
    let trail = handle.trail().filter(|trail| trail.is_draft());
    // What has or had a name cannot have another.
    let trail = trail.ok_or_else(|| refused("link")(Errno::NOENT))?;
    let (folder, to) = in_folder(path).map_err(refused("open the folder"))?;
    fs::linkat(CWD, trail.path(), &folder, to, AtFlags::empty()).map_err(refused("link"))?;
    trail.publish(path);
    Ok(())
}

pub(super) fn reopen(handle: &Handle, access: Access) -> Result<Handle> {
    let trail = handle.trail().ok_or_else(|| Error::unsupported("open a descriptor anew"))?;
    let again = open(trail.path(), access)?;
    // Another file took the name: this one cannot be reached any more.
    if id_of(&again)? == id_of(handle)? { Ok(again) } else { Err(refused("reopen")(Errno::NOENT)) }
}

pub(super) fn retire(path: &Path, id: FileId) -> Result<bool> {
    let is_gone = unlink_if(in_folder(path), id)?;
    if is_gone {
        // Killed before it, it is done when the number is used again, or by who tidies the folder.
        liveness::forget(path.parent().unwrap_or(path), id.inode);
    }
    Ok(is_gone)
}

pub(super) fn tidy(folder: &Path) {
    trail::sweep(folder);
    liveness::sweep(folder);
}

/// Writes zeros, so that the pages are there.
fn reserve(file: impl AsFd, size: u64) -> Result<()> {
    let zeros = vec![0; PIECE];
    let mut done = 0;
    while done < size {
        let piece = usize::try_from(size - done).map_or(PIECE, |left| left.min(PIECE));
        match rustix::io::pwrite(&file, &zeros[..piece], done) {
            Ok(0) => return Err(refused("pwrite")(Errno::IO)),
            Ok(count) => done += count as u64,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(refused("pwrite")(errno)),
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
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match fs::open(folder.unwrap_or(Path::new(".")), flags, Mode::empty()) {
        // For a link, systems say one or the other.
        Err(Errno::NOTDIR | Errno::LOOP) => Err(Errno::NOENT),
        folder => Ok((folder?, name)),
    }
}

//! Plain POSIX: a lock file for each attachment, locked as a whole (flock(2)). See open(2), rename(2).
//!
//! POSIX has no lock that lives as long as an address space: record locks (fcntl(2)) fall when any descriptor
//! of the file is closed, by whatever part of the program, and open file description locks are not everywhere.
//! A flock belongs to a description, so what is kept is a descriptor (`fork::OwnDescriptor`).
//!
//! The lock files of one file stand beside it. `N` is its number, in hexadecimal digits:
//!
//! | name | what it is |
//! |---|---|
//! | `.cohabit.live.N.uS` | the user in slot `S`: 4 bytes, the generation of who locked it last; locked while that one lives |
//! | `.cohabit.live.N.gS` | the same for a guest |
//! | `.cohabit.live.N` | the index: one byte for each of these, 1 once it was ever there |
//!
//! The life byte is the lock of the file itself. A lock file is locked before it has its name, and takes the
//! place of the one of the slot's earlier generation in one step. So **a token is dead exactly if its slot's
//! file names another generation, or is not locked, or was never there**. The index tells the last one from a
//! file that somebody took away: then nobody knows, and nobody is judged dead (`NotFound`).

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::lock_files::{LIVE, NEW, sweep};
use super::{Byte, Hold};
use crate::error::{Error, Result};
use crate::fork::OwnDescriptor;
use crate::mapping::{self, File, FileStatus, Handle, Rights};
use crate::process::{effective_uid, random};

/// How often a lock file is made again that another process takes for a dead one's.
const TRIES: usize = 100;
/// The user who may do everything.
const ROOT: u32 = 0;

pub(super) fn try_lock_life(handle: &Handle) -> Result<bool> {
    match fs::flock(handle, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(refused("flock")(errno)),
    }
}

pub(super) fn unlock_life(handle: &Handle) {
    // Refused by a sandbox, it is held until the description goes.
    let _ = fs::flock(handle, FlockOperation::Unlock);
}

pub(super) fn hold(file: &File, byte: Byte) -> Result<Hold> {
    let seat = Seat::of(file.handle(), byte)?;
    if matches!(seat.is_held(), Ok(true)) {
        return Err(Error::new("lock a slot's file", io::ErrorKind::WouldBlock.into()));
    }
    let status = file.status()?;
    for _ in 0..TRIES {
        match take(&seat, &status) {
            // Somebody takes it for a dead one's, before it is locked.
            Err(error) if is_gone(&error) && seat.folder.is_dir() => {}
            taken => return taken,
        }
    }
    Err(Error::new("make a lock file", io::ErrorKind::NotFound.into()))
}

fn is_gone(error: &Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::WouldBlock)
}

/// Makes a lock file, and brings it to its place.
fn take(seat: &Seat, status: &FileStatus) -> Result<Hold> {
    let mut number = [0; 8];
    random(&mut number)?;
    let draft = seat.folder.join(format!("{LIVE}{NEW}{:016x}", u64::from_ne_bytes(number)));
    let lock = OwnDescriptor::lock(|| {
        let file = make(&draft, status)?;
        let generation = seat.generation.to_le_bytes();
        rustix::io::pwrite(&file, &generation, 0).map_err(refused("pwrite"))?;
        Ok(file)
    });
    let placed = lock.and_then(|lock| {
        fs::rename(&draft, seat.path()).map_err(refused("rename"))?;
        seat.mark(status)?;
        Ok(Hold::LockFile { lock, folder: seat.folder.clone() })
    });
    if placed.is_err() {
        // Known to nobody; if it stays, it is swept.
        let _ = fs::unlink(&draft);
    }
    placed
}

pub(super) fn let_go(hold: Hold) {
    #[cfg_attr(
        not(target_os = "linux"),
        expect(irrefutable_let_patterns, reason = "one mechanism")
    )]
    let Hold::LockFile { lock, folder } = hold else { return };
    // The file stays for the slot's next one: that it is not locked is what tells the death.
    drop(lock);
    // But where the object lost its name meanwhile, there is no next one.
    sweep(&folder);
}

pub(super) fn is_held(handle: &Handle, byte: Byte) -> Result<bool> {
    if byte == Byte::LIFE {
        return is_locked(handle);
    }
    Seat::of(handle, byte)?.is_held()
}

pub(super) fn anchors_work(_folder: Option<&Path>) -> Result<bool> {
    // What is kept is a descriptor, here always.
    Ok(false)
}

/// The lock file of one byte.
struct Seat {
    folder: PathBuf,
    inode: u64,
    /// `u` or `g`.
    kind: char,
    slot: u16,
    generation: u32,
}

impl Seat {
    fn of(handle: &Handle, byte: Byte) -> Result<Seat> {
        let trail = handle.trail();
        let trail = trail.ok_or_else(|| Error::unsupported("a lock file for a descriptor"))?;
        let folder = trail.path().parent().unwrap_or(Path::new(".")).to_owned();
        let inode = mapping::id_of(handle)?.inode;
        let (kind, slot, generation) = byte.parts();
        Ok(Seat { folder, inode, kind, slot, generation })
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{LIVE}{:x}.{}{:x}", self.inode, self.kind, self.slot))
    }

    fn index(&self) -> PathBuf {
        self.folder.join(format!("{LIVE}{:x}", self.inode))
    }

    /// Where in the index this file has its byte.
    fn place(&self) -> u64 {
        u64::from(self.slot) * 2 + u64::from(self.kind == 'g')
    }

    fn is_held(&self) -> Result<bool> {
        let file = match look(&self.path()) {
            Err(Errno::NOENT) => return self.was_never_there().map(|_| false),
            file => file.map_err(refused("open the lock file"))?,
        };
        let mut generation = [0; 4];
        let read = rustix::io::pread(&file, &mut generation, 0).map_err(refused("pread"))?;
        if read < generation.len() || u32::from_le_bytes(generation) != self.generation {
            return Ok(false);
        }
        is_locked(&file)
    }

    /// That the slot's file is missing because there was none yet.
    ///
    /// # Errors
    /// `NotFound`: somebody took it away.
    fn was_never_there(&self) -> Result<()> {
        let gone = || Error::new("the lock file of a slot", io::ErrorKind::NotFound.into());
        let index = match look(&self.index()) {
            Err(Errno::NOENT) => return Err(gone()),
            index => index.map_err(refused("open the index"))?,
        };
        let mut byte = [0];
        match rustix::io::pread(&index, &mut byte, self.place()).map_err(refused("pread"))? {
            1 if byte[0] != 0 => Err(gone()),
            _ => Ok(()),
        }
    }

    /// Marks in the index that the file was there; killed before it, the file itself is there.
    fn mark(&self, status: &FileStatus) -> Result<()> {
        let path = self.index();
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match fs::open(&path, flags, Mode::empty()) {
            // Made by the first user of the file, before anybody else can be there.
            Err(Errno::NOENT) => make(&path, status)?,
            file => file.map_err(refused("open the index"))?,
        };
        rustix::io::pwrite(&file, &[1], self.place()).map_err(refused("pwrite")).map(drop)
    }
}

fn look(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    fs::open(path, flags, Mode::empty())
}

/// Makes a file for those who may use the file with that status.
fn make(path: &Path, status: &FileStatus) -> Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file =
        fs::open(path, flags, Mode::RUSR | Mode::WUSR).map_err(refused("make a lock file"))?;
    let mode = status.mode & 0o666;
    // Where the group may do what everyone may, it does not matter which one a file has.
    let group = (mode >> 3 & 0o7 != mode & 0o7).then_some(status.group);
    mapping::grant(&file, Rights { mode: mode | 0o600, group })?;
    if effective_uid() == ROOT && status.owner != ROOT {
        // What root locks, the file's owner must be able to ask for.
        let owner = Some(rustix::process::Uid::from_raw(status.owner));
        fs::fchown(&file, owner, None).map_err(refused("fchown"))?;
    }
    Ok(file)
}

/// Whether another description has the lock. The question is a shared lock, which disturbs no other question.
fn is_locked(file: impl AsFd) -> Result<bool> {
    match fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            let unlocked = fs::flock(&file, FlockOperation::Unlock);
            unlocked.map_err(refused("flock")).map(|()| false)
        }
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(errno) => Err(refused("flock")(errno)),
    }
}

fn refused(step: &'static str) -> impl FnOnce(Errno) -> Error {
    move |errno| Error::new(step, errno.into())
}

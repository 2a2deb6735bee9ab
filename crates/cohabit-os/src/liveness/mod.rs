//! Who lives: a byte of a file that is held exactly as long as an address space exists.
//!
//! **Contract.**
//!
//! 1. Locks belong to open file descriptions (fcntl(2), F_OFD_SETLK): a lock goes when the last
//!    descriptor *and* the last map of its description go, and not before.
//! 2. An [`Anchor`] has a description that no descriptor refers to, with one map that no child
//!    inherits (madvise(2), MADV_DONTFORK). So its byte is held by this address space alone: it
//!    survives the closing of all files, cannot be passed on, and goes with exec and death.
//! 3. A description that takes a lock is opened under the process lock, or was not shared by any
//!    fork since, and is given up or anchored under it. So no child made by `fork` shares it. A
//!    child made by a raw `clone` in that moment may keep a dead parent alive until it ends.
//! 4. The life byte is held in a [`LifeSection`] only, with the process lock, never while waiting.
//! 5. [`is_held`] asks through a description that never locks, since locks of one's own description
//!    are not seen; and it asks whether a read lock would be refused, so that a read lock, which
//!    anyone who may read can take, does not look like life.
//! 6. An anchor's page was mapped by the address space whose lineage it carries; only that one
//!    unmaps it.
//!
//! The portable mechanism keeps all but two of it with other means: a lock file takes the place of a byte, and
//! a descriptor that no forked child has that of the page. So who closes all its descriptors looks dead
//! (2), and a child of a raw clone keeps its parent alive until it ends or execs (3). A lock file is its slot's:
//! that of a later generation takes the place of an earlier one's. Where one was taken away, [`is_held`] is
//! an error, and nobody is judged dead.
//!
//! On Windows a byte is the *being there* of a named object, of which its holder has the one handle: it is held
//! until that is closed, by its holder or by the system, which does so when the process's last thread has ended.
//!
//! Bytes lie far above any content. A byte that is free is the proof of death; a process that is
//! stopped holds its byte, and so does one that is still writing its core.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod lock_files;
#[cfg(unix)]
mod portable;
#[cfg(not(any(unix, windows)))]
mod stub;
#[cfg(all(test, unix))]
#[expect(dead_code, reason = "compiled to prove that it compiles")]
mod stub;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use lock_files::{forget, sweep};

use std::path::Path;
#[cfg(target_os = "linux")]
use std::ptr::NonNull;
use std::time::Duration;

use crate::error::{Cause, Result};
use crate::fork::{self, ProcessGuard};
use crate::mapping::{Access, File, FileId, FileStatus};
use crate::mechanism::sys;
use crate::wait::{Deadline, pause};

/// The first and the longest pause between two tries to enter a life section.
const BACK_OFF: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(10));

/// A byte of a file that can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Byte(u64);

impl Byte {
    /// Held while the life of the whole object is being changed.
    pub const LIFE: Byte = Byte(0);

    /// Held as long as the user lives who has this slot in this generation.
    pub const fn user(slot: u16, generation: u32) -> Byte {
        Byte::at(1 << 61, slot, generation)
    }

    /// Held as long as the guest lives who has this slot in this generation.
    pub const fn guest(slot: u16, generation: u32) -> Byte {
        Byte::at(1 << 60, slot, generation)
    }

    /// Where in the file it is.
    pub const fn offset(self) -> u64 {
        self.0
    }

    /// The kind, `u` or `g`, the slot and the generation of a byte that is not [`Byte::LIFE`].
    #[cfg(unix)]
    fn parts(self) -> (char, u16, u32) {
        let kind = if self.0 >> 61 & 1 == 1 { 'u' } else { 'g' };
        (kind, self.0 as u16, (self.0 >> 16) as u32)
    }

    const fn at(base: u64, slot: u16, generation: u32) -> Byte {
        Byte(base + ((generation as u64) << 16) + slot as u64)
    }
}

/// A byte that is held until this is dropped or the address space ends.
#[derive(Debug)]
pub struct Anchor {
    /// Taken in `drop` only.
    hold: Option<Hold>,
    lineage: u64,
}

/// What holds a byte.
#[derive(Debug)]
enum Hold {
    /// One page of the description, not to be touched, and in no child.
    #[cfg(target_os = "linux")]
    Page(NonNull<u8>),
    /// The description itself, where a page does not hold it.
    #[cfg(target_os = "linux")]
    Descriptor { _file: File },
    /// A lock file of its own.
    #[cfg(unix)]
    LockFile { lock: fork::OwnDescriptor, folder: std::path::PathBuf },
    /// What is there as long as somebody has a handle of it.
    #[cfg(windows)]
    Event { _event: std::os::windows::io::OwnedHandle },
}

// SAFETY: Invariant 6: the page is private to this value, is never touched, and is unmapped by
// whoever drops the value, on any thread.
unsafe impl Send for Anchor {}
// SAFETY: there is no method that takes `&self`.
unsafe impl Sync for Anchor {}

impl Anchor {
    /// Holds `byte` of `file`, through this description alone, and closes the descriptor.
    ///
    /// Give it a file that was opened for this, by [`File::reopen`]. If this process has forked
    /// since, a description of its own is opened instead (Invariant 3). A byte that another
    /// description holds is an error of the kind `WouldBlock`.
    ///
    /// Where [`anchors_work`] found that they do not, the descriptor stays open instead. Then a
    /// child made by fork holds the byte too, and a program that closes all its files loses it.
    pub fn take(file: File, byte: Byte) -> Result<Anchor> {
        let process = fork::process_lock();
        let file = if file.is_private() { file } else { file.reopen(Access::ReadWrite)? };
        let anchor = Anchor::through(&file, byte, &process);
        // The description is closed under the lock, so that no child gets a descriptor of it.
        drop(file);
        anchor
    }

    fn through(file: &File, byte: Byte, _process: &ProcessGuard) -> Result<Anchor> {
        let lineage = fork::lineage()?;
        Ok(Anchor { hold: Some(sys!(hold(file, byte))?), lineage })
    }
}

impl Drop for Anchor {
    fn drop(&mut self) {
        // In a child, what holds the byte is the parent's.
        match self.hold.take() {
            Some(hold) if fork::lineage().is_ok_and(|lineage| lineage == self.lineage) => {
                sys!(let_go(hold));
            }
            kept => std::mem::forget(kept),
        }
    }
}

/// How the file that bears the bytes is reached again, for a description of one's own.
#[derive(Clone, Copy, Debug)]
pub enum Way<'a> {
    /// By its name. Once the name is gone or names another file, the way is lost, though the file may
    /// live on.
    Name(&'a Path),
    /// By a descriptor that this process keeps, for a file that has no name. If the program closed it
    /// behind our back, the way is lost.
    Kept(&'a File),
}

impl Way<'_> {
    /// Opens what is there now; `None` if nothing can be the file any more.
    ///
    /// What was opened may be another file: whoever needs to know asks [`Way::leads_to`], after what
    /// must not have happened since.
    pub fn open(self, access: Access) -> Result<Option<File>> {
        let opened = match self {
            Way::Name(path) => File::open(path, access),
            Way::Kept(file) => file.reopen(access),
        };
        match opened {
            Ok(file) => Ok(Some(file)),
            Err(error) => match error.cause() {
                Cause::NotFound | Cause::SymbolicLink | Cause::IsDirectory => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Whether `found`, which came this way, is the file `id` and has what this way needs: a name, if
    /// it is by name.
    pub fn leads_to(self, found: &FileStatus, id: FileId) -> bool {
        found.id == id && (found.links > 0 || matches!(self, Way::Kept(_)))
    }
}

/// What came of an attempt to enter a life section.
#[derive(Debug)]
pub enum Entered {
    /// It is ours until it is dropped.
    Yes(LifeSection),
    /// Somebody else is in it.
    Busy,
    /// The way does not lead to the file any more: its name names another file, or none.
    Gone,
}

/// The life byte of one file, and the process lock with it (Invariant 4).
///
/// Keep it short and never wait in it: others wait for it, and so does every fork of this process.
#[derive(Debug)]
pub struct LifeSection {
    // In this order: the description is closed before the process lock is given back.
    file: File,
    lineage: u64,
    process: ProcessGuard,
}

impl LifeSection {
    /// Enters the life section of the file `id`, which is reached by `way`, trying until `deadline`;
    /// for ever without one.
    ///
    /// Between tries it only sleeps. Each try opens a description of its own under the process
    /// lock: one that was kept over a sleep may have been shared by a fork, and would then hold the
    /// byte beyond our death.
    pub fn enter(way: Way<'_>, id: FileId, deadline: Option<Deadline>) -> Result<Entered> {
        let (mut nap, longest) = BACK_OFF;
        loop {
            let entered = LifeSection::try_enter(way, id)?;
            if !matches!(entered, Entered::Busy) {
                return Ok(entered);
            }
            let left = deadline.map_or(longest, Deadline::remaining);
            if left.is_zero() {
                return Ok(Entered::Busy);
            }
            pause(nap.min(left));
            nap = (nap * 2).min(longest);
        }
    }

    /// Enters the life section if it is free now.
    pub fn try_enter(way: Way<'_>, id: FileId) -> Result<Entered> {
        let process = fork::process_lock();
        let lineage = fork::lineage()?;
        let Some(file) = way.open(Access::ReadWrite)? else {
            return Ok(Entered::Gone);
        };
        let locked = sys!(try_lock_life(file.handle()))?;
        // Looked at after the lock: whoever unlinks or replaces the name does so under it.
        if !way.leads_to(&file.status()?, id) {
            return Ok(Entered::Gone);
        }
        if !locked {
            return Ok(Entered::Busy);
        }
        Ok(Entered::Yes(LifeSection { file, lineage, process }))
    }

    /// Holds `byte` through this section's own description, which saves opening another. The
    /// anchor outlives the section.
    pub fn anchor(&self, byte: Byte) -> Result<Anchor> {
        Anchor::through(&self.file, byte, &self.process)
    }
}

impl Drop for LifeSection {
    fn drop(&mut self) {
        // An anchor may keep the description alive, so closing it is not enough. A child made by a
        // raw clone shares the description, and must not unlock what is its parent's.
        if fork::lineage().is_ok_and(|lineage| lineage == self.lineage) {
            sys!(unlock_life(self.file.handle()));
        }
    }
}

/// Whether anyone holds `byte` now, asked through `file`, which must never take a lock
/// (Invariant 5).
pub fn is_held(file: &File, byte: Byte) -> Result<bool> {
    sys!(is_held(file.handle(), byte))
}

/// Whether a page holds a lock here, as [`Anchor`] needs it. Tried once per process, on an unnamed
/// file in `folder`, or without one in memory; call it before the first anchor is taken.
///
/// `Ok(false)` means that anchors keep their descriptors, see [`Anchor::take`]. Where byte locks
/// themselves do not work, as in some sandboxes, it is an error: nothing is known of life there.
pub fn anchors_work(folder: Option<&Path>) -> Result<bool> {
    sys!(anchors_work(folder))
}

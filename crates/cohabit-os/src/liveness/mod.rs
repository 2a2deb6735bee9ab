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
//! Bytes lie far above any content. A byte that is free is the proof of death; a process that is
//! stopped holds its byte, and so does one that is still writing its core.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod stub;
#[cfg(all(test, target_os = "linux"))]
#[expect(dead_code, reason = "compiled to prove that it compiles")]
mod stub;

#[cfg(target_os = "linux")]
use linux as sys;
#[cfg(not(target_os = "linux"))]
use stub as sys;

use std::io;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::error::{Cause, Error, Result};
use crate::fork::{self, ProcessGuard};
use crate::mapping::{Access, File, FileId, FileStatus};
use crate::wait::{Deadline, pause};

/// The first and the longest pause between two tries to enter a life section.
const BACK_OFF: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(10));

/// What [`anchors_work`] found, once it has looked.
static MECHANISM: AtomicU8 = AtomicU8::new(UNKNOWN);
const UNKNOWN: u8 = 0;
const ANCHORS: u8 = 1;
const KEEPS_DESCRIPTOR: u8 = 2;

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

    const fn at(base: u64, slot: u16, generation: u32) -> Byte {
        Byte(base + ((generation as u64) << 16) + slot as u64)
    }
}

/// A byte that is held until this is dropped or the address space ends.
#[derive(Debug)]
pub struct Anchor {
    hold: Hold,
    lineage: u64,
}

#[derive(Debug)]
enum Hold {
    /// One page of the description, not to be touched, and in no child.
    Page(NonNull<u8>),
    /// The description itself, where a page does not hold it.
    Descriptor { _file: File },
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
        let hold = if MECHANISM.load(Relaxed) == KEEPS_DESCRIPTOR {
            let own = file.reopen(Access::ReadWrite)?;
            lock_slot(&own, byte)?;
            Hold::Descriptor { _file: own }
        } else {
            lock_slot(file, byte)?;
            Hold::Page(sys::anchor_page(file.handle())?)
        };
        Ok(Anchor { hold, lineage })
    }
}

fn lock_slot(file: &File, byte: Byte) -> Result<()> {
    if sys::try_lock(file.handle(), byte.offset())? {
        Ok(())
    } else {
        Err(Error::new("lock a slot's byte", io::ErrorKind::WouldBlock.into()))
    }
}

impl Drop for Anchor {
    fn drop(&mut self) {
        if let Hold::Page(page) = self.hold
            && fork::lineage().is_ok_and(|lineage| lineage == self.lineage)
        {
            // SAFETY: Invariant 6: this address space mapped the page, and this is the only place
            // that unmaps it. In a child, where the address may be anything's, we are not here.
            unsafe { sys::release_page(page) }
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
        let locked = sys::try_lock(file.handle(), Byte::LIFE.offset())?;
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
            sys::unlock(self.file.handle(), Byte::LIFE.offset());
        }
    }
}

/// Whether anyone holds `byte` now, asked through `file`, which must never take a lock
/// (Invariant 5).
pub fn is_held(file: &File, byte: Byte) -> Result<bool> {
    sys::is_held(file.handle(), byte.offset())
}

/// Whether a page holds a lock here, as [`Anchor`] needs it. Tried once per process, on an unnamed
/// file in `folder`, or without one in memory; call it before the first anchor is taken.
///
/// `Ok(false)` means that anchors keep their descriptors, see [`Anchor::take`]. Where byte locks
/// themselves do not work, as in some sandboxes, it is an error: nothing is known of life there.
pub fn anchors_work(folder: Option<&Path>) -> Result<bool> {
    if MECHANISM.load(Relaxed) == UNKNOWN {
        let found = if page_holds_lock(folder)? { ANCHORS } else { KEEPS_DESCRIPTOR };
        MECHANISM.store(found, Relaxed);
    }
    Ok(MECHANISM.load(Relaxed) == ANCHORS)
}

fn page_holds_lock(folder: Option<&Path>) -> Result<bool> {
    let (first, second) = (Byte::user(0, u32::MAX).offset(), Byte::user(1, u32::MAX).offset());
    let process = fork::process_lock();
    let asker = match folder {
        Some(folder) => File::unnamed(folder, 0, 0o600)?,
        None => File::anonymous(0, 0o600)?,
    };
    let (a, b) = (asker.reopen(Access::ReadWrite)?, asker.reopen(Access::ReadWrite)?);
    let held = |byte| sys::is_held(asker.handle(), byte);
    let apart = sys::try_lock(a.handle(), first)?
        && !sys::try_lock(b.handle(), first)?
        && sys::try_lock(b.handle(), second)?
        && held(first)?
        && held(second)?;
    let page = sys::anchor_page(a.handle());
    drop((a, b));
    drop(process);
    let outlives_descriptor = held(first);
    if let Ok(page) = page {
        // SAFETY: Invariant 6: mapped a few lines above, by this address space, known to nobody.
        unsafe { sys::release_page(page) };
    }
    if !apart || !freed_soon(|| held(second))? {
        return Err(Error::unsupported("lock single bytes of a file"));
    }
    Ok(page.is_ok() && outlives_descriptor? && freed_soon(|| held(first))?)
}

/// A child that another thread is just starting shares every descriptor until it execs, so a lock
/// may outlast us for a moment. One that stays is not ours to wait for.
fn freed_soon(held: impl Fn() -> Result<bool>) -> Result<bool> {
    for _ in 0..50 {
        if !held()? {
            return Ok(true);
        }
        pause(Duration::from_millis(2));
    }
    Ok(false)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn where_a_page_does_not_hold_a_lock_the_descriptor_does() -> Result<()> {
        let asker = File::unnamed(&std::env::temp_dir(), 0, 0o600)?;
        MECHANISM.store(KEEPS_DESCRIPTOR, Relaxed);
        let byte = Byte::guest(3, 7);
        let anchor = Anchor::take(asker.reopen(Access::ReadWrite)?, byte)?;
        assert!(matches!(anchor.hold, Hold::Descriptor { .. }));
        assert!(is_held(&asker, byte)?);
        drop(anchor);
        assert!(!is_held(&asker, byte)?);
        Ok(())
    }
}

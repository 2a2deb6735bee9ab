//! Files that hold segments: made without a name, published in one step, opened with care, mapped.
//!
//! **Contract.**
//!
//! 1. A file is complete before it has a name. [`File::unnamed`] makes an inode that nobody can
//!    reach, with all its pages reserved; [`File::publish`] gives it a name that was free, or fails
//!    and changes nothing. A process killed between the two leaves nothing behind; by the portable
//!    mechanism, a hidden draft that the next one takes away.
//! 2. Opening never creates and never follows a symbolic link in the last part of the path.
//! 3. Pages are reserved when the file is made, so a full filesystem is an error there and not
//!    SIGBUS later.
//! 4. A [`Mapping`] owns exactly the pages `base .. base + len` that one successful map returned,
//!    and no one else unmaps them. The pages stay mapped until it is dropped.
//! 5. Nothing in this module reads or writes through a mapping.
//! 6. What is opened, named or unlinked by a path is so in the folder that the path names, and never
//!    behind a symbolic link that took the folder's place.
//! 7. No file is ever a standard stream, also in a program that has closed these.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod portable;
#[cfg(unix)]
mod posix;
#[cfg(windows)]
mod section;
#[cfg(unix)]
mod shared;
#[cfg(not(any(unix, windows)))]
mod stub;
#[cfg(all(test, unix))]
#[expect(dead_code, reason = "compiled to prove that it compiles")]
mod stub;
#[cfg(unix)]
mod trail;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use posix as same;
#[cfg(not(any(unix, windows)))]
use stub as same;
#[cfg(windows)]
use windows as same;

pub(crate) use same::Handle;
#[cfg(unix)]
pub(crate) use shared::{grant, id_of};

use crate::mechanism::sys;

use std::path::Path;
use std::ptr::NonNull;

use crate::error::Result;
use crate::fork;

/// What a file or a map may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// Reading only; the pages are mapped so that a store faults.
    ReadOnly,
    /// Reading and writing.
    ReadWrite,
}

/// Which file it is, whatever its names are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    /// The filesystem.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
}

/// What kind of thing a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileKind {
    /// A regular file: the only kind that holds a segment.
    Regular,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, a pipe, a socket.
    Other,
}

/// What the system says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileStatus {
    /// Which file it is.
    pub id: FileId,
    /// Its length in bytes.
    pub size: u64,
    /// How many bytes are stored for it: fewer than its length where it has holes.
    pub stored: u64,
    /// How many names it has; 0 once it was unlinked, or before it was published.
    pub links: u64,
    /// The user id of its owner.
    pub owner: u32,
    /// The id of its group.
    pub group: u32,
    /// Its permission bits, the set-id and sticky bits included.
    pub mode: u32,
    /// What kind of thing it is.
    pub kind: FileKind,
    /// Whether it stands in its folder, so that its owner could write there. Memory under a name of the
    /// kernel does not, on Windows: anybody may make that.
    pub in_folder: bool,
}

/// How long a file stays that nobody uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lasts {
    /// It need not: where memory ends with its last user, as on Windows, it may.
    WhileUsed,
    /// Until the machine starts anew.
    UntilReboot,
    /// For good, if its folder is on a disk.
    OnDisk,
}

/// Who may use a file or folder: permission bits, and the group that they speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rights {
    /// Permission bits.
    pub mode: u32,
    /// The group; `None` leaves the one that the system chose.
    pub group: Option<u32>,
}

/// How much a filesystem holds, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// All of it; 0 for a filesystem that has no limit of its own.
    pub total: u64,
    /// What an ordinary user may still take.
    pub free: u64,
}

/// An open file: one descriptor of one open file description.
///
/// It also remembers how many forks this process had made when it was opened, since a child that
/// was forked since shares the description, and with it every lock taken through it.
#[derive(Debug)]
pub struct File {
    handle: Handle,
    forks: u64,
}

impl File {
    /// Makes a file of `size` bytes that has no name yet, in the filesystem of `folder`.
    ///
    /// Its pages are reserved and zero, and its permission bits are `mode` whatever the umask is.
    /// Over the process's file-size limit this is [`Cause::FileSizeLimit`], never SIGXFSZ; on a
    /// full filesystem it is [`Cause::NoSpace`] and nothing is left. A size of 0 reserves nothing.
    ///
    /// [`Cause::FileSizeLimit`]: crate::error::Cause::FileSizeLimit
    /// [`Cause::NoSpace`]: crate::error::Cause::NoSpace
    pub fn unnamed(folder: &Path, size: u64, mode: u32) -> Result<File> {
        Self::lasting(folder, size, mode, Lasts::WhileUsed)
    }

    /// The same, with a word on how long it is to stay when nobody uses it.
    ///
    /// # Errors
    /// As [`File::unnamed`]; [`Cause::Unsupported`] where the system has no such memory.
    ///
    /// [`Cause::Unsupported`]: crate::error::Cause::Unsupported
    pub fn lasting(folder: &Path, size: u64, mode: u32, lasts: Lasts) -> Result<File> {
        Self::opened(|| sys!(unnamed(folder, size, mode, lasts)))
    }

    /// Makes a file of `size` bytes in memory that never has a name: only descriptors reach it.
    ///
    /// Its pages are reserved and zero, and its size is fixed for ever, so that no peer can cut it. Who
    /// has a descriptor of it may open it anew as far as `mode` allows.
    pub fn anonymous(size: u64, mode: u32) -> Result<File> {
        Self::opened(|| sys!(anonymous(size, mode)))
    }

    /// Opens what `path` names. It never creates, never follows a link, never waits.
    ///
    /// What was opened may be of any kind: look at [`status`](File::status) before using it.
    pub fn open(path: &Path, access: Access) -> Result<File> {
        Self::opened(|| sys!(open(path, access)))
    }

    /// Sets who may use this file, exactly so: whatever the umask is, and whatever the folder's default
    /// access control list adds. Only a member of a group, or root, may give a file to it.
    pub fn grant(&self, rights: Rights) -> Result<()> {
        same::grant(&self.handle, rights)
    }

    /// Writes all of `bytes` at `offset`.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        same::write_at(&self.handle, bytes, offset)
    }

    /// Returns once all that was written is where the filesystem keeps it, through a loss of power.
    pub fn sync(&self) -> Result<()> {
        same::sync(&self.handle)
    }

    /// Gives this unnamed file its name. [`Cause::AlreadyExists`] if the name is taken.
    ///
    /// A file that once had a name and lost it cannot be published again.
    ///
    /// [`Cause::AlreadyExists`]: crate::error::Cause::AlreadyExists
    pub fn publish(&self, path: &Path) -> Result<()> {
        sys!(publish(&self.handle, path))
    }

    /// Opens the same inode again, as an open file description of its own.
    ///
    /// Locks belong to descriptions: what is locked through one is seen, and refused, by another.
    pub fn reopen(&self, access: Access) -> Result<File> {
        Self::opened(|| sys!(reopen(&self.handle, access)))
    }

    /// What the system says of this file now.
    pub fn status(&self) -> Result<FileStatus> {
        same::status(&self.handle)
    }

    /// Reads into `buf` from `offset`, and says how many bytes were there.
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        same::read_at(&self.handle, buf, offset)
    }

    /// Maps the first `len` bytes, shared with everyone who maps them.
    pub fn map(&self, len: usize, access: Access) -> Result<Mapping> {
        let base = same::map(&self.handle, len, access)?;
        Ok(Mapping { base, len })
    }

    /// The system's handle, for the other modules of this crate.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Whether no child made by `fork` since shares this description. Asked under the process lock.
    pub(crate) fn is_private(&self) -> bool {
        self.forks == fork::forks()
    }

    /// Counts the forks before it opens, so that one that comes between is never missed.
    pub(crate) fn opened(open: impl FnOnce() -> Result<Handle>) -> Result<File> {
        let forks = fork::forks();
        Ok(File { handle: open().and_then(same::no_standard_stream)?, forks })
    }
}

/// What the system says of a name. A symbolic link is reported as one, not followed.
pub fn status_of(path: &Path) -> Result<FileStatus> {
    same::status_of(path)
}

/// Unlinks `path` if it still names the file `id`; `true` if it was unlinked by this call.
///
/// The caller holds the life byte of that file, which is what keeps another from replacing the
/// name between the look and the unlink. A name that is gone or names another file is `Ok(false)`.
pub fn retire(path: &Path, id: FileId) -> Result<bool> {
    sys!(retire(path, id))
}

/// Takes a folder away if it is empty; `true` if it was taken away by this call. One that is not empty,
/// that is gone, or that may not be taken away stays: `Ok(false)`.
pub fn remove_empty(folder: &Path) -> Result<bool> {
    same::remove_empty(folder)
}

/// Takes away what killed processes left in a folder, that only the mechanism knows: drafts, and lock files of
/// files that are gone.
pub fn tidy(folder: &Path) {
    sys!(tidy(folder));
}

/// Returns once the names in a folder are where its filesystem keeps them, through a loss of power.
pub fn sync_folder(folder: &Path) -> Result<()> {
    same::sync_folder(folder)
}

/// The names in a folder, in no order. Names that are not UTF-8 are none of ours and are skipped.
pub fn list(folder: &Path) -> Result<Vec<String>> {
    same::list(folder)
}

/// How much there is for files in `folder` that last so long, and how much is left: where memory is no filesystem's, the
/// folder counts only for those on a disk.
pub fn space(folder: &Path, lasts: Lasts) -> Result<Space> {
    same::space(folder, lasts)
}

/// Pages of a file in this address space, until it is dropped.
#[derive(Debug)]
pub struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: Invariant 4: a mapping is an address range that belongs to the process and not to a
// thread, and Invariant 5: nothing here touches what it holds.
unsafe impl Send for Mapping {}
// SAFETY: as for Send; the methods that take `&self` only copy two private fields.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// The first byte. It is aligned to a page.
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// How many bytes were asked for.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns once the pages of the first `len` bytes are where the filesystem keeps them, through a
    /// loss of power: as they were at some moment during the call.
    pub fn sync(&self, len: usize) -> Result<()> {
        // SAFETY: Invariant 4: the pages are mapped; nothing of this process changes by it.
        unsafe { same::sync_pages(self.base, len.min(self.len)) }
    }

    /// Whether no byte is mapped; never so, since the system refuses an empty map.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: Invariant 4: these are the pages that `same::map` returned to us, and this is the
        // only place that gives them back. Whoever kept the address beyond this broke `base`'s
        // contract.
        unsafe { same::unmap(self.base, self.len) }
    }
}

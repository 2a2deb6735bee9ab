//! By which name a file is found again, where a system opens nothing by a descriptor, and the name that a
//! file has before it has one.
//!
//! A **draft** is a file that is not published yet. It has a hidden name of its own, `.cohabit.draft.` and
//! its number, and is locked by its maker (flock(2)), so that who finds a draft that is not locked knows that
//! its maker is dead, and takes it away. The number in the name is the file's own: so whoever opens a file
//! that has two names can finish what a maker was killed in, between giving it the second one and taking the
//! first one away.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::fs::{self, FlockOperation, Mode, OFlags};

use super::FileId;
use super::shared::{id_of, refused, status_from};
use crate::error::Result;
use crate::fork::{self, OwnDescriptor};
use crate::liveness;

/// What the names of drafts begin with.
const DRAFT: &str = ".cohabit.draft.";

/// By which name a file is found again.
#[derive(Debug)]
pub(crate) struct Trail {
    /// The name until it is published, and the lock that says that its maker lives.
    draft: Option<(PathBuf, Mutex<Option<OwnDescriptor>>)>,
    named: OnceLock<PathBuf>,
    inode: u64,
    lineage: u64,
}

impl Trail {
    /// A file with a name.
    pub(super) fn named(path: &Path) -> Trail {
        Trail { draft: None, named: OnceLock::from(path.to_owned()), inode: 0, lineage: 0 }
    }

    /// A file that is a draft until it is published.
    pub(super) fn draft(path: PathBuf, inode: u64, lock: OwnDescriptor) -> Result<Trail> {
        let lineage = fork::lineage()?;
        let draft = Some((path, Mutex::new(Some(lock))));
        Ok(Trail { draft, named: OnceLock::new(), inode, lineage })
    }

    /// Whether it has no name yet but that of a draft.
    pub(super) fn is_draft(&self) -> bool {
        self.draft.is_some() && self.named.get().is_none()
    }

    /// The name that it has now.
    pub(crate) fn path(&self) -> &Path {
        let draft = || self.draft.as_ref().map_or(Path::new(""), |(path, _)| path);
        self.named.get().map_or_else(draft, PathBuf::as_path)
    }

    /// The draft was given this name, which stays.
    pub(super) fn publish(&self, path: &Path) {
        // Only drafts are published, and only once.
        let _first = self.named.set(path.to_owned());
        if let Some((draft, lock)) = &self.draft {
            // If it stays, whoever opens the file takes it away.
            let _ = fs::unlink(draft);
            drop(lock.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        // A child's copy is nothing's trail.
        if self.is_draft() && fork::lineage().is_ok_and(|lineage| lineage == self.lineage) {
            // If it stays, it is not locked any more, and whoever makes the next one takes it away.
            let _ = fs::unlink(self.path());
            liveness::forget(self.path().parent().unwrap_or(self.path()), self.inode);
        }
    }
}

/// The name that a file has as a draft in this folder.
pub(super) fn draft_path(folder: &Path, inode: u64) -> PathBuf {
    folder.join(format!("{DRAFT}{inode:x}"))
}

/// A name for a draft whose number is not known yet.
pub(super) fn first_path(folder: &Path) -> Result<PathBuf> {
    let mut number = [0; 8];
    crate::process::random(&mut number)?;
    Ok(folder.join(format!("{DRAFT}new-{:016x}", u64::from_ne_bytes(number))))
}

/// Takes the draft's name from a file that has another one too: its maker published it and was killed, or
/// is just about to do the same.
pub(super) fn finish(path: &Path, id: FileId) {
    let draft = draft_path(path.parent().unwrap_or(path), id.inode);
    if fs::lstat(&draft).is_ok_and(|stat| status_from(&stat).id == id) {
        let _ = fs::unlink(&draft);
    }
}

/// Takes away the drafts of makers that died. One that its maker is just about to lock is made again by it.
pub(super) fn sweep(folder: &Path) {
    for name in super::list(folder).unwrap_or_default() {
        if name.starts_with(DRAFT) {
            // One that cannot be judged or removed is looked at again next time.
            let _ = sweep_one(&folder.join(name));
        }
    }
}

fn sweep_one(path: &Path) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = fs::open(path, flags, Mode::empty()).map_err(refused("open"))?;
    if fs::flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(());
    }
    let named = status_from(&fs::lstat(path).map_err(refused("lstat"))?);
    if named.id != id_of(&file)? {
        return Ok(());
    }
    fs::unlink(path).map_err(refused("unlink"))?;
    if named.links == 1 {
        liveness::forget(path.parent().unwrap_or(path), named.id.inode);
    }
    Ok(())
}

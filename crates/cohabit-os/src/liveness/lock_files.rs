//! The lock files of the portable mechanism as names in a folder, and taking them away.

use std::collections::BTreeSet;
use std::os::unix::fs::DirEntryExt;
use std::path::Path;

use rustix::fs::{self, FlockOperation, Mode, OFlags};

use crate::mapping;

/// What the names of lock files begin with.
pub(super) const LIVE: &str = ".cohabit.live.";

/// What comes next in the name of one that is not in its place yet.
pub(super) const NEW: &str = "new-";

/// Takes away the lock files of a file that has no name any more.
pub(crate) fn forget(folder: &Path, inode: u64) {
    let index = format!("{LIVE}{inode:x}");
    let seats = format!("{index}.");
    for name in mapping::list(folder).unwrap_or_default() {
        if name == index || name.starts_with(&seats) {
            // One that stays costs nothing, and is taken away when the number is used again.
            let _ = fs::unlink(folder.join(name));
        }
    }
}

/// Takes away the lock files of files that are not in the folder any more, and those that a killed process
/// did not bring to their places. Where one is locked, all of that file stay: somebody lives who has it, or is
/// just about to give it a name.
pub(crate) fn sweep(folder: &Path) {
    let (ours, others): (Vec<_>, Vec<_>) =
        entries(folder).into_iter().partition(|(name, _)| name.starts_with(LIVE));
    if ours.is_empty() {
        return;
    }
    let mut stays: BTreeSet<u64> = others.into_iter().map(|(_, inode)| inode).collect();
    for (name, _) in &ours {
        let number = number_in(name).filter(|number| !stays.contains(number));
        stays.extend(number.filter(|_| is_locked(&folder.join(name))));
    }
    for (name, _) in ours {
        let is_left = match number_in(&name) {
            Some(inode) => !stays.contains(&inode),
            None => !is_locked(&folder.join(&name)),
        };
        if is_left {
            // One that stays costs nothing, and is looked at again next time.
            let _ = fs::unlink(folder.join(name));
        }
    }
}

/// The names in a folder, and the numbers of their files.
fn entries(folder: &Path) -> Vec<(String, u64)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let named =
        |entry: std::fs::DirEntry| Some((entry.file_name().into_string().ok()?, entry.ino()));
    entries.flatten().filter_map(named).collect()
}

/// The number of the file that a lock file belongs to; `None` for one that is not in its place yet.
fn number_in(name: &str) -> Option<u64> {
    let rest = name.strip_prefix(LIVE)?;
    u64::from_str_radix(rest.split('.').next()?, 16).ok()
}

/// Whether the holder of a lock file lives. A new one that is just about to be locked is made again.
fn is_locked(path: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    fs::open(path, flags, Mode::empty())
        .is_ok_and(|file| fs::flock(&file, FlockOperation::NonBlockingLockShared).is_err())
}

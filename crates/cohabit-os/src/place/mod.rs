//! Which folder names live in, and who may own and write it.
//!
//! **Contract.**
//!
//! 1. A user's own folder belongs to the effective user, and no other user has any permission in
//!    it. So whatever is found there was put there by that user, or by root. (On Windows others may list it.)
//! 2. A folder given by path belongs to the effective user or to root, and only its owner may write
//!    it, sticky or not.
//! 3. A symbolic link is never a folder, whoever owns it.
//! 4. What is not so is refused and left as it is: nothing is repaired, since whoever made it so may
//!    be watching.
//! 5. An object that several users share has a folder of its own in the root, and that folder's owner
//!    and rights are the object's: it belongs to the effective user, to root, or to somebody whom the
//!    caller trusts, and so does the root, where nobody but a name's owner can take the name away (it
//!    is sticky, or only its owner may write it). Whoever may write the folder may replace what is in
//!    it: where the root keeps a stranger's file for its owner, a folder does not.
//! 6. A folder is made under a name that nobody uses, is given its rights there, and moves to its
//!    place in one step: it is never seen half made. A process that is killed before leaves an empty
//!    folder without rights for others, which the next one of the same user takes away that makes or
//!    removes the same folder.
//!
//! `COHABIT_DIR` moves the root. It is ignored in a program that gained privileges by being
//! started (getauxval(3), AT_SECURE), since there it is a stranger's word. For a user's own folder, the
//! folder that it names is the user's own choice and is not judged; the one below it is.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod portable;
#[cfg(not(any(unix, windows)))]
mod stub;
#[cfg(all(test, unix))]
#[expect(dead_code, reason = "compiled to prove that it compiles")]
mod stub;
#[cfg(windows)]
mod windows;

use crate::mechanism::sys;

use std::path::{Path, PathBuf};
use std::{error, fmt};

use crate::error::{Cause, Error};
use crate::mapping::{FileKind, FileStatus, Rights, list, remove_empty, status_of};
use crate::process::{effective_uid, random};

/// Permissions of anyone but the owner.
const ANY_BY_OTHERS: u32 = 0o077;
/// Permission to write for anyone but the owner.
const WRITE_BY_OTHERS: u32 = 0o022;
const ROOT: u32 = 0;
/// Only a name's owner may take it away.
const STICKY: u32 = 0o1000;
/// What the names of shared objects' folders begin with.
const SHARED: &str = "cohabit.";
/// How often a folder is made again that another process takes for a dead one's.
const TRIES: usize = 100;

/// Why a folder is not one that names may live in.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlaceError {
    /// The system refused to look, or to make it.
    Os(Error),
    /// It is a file, a symbolic link, or something else.
    NotAFolder {
        /// What was looked at.
        path: PathBuf,
    },
    /// It belongs to another user.
    OtherOwner {
        /// What was looked at.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Its permissions let others in, or let them write.
    OthersMayWrite {
        /// What was looked at.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// The user's own folder, made if it is not there, and checked (Invariant 1).
pub fn user_folder() -> Result<PathBuf, PlaceError> {
    let (path, uid) = user_path();
    match status_of(&path) {
        Err(error) if error.cause() == Cause::NotFound => {
            make(&path, Rights { mode: 0o700, group: None })?;
            check_user_folder(&path, uid, &status_of(&path)?)?;
        }
        found => check_user_folder(&path, uid, &found?)?,
    }
    Ok(path)
}

/// The user's own folder, checked, or `None` if nothing was ever made there.
pub fn user_folder_if_present() -> Result<Option<PathBuf>, PlaceError> {
    let (path, uid) = user_path();
    match status_of(&path) {
        // Nothing was ever made there; but where even the root is missing, say so.
        Err(error) if error.cause() == Cause::NotFound => {
            status_of(&sys!(root())).map(|_| None).map_err(Into::into)
        }
        found => {
            check_user_folder(&path, uid, &found?)?;
            Ok(Some(path))
        }
    }
}

/// Checks a folder that was given by path (Invariant 2).
pub fn check_folder(path: &Path) -> Result<(), PlaceError> {
    // Without its trailing slashes, which would make the system look through a symbolic link.
    let path = path.components().as_path();
    let found = status_of(path)?;
    check(path, &found, &[effective_uid(), ROOT], WRITE_BY_OTHERS)
}

/// Where users' folders are: `COHABIT_DIR` if it is set, else what the system offers.
pub fn root() -> PathBuf {
    sys!(root())
}

/// Where the folders of the objects are that several users share: the same, or what the system has for all users.
pub fn machine_root() -> PathBuf {
    sys!(machine_root())
}

/// The folder of one object that several users share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFolder {
    /// Where it is.
    pub path: PathBuf,
    /// What it was when it was checked.
    pub status: FileStatus,
}

/// Whom a caller trusts beside itself and root, by user id.
pub type Trusts<'a> = &'a dyn Fn(u32) -> bool;

/// The folder of the shared object `name`, checked (Invariant 5), or `None` if there is none.
pub fn shared_folder(name: &str, trusts: Trusts<'_>) -> Result<Option<SharedFolder>, PlaceError> {
    shared_root(trusts)?;
    let path = shared_path(name);
    let status = match status_of(&path) {
        Err(error) if error.cause() == Cause::NotFound => return Ok(None),
        found => found?,
    };
    check_owner_and_kind(&path, &status, trusts)?;
    Ok(Some(SharedFolder { path, status }))
}

/// Makes the folder of the shared object `name`, if nothing stands in its place.
pub fn make_shared_folder(
    name: &str,
    rights: Rights,
    trusts: Trusts<'_>,
) -> Result<(), PlaceError> {
    shared_root(trusts)?;
    make(&shared_path(name), rights).map_err(Into::into)
}

/// The names that shared objects' folders have now, whoever made them.
pub fn shared_names() -> crate::Result<Vec<String>> {
    let names = list(&machine_root())?;
    Ok(names.iter().filter_map(|name| name.strip_prefix(SHARED)).map(str::to_owned).collect())
}

/// Takes away folders in the root that this user left half made, being killed (Invariant 6).
pub fn tidy_shared_root() {
    tidy(&machine_root(), &format!(".{SHARED}"));
}

fn shared_path(name: &str) -> PathBuf {
    machine_root().join(format!("{SHARED}{name}"))
}

/// The folder in which shared objects have their folders, checked (Invariant 5).
pub fn shared_root(trusts: Trusts<'_>) -> Result<PathBuf, PlaceError> {
    // Without its trailing slashes, which would make the system look through a symbolic link.
    let root: PathBuf = machine_root().components().collect();
    let found = status_of(&root)?;
    check_owner_and_kind(&root, &found, trusts)?;
    if found.mode & WRITE_BY_OTHERS != 0 && found.mode & STICKY == 0 {
        return Err(PlaceError::OthersMayWrite { path: root, mode: found.mode });
    }
    Ok(root)
}

fn check_owner_and_kind(
    path: &Path,
    found: &FileStatus,
    trusts: Trusts<'_>,
) -> Result<(), PlaceError> {
    // The owner first: whoever put something else there may have done so on purpose.
    let owner = found.owner;
    if owner != ROOT && owner != effective_uid() && !trusts(owner) {
        return Err(PlaceError::OtherOwner { path: path.to_owned(), owner });
    }
    if found.kind != FileKind::Directory {
        return Err(PlaceError::NotAFolder { path: path.to_owned() });
    }
    Ok(())
}

/// Takes a shared object's folder away, if it is empty and this user may; and then what this user left
/// of making it, being killed. `true`: there is no folder any more.
pub fn remove_shared_folder(path: &Path) -> crate::Result<bool> {
    if !remove_empty(path)? {
        // What only the mechanism knows may be all that is in it.
        crate::mapping::tidy(path);
        if !remove_empty(path)? {
            return Ok(false);
        }
    }
    if let (Some(root), Some(name)) = (path.parent(), path.file_name()) {
        tidy(root, &draft_prefix(&name.to_string_lossy()));
    }
    Ok(true)
}

fn draft_prefix(name: &str) -> String {
    format!(".{name}-")
}

/// Makes a folder, unless something stands in its place (Invariant 6).
fn make(path: &Path, rights: Rights) -> crate::Result<()> {
    let root = path.parent().unwrap_or(path);
    let prefix = draft_prefix(&path.file_name().unwrap_or_default().to_string_lossy());
    for _ in 0..TRIES {
        let mut number = [0; 8];
        random(&mut number)?;
        let draft = root.join(format!("{prefix}{:016x}", u64::from_ne_bytes(number)));
        match sys!(make_folder(&draft, path, rights)) {
            // It was taken for a dead one's: somebody else has made the folder meanwhile.
            Err(error) if error.cause() == Cause::NotFound && status_of(root).is_ok() => {}
            Err(error) => return Err(error),
            Ok(_) => break,
        }
    }
    // Only after it stands, so that of two who tidy at once one has got on.
    tidy(root, &prefix);
    Ok(())
}

/// Takes away this user's own empty folders whose names begin so. One that its maker is just finishing
/// is made again by that one.
fn tidy(root: &Path, prefix: &str) {
    let me = effective_uid();
    for name in list(root).unwrap_or_default().iter().filter(|name| name.starts_with(prefix)) {
        let path = root.join(name);
        let is_ours = |found: &FileStatus| found.kind == FileKind::Directory && found.owner == me;
        if status_of(&path).is_ok_and(|found| is_ours(&found)) {
            // One that stays is looked at again next time.
            let _ = remove_empty(&path);
        }
    }
}

fn user_path() -> (PathBuf, u32) {
    let uid = effective_uid();
    let mut path = sys!(root());
    path.push(format!("cohabit-{uid}"));
    (path, uid)
}

fn check_user_folder(path: &Path, uid: u32, found: &FileStatus) -> Result<(), PlaceError> {
    check(path, found, &[uid], ANY_BY_OTHERS)
}

fn check(
    path: &Path,
    found: &FileStatus,
    owners: &[u32],
    forbidden: u32,
) -> Result<(), PlaceError> {
    if found.kind != FileKind::Directory {
        return Err(PlaceError::NotAFolder { path: path.to_owned() });
    }
    if !owners.contains(&found.owner) {
        return Err(PlaceError::OtherOwner { path: path.to_owned(), owner: found.owner });
    }
    if found.mode & forbidden != 0 {
        return Err(PlaceError::OthersMayWrite { path: path.to_owned(), mode: found.mode });
    }
    Ok(())
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlaceError::Os(error) => error.fmt(f),
            PlaceError::NotAFolder { path } => {
                write!(f, "{} is not a folder; symbolic links are not followed", path.display())
            }
            PlaceError::OtherOwner { path, owner } => {
                write!(f, "{} belongs to the user with id {owner}", path.display())
            }
            PlaceError::OthersMayWrite { path, mode } => {
                write!(f, "{} is open to other users (mode {mode:04o})", path.display())
            }
        }
    }
}

impl error::Error for PlaceError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            PlaceError::Os(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for PlaceError {
    fn from(error: Error) -> Self {
        PlaceError::Os(error)
    }
}

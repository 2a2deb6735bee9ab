//! Which folder names live in, and who may own and write it.
//!
//! **Contract.**
//!
//! 1. A user's own folder belongs to the effective user, and no other user has any permission in
//!    it. So whatever is found there was put there by that user, or by root.
//! 2. A folder given by path belongs to the effective user or to root, and only its owner may write
//!    it, sticky or not.
//! 3. A symbolic link is never a folder, whoever owns it.
//! 4. What is not so is refused and left as it is: nothing is repaired, since whoever made it so may
//!    be watching.
//!
//! `COHABIT_DIR` moves the root. It is ignored in a program that gained privileges by being
//! started (getauxval(3), AT_SECURE), since there it is a stranger's word. The folder that it names
//! is the user's own choice and is not judged; the one below it is.

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

use std::path::{Path, PathBuf};
use std::{error, fmt};

use crate::error::{Cause, Error};
use crate::mapping::{FileKind, FileStatus, status_of};
use crate::process::effective_uid;

/// Permissions of anyone but the owner.
const ANY_BY_OTHERS: u32 = 0o077;
/// Permission to write for anyone but the owner.
const WRITE_BY_OTHERS: u32 = 0o022;
const ROOT: u32 = 0;

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
            sys::make_private_folder(&path)?;
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
            status_of(&sys::root()).map(|_| None).map_err(Into::into)
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
    sys::root()
}

fn user_path() -> (PathBuf, u32) {
    let uid = effective_uid();
    let mut path = sys::root();
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

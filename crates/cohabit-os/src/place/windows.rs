//! Windows: folders of the filesystem, which hold the index of objects, and no object.
//!
//! A folder that several users share is not made yet: an object of theirs would need the rights that the
//! folder has, and those of a Windows folder are not read here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::mapping::Rights;

/// Permissions of anyone but the owner.
const ANY_BY_OTHERS: u32 = 0o077;

pub(super) fn root() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let root = set("COHABIT_DIR").or_else(|| set("LOCALAPPDATA"));
    root.map_or_else(std::env::temp_dir, PathBuf::from)
}

/// There is nothing to be done in secret: a folder has the rights of the one that it is made in.
pub(super) fn make_folder(_draft: &Path, path: &Path, rights: Rights) -> Result<bool> {
    if rights.mode & ANY_BY_OTHERS != 0 {
        return Err(Error::unsupported("make a folder that several users share"));
    }
    match fs::create_dir(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Error::new("make a folder", error)),
    }
}

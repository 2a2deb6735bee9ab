//! Windows: folders of the filesystem, which hold the index of objects in memory, and objects on disk.
//!
//! What all users share is in the folder that the system has for programs' data: there everybody may make
//! folders, and take away only what is its own.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::mapping::Rights;
use crate::windows::folders;

pub(super) fn root() -> PathBuf {
    set("COHABIT_DIR").or_else(|| set("LOCALAPPDATA")).unwrap_or_else(std::env::temp_dir)
}

pub(super) fn machine_root() -> PathBuf {
    set("COHABIT_DIR").or_else(|| set("ProgramData")).unwrap_or_else(|| r"C:\ProgramData".into())
}

fn set(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// In one step: a folder is made with its rights.
pub(super) fn make_folder(_draft: &Path, path: &Path, rights: Rights) -> Result<bool> {
    folders::make(path, rights)
}

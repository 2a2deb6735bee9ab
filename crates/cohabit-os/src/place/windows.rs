//! Windows: folders of the filesystem, which hold the index of objects in memory, and objects on disk.
//!
//! What all users share is in the folder that the system has for programs' data: there everybody may make
//! folders, and take away only what is its own.

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::ptr;

use windows_sys::Win32::Foundation::ERROR_SUCCESS;
use windows_sys::Win32::System::Registry::{HKEY_LOCAL_MACHINE, RRF_RT_REG_SZ, RegGetValueW};

use crate::error::Result;
use crate::mapping::Rights;
use crate::windows::{folders, wide};

/// Where Windows says which folder it has for programs' data. (SHGetKnownFolderPath says the same, and has a
/// process load all of the desktop's libraries for it.)
const PROFILES: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
/// The longest path that is looked for, and its end.
const PATH_MAX: usize = 1024;

pub(super) fn root() -> PathBuf {
    set("COHABIT_DIR").or_else(|| set("LOCALAPPDATA")).unwrap_or_else(std::env::temp_dir)
}

pub(super) fn machine_root() -> PathBuf {
    set("COHABIT_DIR").or_else(programs_data).unwrap_or_else(|| r"C:\ProgramData".into())
}

/// Asked of the system, since services and programs of a session need not have the same variables.
fn programs_data() -> Option<PathBuf> {
    let (key, name) = (wide(PROFILES), wide("ProgramData"));
    let (mut path, none) = ([0_u16; PATH_MAX], ptr::null_mut());
    let mut size = size_of_val(&path) as u32;
    // SAFETY: the texts end with zero and live for the call, and the room is ours and as long as is said.
    let code = unsafe {
        let (key, name, path) = (key.as_ptr(), name.as_ptr(), path.as_mut_ptr().cast());
        RegGetValueW(HKEY_LOCAL_MACHINE, key, name, RRF_RT_REG_SZ, none, path, &raw mut size)
    };
    let len = path.iter().position(|unit| *unit == 0)?;
    let found = PathBuf::from(OsString::from_wide(&path[..len]));
    (code == ERROR_SUCCESS && found.is_absolute()).then_some(found)
}

fn set(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// In one step: a folder is made with its rights.
pub(super) fn make_folder(_draft: &Path, path: &Path, rights: Rights) -> Result<bool> {
    folders::make(path, rights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_for_programs_data_is_there() {
        let found = programs_data().expect("every Windows has one");
        assert!(found.is_dir(), "{}", found.display());
    }
}

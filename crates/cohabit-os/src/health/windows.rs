//! Windows: what drive a folder is on, and which Windows it is.

use std::path::Path;

use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
use windows_sys::Win32::Storage::FileSystem::{
    GetDriveTypeW, GetVolumeInformationW, GetVolumePathNameW,
};
use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOW;
use windows_sys::Win32::System::WindowsProgramming::{DRIVE_RAMDISK, DRIVE_REMOTE};

use super::{Filesystem, Kernel, Limits, Medium, RemoveIpc};
use crate::error::Result;
use crate::windows::{refused, wide};

const ROOM: usize = 512;

pub(super) fn filesystem(folder: &Path) -> Result<Filesystem> {
    let folder = wide(&folder.to_string_lossy());
    let (mut root, mut name) = ([0_u16; ROOM], [0_u16; ROOM]);
    let none = std::ptr::null_mut();
    // SAFETY: the path ends with zero, and the room is ours and as long as is said.
    if unsafe { GetVolumePathNameW(folder.as_ptr(), root.as_mut_ptr(), ROOM as u32) } == 0 {
        return Err(refused("ask for a folder's volume"));
    }
    // SAFETY: the call wrote a path that ends with zero.
    let drive = unsafe { GetDriveTypeW(root.as_ptr()) };
    let (no_text, no_len) = (std::ptr::null_mut(), 0);
    // SAFETY: as above; what is not wanted is null, and the room is ours and as long as is said.
    let got = unsafe {
        GetVolumeInformationW(
            root.as_ptr(),
            no_text,
            no_len,
            none,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            name.as_mut_ptr(),
            ROOM as u32,
        )
    };
    if got == 0 {
        return Err(refused("ask for a volume's filesystem"));
    }
    let len = name.iter().position(|unit| *unit == 0).unwrap_or(ROOM);
    let medium = match drive {
        DRIVE_REMOTE => Medium::Network,
        DRIVE_RAMDISK => Medium::Memory,
        _ => Medium::Disk,
    };
    Ok(Filesystem { name: String::from_utf16_lossy(&name[..len]), medium })
}

/// Handles, sizes and maps have no limits that a process could ask for.
pub(super) fn limits() -> Limits {
    Limits::default()
}

pub(super) fn container(_root: &Path) -> Option<String> {
    None
}

pub(super) fn removes_ipc(_root: &Path, _uid: u32, _user: Option<&str>) -> RemoveIpc {
    RemoveIpc::NoSystemd
}

pub(super) fn kernel() -> Kernel {
    let size = size_of::<OSVERSIONINFOW>() as u32;
    let mut found = OSVERSIONINFOW { dwOSVersionInfoSize: size, ..Default::default() };
    // SAFETY: the struct is ours and says how long it is.
    let _always = unsafe { RtlGetVersion(&raw mut found) };
    let OSVERSIONINFOW { dwMajorVersion, dwMinorVersion, dwBuildNumber, .. } = found;
    let release = format!("Windows {dwMajorVersion}.{dwMinorVersion}.{dwBuildNumber}");
    Kernel { release, waits_on_many: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_can_be_looked_at() {
        let found = filesystem(&std::env::temp_dir()).expect("a filesystem");
        assert!(!found.name.is_empty(), "{found:?}");
        assert!(kernel().release.starts_with("Windows "), "{}", kernel().release);
    }
}

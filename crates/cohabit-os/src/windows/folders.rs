//! Folders: made with their rights in one step, and who may use them.
//!
//! What a filesystem does not keep of an object's own folder (FAT keeps nothing, that of Wine no group) stands in a
//! file in it, the *note*: permission bits, and the group's identifier. Who may write the folder may write the note
//! too, and could as well put another object in the folder. Where the filesystem keeps lists there is none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use windows_sys::Win32::Storage::FileSystem::{
    CreateDirectoryW, READ_CONTROL, WRITE_DAC, WRITE_OWNER,
};

use super::disk::opening;
use super::rights::{self, Descriptor, Found, Kind};
use super::{names, sid, wide_path};
use crate::error::{Error, Result};
use crate::mapping::Rights;

/// The name of the note.
pub(crate) const NOTE: &str = ".cohabit.rights";
/// Permission bits, without the sticky one.
const MODE: u32 = 0o777;

/// Makes a folder. False: something stands there.
pub(crate) fn make(path: &Path, rights: Rights) -> Result<bool> {
    let (name, descriptor) = (wide_path(path), Descriptor::of_folder(rights)?);
    // SAFETY: the descriptor and the name live for the call.
    if unsafe { CreateDirectoryW(name.as_ptr(), descriptor.attributes()) } == 0 {
        return match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            error => Err(Error::new("make a folder", error)),
        };
    }
    let given = give(path, rights, &descriptor);
    if given.is_err() {
        let _ours_and_empty = fs::remove_dir(path);
    }
    given.map(|()| true)
}

/// Gives a new folder what its filesystem left out of its rights: until then it lets in fewer.
fn give(path: &Path, rights: Rights, by: &Descriptor) -> Result<()> {
    let has_them = || rights_of(path).map(|found| is(found.rights, rights));
    if has_them()? {
        return Ok(());
    }
    // Wine's filesystem leaves out what its umask forbids, the first time.
    let folder = opening(READ_CONTROL | WRITE_DAC | WRITE_OWNER).open(path);
    let folder = folder.map_err(|error| Error::new("open the folder", error))?;
    rights::set(&folder, rights, by)?;
    drop(folder);
    if has_them()? {
        return Ok(());
    }
    if names::is_shared(path) {
        let group = rights.group.map(sid::required).transpose()?.unwrap_or_default();
        let noted = fs::write(note(path), format!("{:o} {group}", rights.mode & MODE));
        noted.map_err(|error| Error::new("note who may use a folder", error))?;
        if has_them()? {
            return Ok(());
        }
        let _ours = fs::remove_file(note(path));
    }
    Err(Error::unsupported("give a folder rights that its filesystem keeps"))
}

/// Whether these are the same rights: who the group is does not matter where it may do what all may.
fn is(found: Rights, wanted: Rights) -> bool {
    let is_told_apart = wanted.mode >> 3 & 0o7 != wanted.mode & 0o7;
    found.mode & MODE == wanted.mode & MODE && (!is_told_apart || found.group == wanted.group)
}

/// Whose a folder is, and who may use it.
pub(crate) fn rights_of(path: &Path) -> Result<Found> {
    let folder = opening(READ_CONTROL).open(path);
    let folder = folder.map_err(|error| Error::new("open the folder", error))?;
    let found = rights::of(&folder, Kind::Folder)?;
    match found.rights.group {
        None if names::is_shared(path) => {
            Ok(Found { rights: noted(path).unwrap_or(found.rights), ..found })
        }
        _ => Ok(found),
    }
}

/// What the note says, if there is one.
fn noted(path: &Path) -> Option<Rights> {
    let text = fs::read_to_string(note(path)).ok()?;
    let (mode, group) = text.split_once(' ')?;
    let mode = u32::from_str_radix(mode, 8).ok().filter(|mode| mode & !MODE == 0)?;
    let group = group.starts_with("S-1-").then(|| sid::number(group));
    Some(Rights { mode, group })
}

fn note(path: &Path) -> PathBuf {
    path.join(NOTE)
}

/// Takes a folder away in which nothing is, or nothing but the note. One with anything else in it stays.
pub(crate) fn remove_empty(path: &Path) {
    tidy(path);
    let _ = fs::remove_dir(path);
}

/// Takes the note away if nothing else is in the folder: so that the folder can go.
pub(crate) fn tidy(path: &Path) {
    let names = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.file_name());
    if names.eq([NOTE]) {
        let _ = fs::remove_file(note(path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_the_rights_that_it_was_given() {
        let root = std::env::temp_dir().join(format!("cohabit-folders-{}", std::process::id()));
        let _left = fs::remove_dir_all(&root);
        fs::create_dir(&root).expect("a folder");
        let group = Some(sid::number("S-1-5-32-545"));
        for (mode, group) in [
            (0o700, None),
            (0o755, None),
            (0o777, None),
            (0o770, group),
            (0o775, group),
            (0o750, group),
        ] {
            let path = root.join("cohabit.x");
            let rights = Rights { mode, group };
            assert!(make(&path, rights).expect("made"));
            assert!(!make(&path, rights).expect("an answer"), "it is there");
            let found = rights_of(&path).expect("an answer");
            assert!(is(found.rights, rights), "{mode:o}: {found:?}");
            assert_eq!(found.owner, sid::number(sid::own().expect("a user")));
            tidy(&path);
            fs::remove_dir(&path).expect("it is empty");
        }
        // What others could have written into it is not taken for more than rights.
        let path = root.join("cohabit.x");
        assert!(make(&path, Rights { mode: 0o700, group: None }).expect("made"));
        for lie in ["", "777", "7777 S-1-5-32-545", "x S-1-5-32-545", "-1 "] {
            fs::write(note(&path), lie).expect("written");
            assert_eq!(rights_of(&path).expect("an answer").rights.mode, 0o700, "{lie:?}");
        }
        fs::remove_dir_all(&root).expect("the test's folder");
    }
}

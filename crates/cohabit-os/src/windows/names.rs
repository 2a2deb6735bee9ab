//! How objects stand in the names of the kernel, and which object a path means.
//!
//! Sections cannot be renamed, and a name that is given at the making would be seen before the object is
//! whole. So an object is a section under a number that nobody else has, and a *record*, which is a
//! small section too, says which number a path means. Both are the page file's, kept by those who have a
//! handle, and gone with the last one.
//!
//! 1. A record is one word: the number of its object, or 0 where the path means nothing. It goes from 0,
//!    or from the number of an object that is no more, to that of a new one by one exchange, and from the
//!    number of its object to 0 by one exchange: so of many who publish one wins, a process that is killed
//!    leaves nothing half done, and a handle that somebody still has keeps no name from its next object.
//! 2. Numbers are random, and never used again: that no section has one proves that its object is gone.
//! 3. A path is known by its folder, as the system resolves it, without regard to case, and its last part.

use std::fs;
use std::io;
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, ERROR_FILE_NOT_FOUND, ERROR_INVALID_HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::READ_CONTROL;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile,
    OpenFileMappingW, PAGE_READWRITE, SEC_COMMIT, UnmapViewOfFile,
};

use super::rights::{self, Descriptor, Kind};
use super::{disk, folders, last_error, owned, refused, refused_by, sid, wide};
use crate::error::{Error, Result};
use crate::mapping::{Access, Rights};

/// Which object: in the names of the session or of the machine, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) is_global: bool,
    pub(crate) id: u64,
}

impl Key {
    /// The name of the object, or of something of it.
    pub(crate) fn name(self, part: &str) -> String {
        format!("{}cohabit-{:016x}{part}", space(self.is_global), self.id)
    }
}

fn space(is_global: bool) -> &'static str {
    if is_global { r"Global\" } else { r"Local\" }
}

/// What objects of several users have as the beginning of their folders' names.
const SHARED: &str = "cohabit.";

/// The folder of a path and the path's last part, as a name in the kernel, and whether it is the machine's.
fn record_name(path: &Path) -> Result<(bool, String)> {
    let refuse = |error| Error::new("open the folder", error);
    let is_directory = || refuse(io::ErrorKind::IsADirectory.into());
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(is_directory)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // A link in the folder's place is none: what is done in it would be done elsewhere.
    if !fs::symlink_metadata(folder).map_err(refuse)?.is_dir() {
        return Err(refuse(io::ErrorKind::NotFound.into()));
    }
    let folder = fs::canonicalize(folder).map_err(refuse)?;
    let is_global = is_shared(&folder);
    let mut which = folder.to_string_lossy().to_lowercase();
    if is_global {
        // One that is made anew, with other rights, has names of its own.
        let id = disk::id_at(&folder).ok_or_else(|| refuse(io::ErrorKind::NotFound.into()))?;
        which += &format!("|{:x}.{:x}", id.device, id.inode);
    }
    let hash = which.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let name = name.to_lowercase();
    Ok((is_global, format!("{}cohabit.{hash:016x}.{name}", space(is_global))))
}

/// Whether it is the folder of an object that several users share.
pub(crate) fn is_shared(folder: &Path) -> bool {
    folder.file_name().and_then(|last| last.to_str()).is_some_and(|last| last.starts_with(SHARED))
}

/// Whether objects in this folder are the machine's.
pub(crate) fn is_global(folder: &Path) -> Result<bool> {
    record_name(&folder.join("x")).map(|(is_global, _)| is_global)
}

/// A record, open in this process.
#[derive(Debug)]
pub(crate) struct Record {
    _section: OwnedHandle,
    view: NonNull<u8>,
    is_global: bool,
}

// SAFETY: the view is the record's own, is only touched as one atomic, and stays until it is dropped.
unsafe impl Send for Record {}
// SAFETY: as for Send.
unsafe impl Sync for Record {}

impl Record {
    /// The record of a path, which the caller may be the first to need.
    pub(crate) fn open_or_make(path: &Path, rights: Rights) -> Result<Record> {
        let (is_global, name) = record_name(path)?;
        let (section, is_new) = make_section(&name, size_of::<u64>() as u64, rights)?;
        if !is_new && !is_believed(&section, path, is_global)? {
            let refused =
                io::Error::new(io::ErrorKind::PermissionDenied, "another user has the name");
            return Err(Error::new("open the name's record", refused));
        }
        Record::of(section, Access::ReadWrite, is_global)
    }

    /// The record of a path. `None`: nobody has one. A stranger's is nobody's.
    pub(crate) fn open(path: &Path, access: Access) -> Result<Option<Record>> {
        let (is_global, name) = record_name(path)?;
        let Some(section) = open_section(&name, access)? else { return Ok(None) };
        if !is_believed(&section, path, is_global)? {
            return Ok(None);
        }
        Record::of(section, access, is_global).map(Some)
    }

    fn of(section: OwnedHandle, access: Access, is_global: bool) -> Result<Record> {
        // A view shows whole pages, so there is a word even where somebody made less.
        let view = view_of(&section, size_of::<u64>(), access)?;
        Ok(Record { _section: section, view, is_global })
    }

    fn word(&self) -> &AtomicU64 {
        // SAFETY: the view begins at a page, shows one, lives as long as `self`, and everybody uses its
        // first word as an atomic only. Those who may only read do no more than load it.
        unsafe { AtomicU64::from_ptr(self.view.as_ptr().cast()) }
    }

    /// The object that the path means now, if it means one that is there.
    pub(crate) fn object(&self) -> Option<Key> {
        // Acquire: pairs with the exchange in `set`.
        let id = self.word().load(Acquire);
        (id != 0).then_some(Key { is_global: self.is_global, id })
    }

    /// Lets the path mean this object. False: it means another one, which is there.
    pub(crate) fn set(&self, key: Key) -> Result<bool> {
        loop {
            let found = self.object();
            if let Some(other) = found
                && open_section(&other.name(""), Access::ReadOnly)
                    .map_or(true, |found| found.is_some())
            {
                return Ok(false);
            }
            let old = found.map_or(0, |key| key.id);
            // AcqRel: pairs with the load in `object`: what the object's maker wrote comes first.
            if self.word().compare_exchange(old, key.id, AcqRel, Acquire).is_ok() {
                return Ok(true);
            }
        }
    }

    /// Lets the path mean nothing, if it means this object.
    pub(crate) fn clear(&self, key: Key) -> bool {
        // AcqRel: pairs with the load in `object`: what was done to the object before its end is seen.
        self.word().compare_exchange(key.id, 0, AcqRel, Acquire).is_ok()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // SAFETY: the view of `Record::of`, which nobody uses any more.
        unsafe { unview(self.view) }
    }
}

/// Whether a record belongs to this user, to whom everybody has to trust, or, among those of all sessions, to the owner
/// of the object's folder. Nobody else is believed, may he write there or not: a name in the kernel takes no right on a
/// folder.
fn is_believed(section: &OwnedHandle, path: &Path, is_global: bool) -> Result<bool> {
    let owner = rights::of(section, Kind::Section)?.owner;
    if owner == 0 || owner == sid::number(sid::own()?) {
        return Ok(true);
    }
    let folder = path.parent().filter(|_| is_global);
    folder.map_or(Ok(false), |folder| Ok(folders::rights_of(folder)?.owner == owner))
}

/// Whether others believe this process's user what is in the names of all sessions for this folder.
pub(crate) fn is_believed_in(folder: &Path) -> Result<bool> {
    let me = sid::number(sid::own()?);
    Ok(me == 0 || folders::rights_of(folder)?.owner == me)
}

/// Makes a section of the page file, or opens the one of this name; and whether it was made.
pub(crate) fn make_section(name: &str, size: u64, rights: Rights) -> Result<(OwnedHandle, bool)> {
    let step = "make a section";
    let (name, descriptor) = (wide(name), Descriptor::of(rights)?);
    let protection = PAGE_READWRITE | SEC_COMMIT;
    // SAFETY: the descriptor and the name live for the call; the constant stands for the page file.
    let made = unsafe {
        CreateFileMappingW(
            INVALID_HANDLE_VALUE,
            descriptor.attributes(),
            protection,
            (size >> 32) as u32,
            size as u32,
            name.as_ptr(),
        )
    };
    // The call says by it that the section was there, also where it succeeds.
    let code = last_error();
    // SAFETY: null, or a handle that nobody else has.
    match unsafe { owned(made) } {
        Some(section) => Ok((section, code != ERROR_ALREADY_EXISTS)),
        None if code == ERROR_INVALID_HANDLE => Err(other_kind()),
        None => Err(refused_by(step, code)),
    }
}

/// Opens the section of this name, if there is one.
pub(crate) fn open_section(name: &str, access: Access) -> Result<Option<OwnedHandle>> {
    let name = wide(name);
    let wanted = view_access(access) | READ_CONTROL;
    // SAFETY: the name ends with zero and lives for the call.
    let opened = unsafe { OpenFileMappingW(wanted, 0, name.as_ptr()) };
    if !opened.is_null() {
        // SAFETY: a handle that nobody else has.
        return Ok(unsafe { owned(opened) });
    }
    match last_error() {
        ERROR_FILE_NOT_FOUND => Ok(None),
        ERROR_INVALID_HANDLE => Err(other_kind()),
        code => Err(refused_by("open a section", code)),
    }
}

/// All kinds of named objects share their names.
#[cold]
fn other_kind() -> Error {
    let what = "an object of another kind has the name: an event, a mutex, a semaphore or a timer";
    Error::new("open a section", io::Error::other(what))
}

/// Maps the first `len` bytes.
pub(crate) fn view_of(section: &OwnedHandle, len: usize, access: Access) -> Result<NonNull<u8>> {
    // SAFETY: the handle is open; the system chooses pages that nothing else uses.
    let view = unsafe { MapViewOfFile(section.as_raw_handle(), view_access(access), 0, 0, len) };
    NonNull::new(view.Value.cast()).ok_or_else(|| refused("map a section"))
}

fn view_access(access: Access) -> u32 {
    match access {
        Access::ReadOnly => FILE_MAP_READ,
        Access::ReadWrite => FILE_MAP_READ | FILE_MAP_WRITE,
    }
}

/// Gives a view back.
///
/// # Safety
/// `view` is what `view_of` returned, was not given back before, and nobody uses it after.
pub(crate) unsafe fn unview(view: NonNull<u8>) {
    let address = MEMORY_MAPPED_VIEW_ADDRESS { Value: view.as_ptr().cast() };
    // SAFETY: the caller's contract.
    let given_back = unsafe { UnmapViewOfFile(address) };
    debug_assert!(given_back != 0, "giving a view of ours back");
}

/// The name under which a word of an object is waited for.
pub(crate) fn bell_name(key: Key, offset: usize, bell: &str) -> Vec<u16> {
    wide(&key.name(&format!("-w{offset:x}-{bell}")))
}

/// The name of the marker that says that a byte is held.
pub(crate) fn held_name(key: Key, offset: u64) -> String {
    key.name(&format!("-h{offset:x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_another_kind_is_said_to_be_one() {
        use std::ptr;
        use windows_sys::Win32::System::Threading::CreateEventW;
        let name = format!(r"Local\cohabit-test-kind-{}", std::process::id());
        let text = wide(&name);
        // SAFETY: the name ends with zero; null stands for the usual rights.
        let event = unsafe { CreateEventW(ptr::null(), 1, 0, text.as_ptr()) };
        // SAFETY: a handle that nobody else has.
        let _event = unsafe { owned(event) }.expect("an event");
        for refused in [
            make_section(&name, 8, rights::OWN).map(drop),
            open_section(&name, Access::ReadOnly).map(drop),
        ] {
            let text = refused.expect_err("an event has the name").to_string();
            assert!(text.contains("another kind"), "{text}");
        }
    }

    #[test]
    fn a_folder_and_a_link_to_it_are_not_one() {
        let here = std::env::temp_dir();
        let one = record_name(&here.join("a")).expect("a name").1;
        assert_eq!(record_name(&here.join("A")).expect("a name").1, one);
        assert_ne!(record_name(&here.join("b")).expect("a name").1, one);
        assert!(record_name(&here.join("no such folder").join("a")).is_err());
        assert!(one.starts_with(r"Local\cohabit."), "{one}");
    }

    /// A section that belongs to a user whom nobody knows, and that lets everybody in.
    fn strangers(name: &str, word: u64) -> OwnedHandle {
        let text = "O:S-1-5-21-1-2-3-4711D:(A;;GA;;;WD)";
        let (name, descriptor) = (wide(name), Descriptor::parse(text).expect("a descriptor"));
        let (attributes, kind) = (descriptor.attributes(), PAGE_READWRITE);
        // SAFETY: the descriptor and the name live for the call; the constant stands for the page file.
        let made = unsafe {
            CreateFileMappingW(INVALID_HANDLE_VALUE, attributes, kind, 0, 4096, name.as_ptr())
        };
        // SAFETY: null, or a handle that nobody else has.
        let section = unsafe { owned(made) }.expect("a stranger's section");
        let view = view_of(&section, 8, Access::ReadWrite).expect("a view");
        // SAFETY: the view begins at a page, and everybody uses its first word as an atomic only.
        unsafe { AtomicU64::from_ptr(view.as_ptr().cast()) }
            .store(word, std::sync::atomic::Ordering::Relaxed);
        // SAFETY: the view of above, which nobody uses any more.
        unsafe { unview(view) };
        section
    }

    #[test]
    fn a_strangers_record_is_nobodys() {
        let here = std::env::temp_dir().join(format!("cohabit-test-names-{}", std::process::id()));
        for last in ["own", "cohabit.shared"] {
            let folder = here.join(last);
            fs::create_dir_all(&folder).expect("a folder");
            let path = folder.join("x");
            let (_, name) = record_name(&path).expect("a name");
            let _section = strangers(&name, 0x1234_0000);
            assert!(Record::open(&path, Access::ReadOnly).expect("an answer").is_none(), "{name}");
            let text = Record::open_or_make(&path, rights::OWN).expect_err("taken").to_string();
            assert!(text.contains("another user has the name"), "{text}");
        }
        fs::remove_dir_all(here).expect("removed");
    }

    #[test]
    fn a_folder_is_one_whoever_has_its_name() {
        use crate::mapping::{FileKind, status_of};
        let folder = std::env::temp_dir().join(format!("cohabit-test-fold-{}", std::process::id()));
        fs::create_dir(&folder).expect("a folder");
        let id = 0x1234_5678_0000_0000;
        let _object = strangers(&Key { is_global: false, id }.name(""), 0);
        let (_, name) = record_name(&folder).expect("a name");
        let _record = make_section(&name, 8, rights::OWN).expect("a record");
        let record = Record::open(&folder, Access::ReadWrite).expect("an answer").expect("ours");
        assert!(record.set(Key { is_global: false, id }).expect("an answer"));
        assert_eq!(status_of(&folder).expect("a status").kind, FileKind::Directory);
        fs::remove_dir(&folder).expect("removed");
    }

    #[test]
    fn a_folder_that_is_made_anew_has_names_of_its_own() {
        let folder = std::env::temp_dir().join(format!("cohabit.test-{}", std::process::id()));
        let name = || {
            fs::create_dir(&folder).expect("a folder");
            record_name(&folder.join("x")).expect("a name").1
        };
        let before = name();
        let kept = folder.with_extension("before");
        fs::rename(&folder, &kept).expect("moved");
        assert_ne!(name(), before);
        for folder in [&folder, &kept] {
            fs::remove_dir(folder).expect("removed");
        }
    }
}

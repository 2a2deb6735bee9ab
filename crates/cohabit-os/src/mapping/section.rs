//! What is called a file on Windows: a section, of the page file or of a file on a disk, and its name.
//!
//! A section of the page file is as long as whole pages. What an object's length is beyond them stands in its
//! number, which nobody can change: the low 12 bits, and one bit for an object without a byte. One more says that it
//! never has a name.
//!
//! What is to last is a file (`windows/disk.rs`), which is not empty and stands where the index's would: so a name
//! that is a file is one, and any other is what its record says. Who publishes looks at both. One in memory has
//! its record first and then meets the file; a file looks for the record before and after it moves to its name. Of
//! two at once one sees the other, or both do; then both give way, and whoever wanted the name comes again.

use std::fs;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use windows_sys::Wdk::Foundation::{NtQueryObject, ObjectBasicInformation};
use windows_sys::Win32::Foundation::{MAX_PATH, UNICODE_STRING};
use windows_sys::Win32::System::Memory::{
    FILE_MAP_READ, FILE_MAP_WRITE, MEM_COMMIT, MEMORY_BASIC_INFORMATION, VirtualQuery,
};
use windows_sys::Win32::System::RemoteDesktop::ProcessIdToSessionId;

use super::{Access, FileId, Lasts, Rights};
use crate::error::{Cause, Error, Result};
use crate::health::{self, Medium};
use crate::process::random;
use crate::windows::disk::{self, DiskFile};
use crate::windows::names::{self, Key, Record, make_section, open_section, unview, view_of};
use crate::windows::rights::{self, Descriptor, Kind};
use crate::windows::{privilege, refused};

/// The size of a page on every Windows that there is.
pub(super) const PAGE: u64 = 4096;
/// In an object's number: it has no byte, though its section has a page.
const EMPTY: u64 = PAGE;
/// In an object's number: it never has a name.
const NAMELESS: u64 = PAGE << 1;
/// How often a number is thrown again that somebody has.
const TRIES: usize = 100;

/// A section, with what belongs to it in this process.
#[derive(Debug)]
pub(crate) struct Handle {
    // Before the file, which cannot be deleted while it has a section.
    section: OwnedHandle,
    key: Key,
    size: u64,
    found: Mutex<rights::Found>,
    store: Store,
    /// Whether it came from somebody else, who does not say by which name.
    is_adopted: bool,
    /// The life byte, while this description holds it.
    pub(crate) life: Mutex<Option<OwnedHandle>>,
}

/// Where an object's bytes are, and the name that it was opened by or got.
#[derive(Debug)]
enum Store {
    /// In the page file; what says which object the name means.
    Memory(OnceLock<Arc<Record>>),
    /// In a file on a disk.
    Disk(Arc<DiskFile>, OnceLock<PathBuf>),
}

impl Handle {
    /// What is in memory under this number, and the record of the name that it was found by.
    pub(super) fn new(section: OwnedHandle, key: Key, name: Option<Arc<Record>>) -> Result<Handle> {
        let size = length_of(&section, key)?;
        let found = Mutex::new(rights::of(&section, Kind::Section)?);
        let store = Store::Memory(name.map_or_else(OnceLock::new, OnceLock::from));
        Ok(Handle { section, key, size, found, store, is_adopted: false, life: Mutex::default() })
    }

    /// What is in a file, and the name that it was found by.
    pub(super) fn on_disk(file: DiskFile, access: Access, name: Option<&Path>) -> Result<Handle> {
        let size = disk::look(&file)?.size;
        let found = Mutex::new(rights::of(&file, Kind::File)?);
        let (section, key) = (file.section(access)?, file.key());
        let name = name.map_or_else(OnceLock::new, |name| OnceLock::from(name.to_owned()));
        let store = Store::Disk(Arc::new(file), name);
        Ok(Handle { section, key, size, found, store, is_adopted: false, life: Mutex::default() })
    }

    /// The file, if it is in one.
    pub(super) fn file(&self) -> Option<&Arc<DiskFile>> {
        match &self.store {
            Store::Memory(_) => None,
            Store::Disk(file, _) => Some(file),
        }
    }

    /// Which file it is, as others are told.
    pub(super) fn id(&self) -> FileId {
        let memory = || FileId { device: 1 + u64::from(self.key.is_global), inode: self.key.id };
        self.file().map_or_else(memory, |file| file.id())
    }

    /// Whether the name that it has in this process means it now; or has one, where this process does not know it.
    pub(super) fn is_named(&self) -> bool {
        match &self.store {
            Store::Memory(_) if self.is_adopted => self.key.id & NAMELESS == 0,
            Store::Memory(name) => name.get().is_some_and(|name| name.object() == Some(self.key)),
            Store::Disk(file, name) => {
                name.get().is_some_and(|name| disk::id_at(name) == Some(file.id()))
            }
        }
    }

    pub(crate) fn key(&self) -> Key {
        self.key
    }

    pub(crate) fn section(&self) -> &OwnedHandle {
        &self.section
    }

    /// How many bytes it has.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The same through another handle.
    pub(super) fn again(&self, access: Access) -> Result<Handle> {
        match &self.store {
            Store::Disk(file, name) => {
                Handle::on_disk(file.again(access)?, access, name.get().map(PathBuf::as_path))
            }
            Store::Memory(name) => {
                let gone = || Error::new("reopen", io::ErrorKind::NotFound.into());
                let section = open_section(&self.key.name(""), access)?.ok_or_else(gone)?;
                Handle::new(section, self.key, name.get().cloned())
            }
        }
    }

    /// Gives it other rights.
    pub(super) fn grant(&self, rights: Rights) -> Result<()> {
        let descriptor = Descriptor::of(rights)?;
        match &self.store {
            Store::Disk(file, _) => rights::set(&**file, rights, &descriptor)?,
            Store::Memory(_) => rights::set(&self.section, rights, &descriptor)?,
        }
        self.found.lock().unwrap_or_else(PoisonError::into_inner).rights = rights;
        Ok(())
    }

    /// Another handle's section, which is one of ours by its name.
    pub(crate) fn adopt(section: OwnedHandle) -> Result<Handle> {
        let what = "use a handle of something else";
        let refuse = || Error::new(what, io::ErrorKind::InvalidInput.into());
        let key = key_of(&section).ok_or_else(refuse)?;
        Ok(Handle { is_adopted: true, ..Handle::new(section, key, None)? })
    }

    /// What a handle of a section allows: reading, writing.
    pub(crate) fn allows(&self) -> Result<(bool, bool)> {
        // Attributes, and the rights that were granted; the rest counts.
        let mut found = [0_u32; 14];
        let size = size_of_val(&found) as u32;
        // SAFETY: the handle is open, and the room is ours and as long as is said.
        let status = unsafe {
            NtQueryObject(
                self.section.as_handle().as_raw_handle(),
                ObjectBasicInformation,
                found.as_mut_ptr().cast(),
                size,
                std::ptr::null_mut(),
            )
        };
        if status != 0 {
            return Err(Error::unsupported("ask what a handle allows"));
        }
        let may = |bit: u32| found[1] & bit != 0;
        Ok((may(FILE_MAP_READ), may(FILE_MAP_WRITE)))
    }

    /// Whose it is, and who may use it.
    pub(super) fn found(&self) -> rights::Found {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long an object is, from its section's pages and its number.
fn length_of(section: &OwnedHandle, key: Key) -> Result<u64> {
    if key.id & EMPTY != 0 {
        return Ok(0);
    }
    let view = view_of(section, 0, Access::ReadOnly)?;
    let mut found = MEMORY_BASIC_INFORMATION::default();
    // SAFETY: the call looks at the address and writes the struct, which is ours.
    let got = unsafe { VirtualQuery(view.as_ptr().cast(), &raw mut found, size_of_val(&found)) };
    // SAFETY: the view of a few lines above, which nobody else knows.
    unsafe { unview(view) };
    if got == 0 {
        return Err(refused("ask for a section's size"));
    }
    if found.State != MEM_COMMIT {
        // Pages that its maker may give it, or not.
        return Err(Error::new("ask for a section's size", io::ErrorKind::InvalidData.into()));
    }
    let (pages, rest) = (found.RegionSize as u64, key.id % PAGE);
    Ok(if rest == 0 { pages } else { pages.saturating_sub(PAGE - rest) })
}

/// What all sessions of the machine see: memory, or a file where this process may not make such memory, or would
/// not be believed to.
pub(super) fn of_the_machine(folder: &Path, size: u64, rights: Rights) -> Result<Handle> {
    if privilege::may_make_global_sections() && names::is_believed_in(folder)? {
        match in_memory(true, size, rights) {
            // Somebody knows better than the list of this process's privileges.
            Err(error) if error.cause() == Cause::PermissionDenied => {}
            made => return made,
        }
    }
    match health::filesystem(folder)?.medium {
        Medium::Disk | Medium::Memory => in_file(folder, size, rights, Lasts::WhileUsed),
        Medium::Network => Err(neither(folder)),
    }
}

#[cold]
fn neither(folder: &Path) -> Error {
    let text = format!(
        "this process lacks the privilege SeCreateGlobalPrivilege (\"Create global objects\"), which services and \
         administrators have, and {} is on another machine, so that no file there can take the place of memory: \
         let a service make the object, give the account the privilege, or set COHABIT_DIR to a folder of this machine",
        folder.display()
    );
    Error::new(
        "make memory for all sessions",
        io::Error::new(io::ErrorKind::PermissionDenied, text),
    )
}

/// A file in a folder, without a name yet.
pub(super) fn in_file(folder: &Path, size: u64, rights: Rights, lasts: Lasts) -> Result<Handle> {
    // An empty one would be the index's.
    if size == 0 {
        return Err(Error::unsupported("keep a file without a byte"));
    }
    Handle::on_disk(DiskFile::draft(folder, size, rights, lasts)?, Access::ReadWrite, None)
}

/// Memory of the page file, under a new number, which is to have a name.
pub(super) fn in_memory(is_global: bool, size: u64, rights: Rights) -> Result<Handle> {
    numbered(is_global, size, rights, 0)
}

/// Memory of the page file that never has a name.
pub(super) fn nameless(size: u64, rights: Rights) -> Result<Handle> {
    numbered(false, size, rights, NAMELESS)
}

fn numbered(is_global: bool, size: u64, rights: Rights, nameless: u64) -> Result<Handle> {
    for _ in 0..TRIES {
        let mut number = [0; 8];
        random(&mut number)?;
        let random = u64::from_ne_bytes(number) & !(4 * PAGE - 1);
        let id = random | nameless | size % PAGE | if size == 0 { EMPTY } else { 0 };
        let key = Key { is_global, id };
        // Number 0 stands for no object.
        if id != 0
            && let (section, true) = make_section(&key.name(""), size.max(1), rights)?
        {
            return Handle::new(section, key, None);
        }
    }
    Err(Error::new("make a section", io::ErrorKind::AlreadyExists.into()))
}

/// Gives what has no name yet its name.
pub(super) fn publish(handle: &Handle, path: &Path) -> Result<()> {
    let refuse = |kind: io::ErrorKind| Err(Error::new("publish", kind.into()));
    let is_ours = match &handle.store {
        Store::Memory(name) if name.get().is_none() => publish_memory(handle, name, path)?,
        Store::Disk(file, name) if name.get().is_none() => publish_file(file, name, path)?,
        // It had a name once.
        _ => return refuse(io::ErrorKind::NotFound),
    };
    if is_ours { Ok(()) } else { refuse(io::ErrorKind::AlreadyExists) }
}

/// Lets the name's record mean this object, and makes the index's file. False: the name is taken.
fn publish_memory(handle: &Handle, name: &OnceLock<Arc<Record>>, path: &Path) -> Result<bool> {
    let record = Record::open_or_make(path, handle.found().rights)?;
    if !record.set(handle.key)? {
        return Ok(false);
    }
    // Last: who takes the name away takes this away before the name is free for us. Killed before it, the
    // object is there and not listed.
    match fs::File::create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !is_of_index(path) => {
            record.clear(handle.key);
            return Ok(false);
        }
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            record.clear(handle.key);
            return Err(Error::new("make the index's file", error));
        }
        _ => {}
    }
    let _fresh = name.set(Arc::new(record));
    Ok(true)
}

/// Moves a draft to its name. False: the name is taken.
fn publish_file(file: &DiskFile, name: &OnceLock<PathBuf>, path: &Path) -> Result<bool> {
    if is_in_memory(path) {
        return Ok(false);
    }
    // What the index has of an object that is no more is in nobody's way.
    while !file.publish(path)? {
        let is_left = is_of_index(path) && !is_in_memory(path);
        if !is_left || fs::remove_file(path).is_err() {
            return Ok(false);
        }
    }
    if is_in_memory(path) {
        // It was published meanwhile, and had its file of the index, which this took away.
        disk::retire(path, file.id())?;
        let _index = fs::File::create_new(path);
        return Ok(false);
    }
    let _fresh = name.set(path.to_owned());
    Ok(true)
}

/// Whether a path means an object in memory that is there.
fn is_in_memory(path: &Path) -> bool {
    let of =
        |record: Record| open_section(&record.object()?.name(""), Access::ReadOnly).transpose();
    match Record::open(path, Access::ReadOnly) {
        // What may not be opened is there.
        Ok(record) => record.and_then(of).is_some(),
        Err(error) => error.cause() == Cause::PermissionDenied,
    }
}

/// Whether what stands in a folder can be of the index.
pub(super) fn is_of_index(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == 0)
}

/// The object that a section's name says.
fn key_of(section: &OwnedHandle) -> Option<Key> {
    // The length and the address, and behind them the text.
    let mut room = [0_u64; 2 + MAX_PATH as usize / 4];
    let (size, mut used) = (size_of_val(&room) as u32, 0);
    const OBJECT_NAME: i32 = 1;
    // SAFETY: the handle is open, and the room is ours and as long as is said.
    let status = unsafe {
        NtQueryObject(
            section.as_raw_handle(),
            OBJECT_NAME,
            room.as_mut_ptr().cast(),
            size,
            &raw mut used,
        )
    };
    if status != 0 {
        return None;
    }
    // SAFETY: the call wrote this struct at the start of the room, which is aligned for it.
    let name = unsafe { room.as_ptr().cast::<UNICODE_STRING>().read() };
    if name.Buffer.is_null() {
        return None;
    }
    // SAFETY: the text is in the room, and so long.
    let text = unsafe { std::slice::from_raw_parts(name.Buffer, usize::from(name.Length) / 2) };
    let text = String::from_utf16(text).ok()?;
    let (folder, last) = text.rsplit_once('\\')?;
    let id = u64::from_str_radix(last.strip_prefix("cohabit-")?, 16).ok()?;
    Some(Key { is_global: is_global_here(folder)?, id })
}

/// Whether this folder of the kernel's names is that of all sessions, or this one's own. `None`: it is another
/// session's, or a sandbox's, where this process cannot ask who lives.
fn is_global_here(folder: &str) -> Option<bool> {
    let Some(rest) = folder.strip_prefix(r"\Sessions\") else {
        return (folder == r"\BaseNamedObjects").then_some(true);
    };
    let mut session = 0;
    // SAFETY: the number is ours.
    let asked = unsafe { ProcessIdToSessionId(std::process::id(), &raw mut session) };
    let own = format!(r"{session}\BaseNamedObjects");
    (asked != 0 && rest == own).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_have_neither_memory_nor_a_file_is_told_what_to_do() {
        let error = neither(Path::new(r"\\server\share\cohabit.rpm"));
        assert_eq!(error.cause(), Cause::PermissionDenied);
        for word in ["SeCreateGlobalPrivilege", "cohabit.rpm", "service", "COHABIT_DIR"] {
            assert!(error.to_string().contains(word), "{word}: {error}");
        }
    }
}

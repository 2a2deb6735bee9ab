//! Windows: sections of the page file. See CreateFileMapping and "Sharing Files and Memory".
//!
//! What is called a file here is memory of the page file, kept by those who have a handle, and gone with
//! the last one: nothing outlasts its users. A folder is one of the filesystem. In it stands, for each
//! name, an empty file, the *index*, since the kernel does not list its names to everybody; that it is
//! there proves nothing, so [`list`] shows a name only if its object can be opened. Nothing else is
//! believed because of where it stands: whose a section is, and who may use it, the section says itself.
//! So every folder is reported as this user's own.
//!
//! A section is as long as whole pages. What an object's length is beyond them stands in its number, which
//! nobody can change: the low 12 bits, and one bit for an object without a byte.
//!
//! Not here yet: files on a disk (`Keep::OnDisk`). A [`sync`] does what the page file has for it: nothing.

use std::fs;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use windows_sys::Wdk::Foundation::{NtQueryObject, ObjectBasicInformation};
use windows_sys::Win32::Foundation::{ERROR_INVALID_PARAMETER, MAX_PATH, UNICODE_STRING};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, GetFileInformationByHandle,
};
use windows_sys::Win32::System::Diagnostics::Debug::{ReadProcessMemory, WriteProcessMemory};
use windows_sys::Win32::System::Memory::{
    FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_BASIC_INFORMATION, VirtualQuery,
};
use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::{Access, FileId, FileKind, FileStatus, Rights, Space};
use crate::error::{Cause, Error, Result};
use crate::process::{effective_uid, random};
use crate::windows::names::{Key, Record, is_global, make_section, open_section, unview, view_of};
use crate::windows::{maps, refused, refused_by, rights};

/// The size of a page on every Windows that there is.
const PAGE: u64 = 4096;
/// In an object's number: it has no byte, though its section has a page.
const EMPTY: u64 = PAGE;
/// How often a number is thrown again that somebody has.
const TRIES: usize = 100;

/// A section, with what belongs to it in this process.
#[derive(Debug)]
pub(crate) struct Handle {
    section: OwnedHandle,
    key: Key,
    size: u64,
    found: Mutex<rights::Found>,
    /// The record of the name that it was opened by or got.
    name: OnceLock<Arc<Record>>,
    /// The life byte, while this description holds it.
    pub(crate) life: Mutex<Option<OwnedHandle>>,
}

impl Handle {
    fn new(section: OwnedHandle, key: Key, name: Option<Arc<Record>>) -> Result<Handle> {
        let size = length_of(&section, key)?;
        let found = Mutex::new(rights::of(&section)?);
        let cell = OnceLock::new();
        if let Some(name) = name {
            let _fresh = cell.set(name);
        }
        Ok(Handle { section, key, size, found, name: cell, life: Mutex::default() })
    }

    pub(crate) fn key(&self) -> Key {
        self.key
    }

    pub(crate) fn section(&self) -> &OwnedHandle {
        &self.section
    }

    /// Another handle's section, which is one of ours by its name.
    pub(crate) fn adopt(section: OwnedHandle) -> Result<Handle> {
        let refuse = || Error::unsupported("use a handle that is no object's");
        let key = key_of(&section).ok_or_else(refuse)?;
        Handle::new(section, key, None)
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

    fn found(&self) -> rights::Found {
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
    let (pages, rest) = (found.RegionSize as u64, key.id % PAGE);
    Ok(if rest == 0 { pages } else { pages.saturating_sub(PAGE - rest) })
}

/// There are no numbers of standard streams here.
pub(super) fn no_standard_stream(handle: Handle) -> Result<Handle> {
    Ok(handle)
}

pub(super) fn unnamed(folder: &Path, size: u64, mode: u32) -> Result<Handle> {
    fresh(is_global(folder)?, size, mode)
}

pub(super) fn anonymous(size: u64, mode: u32) -> Result<Handle> {
    fresh(false, size, mode)
}

fn fresh(is_global: bool, size: u64, mode: u32) -> Result<Handle> {
    let rights = Rights { mode, group: None };
    for _ in 0..TRIES {
        let mut number = [0; 8];
        random(&mut number)?;
        let random = u64::from_ne_bytes(number) & !(2 * PAGE - 1);
        let id = random | size % PAGE | if size == 0 { EMPTY } else { 0 };
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

pub(super) fn open(path: &Path, access: Access) -> Result<Handle> {
    let nothing = || match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Error::new("open", io::ErrorKind::IsADirectory.into()),
        _ => Error::new("open", io::ErrorKind::NotFound.into()),
    };
    let record = Record::open(path, access)?.ok_or_else(nothing)?;
    let key = record.object().ok_or_else(nothing)?;
    let section = open_section(&key.name(""), access)?.ok_or_else(nothing)?;
    Handle::new(section, key, Some(Arc::new(record)))
}

pub(super) fn publish(handle: &Handle, path: &Path) -> Result<()> {
    let step = "publish";
    if handle.name.get().is_some() {
        return Err(Error::new(step, io::ErrorKind::NotFound.into()));
    }
    let record = Record::open_or_make(path, handle.found().rights)?;
    if !record.set(handle.key)? {
        return Err(Error::new(step, io::ErrorKind::AlreadyExists.into()));
    }
    let _fresh = handle.name.set(Arc::new(record));
    // Last: who takes the name away takes this away before the name is free for us. Killed before it, the
    // object is there and not listed.
    let index = fs::OpenOptions::new().write(true).create(true).truncate(false).open(path);
    index.map(drop).map_err(|error| Error::new("make the index's file", error))
}

pub(crate) fn grant(handle: &Handle, rights: Rights) -> Result<()> {
    rights::set(&handle.section, rights)?;
    handle.found.lock().unwrap_or_else(PoisonError::into_inner).rights = rights;
    Ok(())
}

pub(super) fn write_at(handle: &Handle, bytes: &[u8], offset: u64) -> Result<()> {
    let at = inside(handle, bytes.len(), offset)?;
    if at.len < bytes.len() {
        return Err(refused_by("write into a section", ERROR_INVALID_PARAMETER));
    }
    through_view(handle, Access::ReadWrite, |view| {
        let target = view.as_ptr().wrapping_add(at.start).cast();
        // SAFETY: the call has no precondition.
        let me = unsafe { GetCurrentProcess() };
        // SAFETY: the range is inside of the view, which others may be writing: the system copies, as it
        // does between processes.
        let done = unsafe {
            WriteProcessMemory(me, target, bytes.as_ptr().cast(), bytes.len(), std::ptr::null_mut())
        };
        if done == 0 { Err(refused("write into a section")) } else { Ok(()) }
    })
}

pub(super) fn sync(_handle: &Handle) -> Result<()> {
    Ok(())
}

pub(super) fn reopen(handle: &Handle, access: Access) -> Result<Handle> {
    let section = open_section(&handle.key.name(""), access)?;
    let section = section.ok_or_else(|| Error::new("reopen", io::ErrorKind::NotFound.into()))?;
    Handle::new(section, handle.key, handle.name.get().cloned())
}

pub(super) fn status(handle: &Handle) -> Result<FileStatus> {
    let means_it = |name: &Arc<Record>| name.object() == Some(handle.key);
    let links = handle.name.get().is_some_and(means_it);
    let found = handle.found();
    Ok(FileStatus {
        id: FileId { device: 1 + u64::from(handle.key.is_global), inode: handle.key.id },
        size: handle.size,
        stored: handle.size,
        links: links.into(),
        owner: found.owner,
        group: found.rights.group.unwrap_or(found.owner),
        mode: found.rights.mode,
        kind: FileKind::Regular,
    })
}

pub(super) fn read_at(handle: &Handle, buf: &mut [u8], offset: u64) -> Result<usize> {
    let at = inside(handle, buf.len(), offset)?;
    if at.len == 0 {
        return Ok(0);
    }
    through_view(handle, Access::ReadOnly, |view| {
        let source = view.as_ptr().wrapping_add(at.start).cast_const().cast();
        let mut read = 0;
        // SAFETY: the call has no precondition.
        let me = unsafe { GetCurrentProcess() };
        // SAFETY: as in `write_at`; the buffer is ours and at least so long.
        let done = unsafe {
            ReadProcessMemory(me, source, buf.as_mut_ptr().cast(), at.len, &raw mut read)
        };
        if done == 0 { Err(refused("read from a section")) } else { Ok(read) }
    })
}

/// A range of an object, cut at its end.
struct Range {
    start: usize,
    len: usize,
}

fn inside(handle: &Handle, len: usize, offset: u64) -> Result<Range> {
    let too_far = || refused_by("map a section", ERROR_INVALID_PARAMETER);
    let start = usize::try_from(offset.min(handle.size)).map_err(|_| too_far())?;
    let rest = handle.size - start as u64;
    Ok(Range { start, len: usize::try_from(rest).map_or(len, |rest| rest.min(len)) })
}

/// Calls `act` with a view of all of the object, which is given back after.
fn through_view<T>(
    handle: &Handle,
    access: Access,
    act: impl FnOnce(NonNull<u8>) -> Result<T>,
) -> Result<T> {
    let view = view_of(&handle.section, 0, access)?;
    let done = act(view);
    // SAFETY: the view of the line above, which `act` does not keep.
    unsafe { unview(view) };
    done
}

pub(super) fn map(handle: &Handle, len: usize, access: Access) -> Result<NonNull<u8>> {
    // A length of 0 would be all of it.
    if len == 0 || len as u64 > handle.size.next_multiple_of(PAGE) {
        return Err(refused_by("map a section", ERROR_INVALID_PARAMETER));
    }
    let view = view_of(&handle.section, len, access)?;
    maps::enter(view.as_ptr().addr(), len, handle.key);
    Ok(view)
}

pub(super) fn status_of(path: &Path) -> Result<FileStatus> {
    match open(path, Access::ReadOnly) {
        Ok(handle) => status(&handle),
        Err(error) if matches!(error.cause(), Cause::NotFound | Cause::IsDirectory) => {
            status_in_folder(path)
        }
        Err(error) => Err(error),
    }
}

/// What stands in a folder and is no object.
fn status_in_folder(path: &Path) -> Result<FileStatus> {
    let refuse = |error| Error::new("look at a path", error);
    let found = fs::symlink_metadata(path).map_err(refuse)?;
    let kind = match found.file_type() {
        kind if kind.is_symlink() => FileKind::Symlink,
        kind if kind.is_dir() => FileKind::Directory,
        // The index's file of an object that is no more.
        _ if found.len() == 0 => return Err(refuse(io::ErrorKind::NotFound.into())),
        _ => FileKind::Other,
    };
    let me = effective_uid();
    Ok(FileStatus {
        id: id_in_folder(path).unwrap_or(FileId { device: 0, inode: 0 }),
        size: found.len(),
        stored: found.len(),
        links: 1,
        owner: me,
        group: me,
        mode: 0o700,
        kind,
    })
}

/// Which folder it is, as the filesystem knows it.
fn id_in_folder(path: &Path) -> Option<FileId> {
    use std::os::windows::fs::OpenOptionsExt;
    use windows_sys::Win32::Storage::FileSystem::{
        FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
    };
    let flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
    let file = fs::OpenOptions::new().access_mode(0).custom_flags(flags).open(path).ok()?;
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, and the struct is ours.
    let got = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut found) };
    let inode = u64::from(found.nFileIndexHigh) << 32 | u64::from(found.nFileIndexLow);
    // Beyond the numbers that stand for the kernel's names.
    let device = 3 + u64::from(found.dwVolumeSerialNumber);
    (got != 0).then_some(FileId { device, inode })
}

pub(super) fn retire(path: &Path, id: FileId) -> Result<bool> {
    let record = match Record::open(path, Access::ReadWrite) {
        Ok(Some(record)) => record,
        Ok(None) => return Ok(false),
        Err(error) if matches!(error.cause(), Cause::NotFound | Cause::IsDirectory) => {
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    let Some(key) = record.object().filter(|key| key.id == id.inode) else { return Ok(false) };
    // First: as soon as the name is free, the file may be the next object's.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::new("remove the index's file", error));
        }
        _ => {}
    }
    Ok(record.clear(key))
}

/// Takes away files of the index whose objects are gone.
pub(super) fn tidy(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, is_gone) = (entry.path(), |path: &Path| {
            open(path, Access::ReadOnly).is_err_and(|error| error.cause() == Cause::NotFound)
        });
        let is_of_index = entry.metadata().is_ok_and(|found| found.is_file() && found.len() == 0);
        if is_of_index && is_gone(&path) && fs::remove_file(&path).is_ok() && !is_gone(&path) {
            // Somebody published in between. One that cannot be made is not listed, and no worse.
            let _index = fs::File::create(&path);
        }
    }
}

pub(super) fn remove_empty(folder: &Path) -> Result<bool> {
    use io::ErrorKind::{DirectoryNotEmpty, NotADirectory, NotFound, PermissionDenied};
    match fs::remove_dir(folder) {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            DirectoryNotEmpty | NotADirectory | NotFound | PermissionDenied => Ok(false),
            _ => Err(Error::new("remove a folder", error)),
        },
    }
}

pub(super) fn sync_folder(_folder: &Path) -> Result<()> {
    Ok(())
}

pub(super) fn list(folder: &Path) -> Result<Vec<String>> {
    let refuse = |error| Error::new("read the folder", error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(refuse)? {
        let entry = entry.map_err(refuse)?;
        // What ended meanwhile, or the index's file of what a kill ended, is not there.
        if status_of(&entry.path()).is_ok() {
            names.extend(entry.file_name().into_string());
        }
    }
    Ok(names)
}

/// Room in memory and page file together: a folder has nothing to do with it.
pub(super) fn space(_folder: &Path) -> Result<Space> {
    let size = size_of::<MEMORYSTATUSEX>() as u32;
    let mut found = MEMORYSTATUSEX { dwLength: size, ..Default::default() };
    // SAFETY: the struct is ours and says how long it is.
    match unsafe { GlobalMemoryStatusEx(&raw mut found) } {
        0 => Err(refused("ask for room")),
        _ => Ok(Space { total: found.ullTotalPageFile, free: found.ullAvailPageFile }),
    }
}

/// Writes pages back; pages of the page file are kept nowhere else.
///
/// # Safety
/// `base` is what a call of `map` returned, `len` is at most what it took, and the pages were not given
/// back.
pub(super) unsafe fn sync_pages(_base: NonNull<u8>, _len: usize) -> Result<()> {
    Ok(())
}

/// Gives pages back.
///
/// # Safety
/// `base` and `len` are what one call of `map` took and returned; the pages were not given back
/// before, and nobody uses them after.
pub(super) unsafe fn unmap(base: NonNull<u8>, _len: usize) {
    maps::leave(base.as_ptr().addr());
    // SAFETY: the caller's contract.
    unsafe { unview(base) }
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
    Some(Key { is_global: !folder.starts_with(r"\Sessions\"), id })
}

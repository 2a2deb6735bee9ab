//! Windows: sections of the page file, and of files on a disk. See CreateFileMapping and "Sharing Files and
//! Memory".
//!
//! What need not outlast its users is memory of the page file, kept by those who have a handle, and gone with
//! the last one. A folder is one of the filesystem. In it stands, for each name, an empty file, the *index*,
//! since the kernel does not list its names to everybody; that it is there proves nothing, so [`list`] shows a
//! name only if its object can be opened. Nothing else is believed because of where it stands: whose a section
//! is, and who may use it, the section says itself, as a file and a folder do.
//!
//! An object of several users is memory that all sessions see, which takes a privilege to make and none to open; and
//! it is believed only of the owner of the object's folder and of the system, since who makes a name in the kernel
//! needs no right on any folder. Whoever else makes the object has a file in that folder instead, which proves that he
//! may write there; the system keeps it in memory as far as it can.

use std::fs;
use std::io;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use windows_sys::Win32::Foundation::ERROR_INVALID_PARAMETER;
use windows_sys::Win32::System::Diagnostics::Debug::{ReadProcessMemory, WriteProcessMemory};
use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

pub(crate) use super::section::Handle;
use super::section::{self, PAGE, in_memory, is_of_index};
use super::{Access, FileId, FileKind, FileStatus, Lasts, Rights, Space};
use crate::error::{Cause, Error, Result};
use crate::process::effective_uid;
use crate::windows::disk::{self, DiskFile};
use crate::windows::folders;
use crate::windows::maps::{self, Shown};
use crate::windows::names::{Record, is_global, is_shared, open_section, unview, view_of};
use crate::windows::rights::{Descriptor, Found};
use crate::windows::{refused, refused_by};

/// Permissions of others to list a folder and to find what is in it.
const LISTED_BY_OTHERS: u32 = 0o055;

/// There are no numbers of standard streams here.
pub(super) fn no_standard_stream(handle: Handle) -> Result<Handle> {
    Ok(handle)
}

pub(super) fn unnamed(folder: &Path, size: u64, mode: u32, lasts: Lasts) -> Result<Handle> {
    let rights = Rights { mode, group: None };
    match lasts {
        Lasts::WhileUsed if is_global(folder)? => section::of_the_machine(folder, size, rights),
        Lasts::WhileUsed => in_memory(false, size, rights),
        Lasts::UntilReboot => Err(Error::unsupported("keep memory that nobody uses")),
        Lasts::OnDisk => section::in_file(folder, size, rights, lasts),
    }
}

pub(super) fn anonymous(size: u64, mode: u32) -> Result<Handle> {
    section::nameless(size, Rights { mode, group: None })
}

pub(super) fn open(path: &Path, access: Access) -> Result<Handle> {
    if let Some(file) = DiskFile::open(path, access)? {
        return Handle::on_disk(file, access, Some(path));
    }
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
    section::publish(handle, path)
}

pub(crate) fn grant(handle: &Handle, rights: Rights) -> Result<()> {
    handle.grant(rights)
}

pub(super) fn write_at(handle: &Handle, bytes: &[u8], offset: u64) -> Result<()> {
    let at = inside(handle, bytes.len(), offset)?;
    if bytes.is_empty() {
        return Ok(());
    }
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

/// What is in the page file is kept nowhere else.
pub(super) fn sync(handle: &Handle) -> Result<()> {
    handle.file().map_or(Ok(()), |file| file.sync())
}

pub(super) fn reopen(handle: &Handle, access: Access) -> Result<Handle> {
    handle.again(access)
}

pub(super) fn status(handle: &Handle) -> Result<FileStatus> {
    let found = handle.found();
    Ok(FileStatus {
        id: handle.id(),
        size: handle.size(),
        stored: handle.size(),
        links: handle.is_named().into(),
        owner: found.owner,
        group: found.rights.group.unwrap_or(found.owner),
        mode: found.rights.mode,
        kind: FileKind::Regular,
        in_folder: handle.file().is_some(),
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
    let start = usize::try_from(offset.min(handle.size())).map_err(|_| too_far())?;
    let rest = handle.size() - start as u64;
    Ok(Range { start, len: usize::try_from(rest).map_or(len, |rest| rest.min(len)) })
}

/// Calls `act` with a view of all of the object, which is given back after.
fn through_view<T>(
    handle: &Handle,
    access: Access,
    act: impl FnOnce(NonNull<u8>) -> Result<T>,
) -> Result<T> {
    let view = view_of(handle.section(), 0, access)?;
    let done = act(view);
    // SAFETY: the view of the line above, which `act` does not keep.
    unsafe { unview(view) };
    done
}

pub(super) fn map(handle: &Handle, len: usize, access: Access) -> Result<NonNull<u8>> {
    // A length of 0 would be all of it.
    if len == 0 || len as u64 > handle.size().next_multiple_of(PAGE) {
        return Err(refused_by("map a section", ERROR_INVALID_PARAMETER));
    }
    let view = view_of(handle.section(), len, access)?;
    let bells = Descriptor::of_writers(handle.found()).ok().map(Arc::new);
    let shows = Shown { key: handle.key(), bells, file: handle.file().cloned() };
    maps::enter(view.as_ptr().addr(), len, shows);
    Ok(view)
}

pub(super) fn status_of(path: &Path) -> Result<FileStatus> {
    // First: anybody can give an object of the kernel the name that would be this folder's.
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return status_in_folder(path);
    }
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
    let whose = match kind {
        FileKind::Directory => of_folder(path)?,
        _ => Found { owner: effective_uid(), rights: Rights { mode: 0o700, group: None } },
    };
    Ok(FileStatus {
        id: disk::id_at(path).unwrap_or(FileId { device: 0, inode: 0 }),
        size: found.len(),
        stored: found.len(),
        links: 1,
        owner: whose.owner,
        group: whose.rights.group.unwrap_or(whose.owner),
        mode: whose.rights.mode,
        kind,
        in_folder: true,
    })
}

/// Whose a folder is, and who may use it. That others may list one that is no object's own counts for nothing: they see the
/// names of objects, as the kernel shows them to everybody, and each object says itself who may use it.
fn of_folder(path: &Path) -> Result<Found> {
    let mut found = folders::rights_of(path)?;
    if !is_shared(path) {
        found.rights.mode &= !LISTED_BY_OTHERS;
    }
    Ok(found)
}

pub(super) fn retire(path: &Path, id: FileId) -> Result<bool> {
    if disk::is_file(id) {
        return disk::retire(path, id);
    }
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

/// Takes away files of the index whose objects are gone, and those of objects that killed processes left.
pub(super) fn tidy(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, is_gone) = (entry.path(), |path: &Path| {
            open(path, Access::ReadOnly).is_err_and(|error| error.cause() == Cause::NotFound)
        });
        if let Some(name) = entry.file_name().to_str().filter(|name| disk::is_hidden(name)) {
            disk::tidy(&path, name);
        } else if is_of_index(&path)
            && is_gone(&path)
            && fs::remove_file(&path).is_ok()
            && !is_gone(&path)
        {
            // Somebody published in between. One that cannot be made is not listed, and no worse.
            let _index = fs::File::create(&path);
        }
    }
    folders::tidy(folder);
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

/// The name of a file goes to the disk with it: who syncs the file has synced its name.
pub(super) fn sync_folder(_folder: &Path) -> Result<()> {
    Ok(())
}

pub(super) fn list(folder: &Path) -> Result<Vec<String>> {
    let refuse = |error| Error::new("read the folder", error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(refuse)? {
        let entry = entry.map_err(refuse)?;
        let name = entry.file_name().into_string().ok().filter(|name| !disk::is_hidden(name));
        // What ended meanwhile, or the index's file of what a kill ended, is not there.
        names.extend(name.filter(|_| status_of(&entry.path()).is_ok()));
    }
    Ok(names)
}

/// Of what several users share, it is not known here whether it is memory or a file: the larger of both.
pub(super) fn space(folder: &Path, lasts: Lasts) -> Result<Space> {
    if lasts == Lasts::OnDisk {
        return disk::space(folder);
    }
    let of_memory = memory()?;
    if !is_shared(folder) {
        return Ok(of_memory);
    }
    let of_disk = disk::space(folder)?;
    Ok(if of_disk.total > of_memory.total { of_disk } else { of_memory })
}

/// Room in memory and page file together.
fn memory() -> Result<Space> {
    let size = size_of::<MEMORYSTATUSEX>() as u32;
    let mut found = MEMORYSTATUSEX { dwLength: size, ..Default::default() };
    // SAFETY: the struct is ours and says how long it is.
    match unsafe { GlobalMemoryStatusEx(&raw mut found) } {
        0 => Err(refused("ask for room")),
        _ => Ok(Space { total: found.ullTotalPageFile, free: found.ullAvailPageFile }),
    }
}

/// Writes pages back, if they are of a file.
///
/// # Safety
/// `base` is what a call of `map` returned, `len` is at most what it took, and the pages were not given
/// back.
pub(super) unsafe fn sync_pages(base: NonNull<u8>, len: usize) -> Result<()> {
    let Some(file) = maps::file_of(base.as_ptr().addr()) else { return Ok(()) };
    // SAFETY: the caller's contract.
    unsafe { file.sync_pages(base, len) }
}

/// Gives pages back.
///
/// # Safety
/// `base` and `len` are what one call of `map` took and returned; the pages were not given back
/// before, and nobody uses them after.
pub(super) unsafe fn unmap(base: NonNull<u8>, _len: usize) {
    let file = maps::leave(base.as_ptr().addr());
    // SAFETY: the caller's contract.
    unsafe { unview(base) };
    // After it: a file that lost its name is deleted by who had it mapped last.
    drop(file);
}

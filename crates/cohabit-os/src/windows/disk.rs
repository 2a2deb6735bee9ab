//! Files on a disk that hold objects: whole before they have a name, and out of the way at once when they lose it.
//!
//! Windows deletes no file that somebody has mapped, and every user of an object has. So a file that loses its
//! name is *moved*, to a hidden name that nobody uses again, and deleted by whoever can: its last user of a process
//! when that lets go of it, or [`tidy`] where that one was killed. What others still have open keeps no name.
//!
//! 1. A *draft* has a hidden name of its own and an event of its number, which is there as long as its maker
//!    lives (as in `liveness`): who finds a draft without one takes it away. It moves to its name in one step, which
//!    fails where anything stands there.
//! 2. Every handle shares everything: who moves or deletes a file is stopped by nobody's handle of it.
//! 3. No link is followed in the last part of a path: it is opened itself, and refused.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString, c_void};
use std::fs;
use std::io;
use std::mem::offset_of;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::{Mutex, PoisonError};

use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, ERROR_CANT_RESOLVE_FILENAME, ERROR_FILE_EXISTS, GENERIC_READ,
    GENERIC_WRITE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, CREATE_NEW, CreateFileW, DELETE, FILE_ATTRIBUTE_NORMAL,
    FILE_ATTRIBUTE_REPARSE_POINT, FILE_ATTRIBUTE_TEMPORARY, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_NAME_NORMALIZED, FILE_RENAME_INFO, FILE_SHARE_DELETE,
    FILE_SHARE_READ, FILE_SHARE_WRITE, FileRenameInfo, FlushFileBuffers, GetDiskFreeSpaceExW,
    GetFileInformationByHandle, GetFinalPathNameByHandleW, READ_CONTROL, ReOpenFile,
    SetFileInformationByHandle, WRITE_DAC, WRITE_OWNER,
};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FlushViewOfFile, PAGE_READONLY, PAGE_READWRITE,
};

use super::folders::NOTE;
use super::names::{self, Key};
use super::rights::Descriptor;
use super::{folders, last_error, markers, owned, refused, refused_by, wide_path};
use crate::error::{Error, Result};
use crate::mapping::{Access, FileId, Lasts, Rights, Space};
use crate::process::random;

/// What the names of drafts begin with.
const DRAFT: &str = ".cohabit.draft.";
/// What the names of files begin with that have lost theirs.
const GONE: &str = ".cohabit.gone.";
/// The longest path that is looked for, and its end.
const NAME_ROOM: usize = 1024;
/// Everything is shared (Invariant 2).
const SHARED: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
/// Numbers of files begin beyond those that stand for the kernel's names.
const FIRST_DEVICE: u64 = 3;

/// A file that holds an object, open in this process.
#[derive(Debug)]
pub(crate) struct DiskFile {
    /// Taken in `drop` only.
    file: Option<fs::File>,
    /// Where it was made or opened.
    folder: PathBuf,
    id: FileId,
    draft: Mutex<Option<Draft>>,
}

/// The name that a file has until it is published.
#[derive(Debug)]
struct Draft {
    path: PathBuf,
    /// There as long as its maker lives.
    _marker: OwnedHandle,
}

/// Files that this process has moved out of the way, and where they are.
static MOVED: Mutex<BTreeMap<FileId, PathBuf>> = Mutex::new(BTreeMap::new());

/// What the system says of an open file.
pub(crate) struct Seen {
    pub(crate) id: FileId,
    pub(crate) size: u64,
    is_link: bool,
}

/// Which file it is, of any kind, and how long.
pub(crate) fn look(file: &impl AsHandle) -> Result<Seen> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    let handle = file.as_handle().as_raw_handle();
    // SAFETY: the handle is open, and the struct is ours.
    if unsafe { GetFileInformationByHandle(handle, &raw mut found) } == 0 {
        return Err(refused("look at a file"));
    }
    let inode = u64::from(found.nFileIndexHigh) << 32 | u64::from(found.nFileIndexLow);
    // What a filesystem says of a file whose number has more bits (ReFS).
    if inode == u64::MAX {
        return Err(Error::unsupported("know a file by its number"));
    }
    let device = FIRST_DEVICE + u64::from(found.dwVolumeSerialNumber);
    Ok(Seen {
        id: FileId { device, inode },
        size: u64::from(found.nFileSizeHigh) << 32 | u64::from(found.nFileSizeLow),
        is_link: found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT != 0,
    })
}

/// Whether a file of this number is one on a disk.
pub(crate) fn is_file(id: FileId) -> bool {
    id.device >= FIRST_DEVICE
}

/// Which file or folder a path names, which is no link's target; `None`: that cannot be told.
pub(crate) fn id_at(path: &Path) -> Option<FileId> {
    look(&opening(0).open(path).ok()?).ok().map(|seen| seen.id)
}

/// How much a folder's volume holds, and how much this user may still take.
pub(crate) fn space(folder: &Path) -> Result<Space> {
    let (name, mut space, whatever) =
        (wide_path(folder), Space { total: 0, free: 0 }, ptr::null_mut());
    let (free, total) = (&raw mut space.free, &raw mut space.total);
    // SAFETY: the path ends with zero, and both numbers are ours.
    match unsafe { GetDiskFreeSpaceExW(name.as_ptr(), free, total, whatever) } {
        0 => Err(refused("ask for room on a disk")),
        _ => Ok(space),
    }
}

/// Options that follow no link and share everything.
pub(super) fn opening(access: u32) -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    let flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
    options.access_mode(access).share_mode(SHARED).custom_flags(flags);
    options
}

/// What handles of files that hold objects allow.
fn wanted(access: Access) -> u32 {
    match access {
        Access::ReadOnly => GENERIC_READ | READ_CONTROL,
        Access::ReadWrite => GENERIC_READ | GENERIC_WRITE | READ_CONTROL,
    }
}

impl DiskFile {
    /// A draft of so many bytes. What need not last the system keeps in memory, as long as it has room.
    pub(crate) fn draft(
        folder: &Path,
        size: u64,
        rights: Rights,
        lasts: Lasts,
    ) -> Result<DiskFile> {
        let step = "make a file";
        let mut number = [0; 8];
        random(&mut number)?;
        let number = u64::from_ne_bytes(number);
        let marker = markers::make(&marker_name(number))?;
        let marker = marker.ok_or_else(|| Error::new(step, io::ErrorKind::AlreadyExists.into()))?;
        let path = folder.join(format!("{DRAFT}{number:016x}"));
        let file = create(&path, rights, lasts)?;
        let id = look(&file)?.id;
        let draft = Mutex::new(Some(Draft { path, _marker: marker }));
        let made = DiskFile { file: Some(file), folder: folder.to_owned(), id, draft };
        // All of its room is taken, and zero.
        made.file().set_len(size).map_err(|error| Error::new("reserve a file's room", error))?;
        Ok(made)
    }

    /// Opens what stands there, if it is a file that is not empty: the index's files are.
    pub(crate) fn open(path: &Path, access: Access) -> Result<Option<DiskFile>> {
        let refuse = |error| Error::new("open", error);
        match fs::symlink_metadata(path) {
            Ok(found) if found.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0 => {
                return Err(refused_by("open", ERROR_CANT_RESOLVE_FILENAME));
            }
            Ok(found) if found.is_file() && found.len() > 0 => {}
            _ => return Ok(None),
        }
        let file = match opening(wanted(access)).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(refuse)?,
        };
        let seen = look(&file)?;
        if seen.is_link {
            return Err(refused_by("open", ERROR_CANT_RESOLVE_FILENAME));
        }
        Ok((seen.size > 0).then_some(DiskFile {
            file: Some(file),
            folder: path.parent().unwrap_or(path).to_owned(),
            id: seen.id,
            draft: Mutex::default(),
        }))
    }

    /// The same file through another handle.
    pub(crate) fn again(&self, access: Access) -> Result<DiskFile> {
        let handle = self.file().as_raw_handle();
        // SAFETY: the handle is open.
        let opened = unsafe { ReOpenFile(handle, wanted(access), SHARED, 0) };
        if opened == INVALID_HANDLE_VALUE {
            return Err(refused("reopen"));
        }
        // SAFETY: not the value of a failure, and nobody else's.
        let opened = unsafe { owned(opened) }.ok_or_else(|| refused("reopen"))?;
        Ok(DiskFile {
            file: Some(opened.into()),
            folder: self.folder.clone(),
            id: self.id,
            draft: Mutex::default(),
        })
    }

    fn file(&self) -> &fs::File {
        self.file.as_ref().expect("taken only in drop")
    }

    pub(crate) fn id(&self) -> FileId {
        self.id
    }

    /// By which number the kernel's objects for this file are known, to all sessions of the machine: so processes of
    /// two sessions see each other live. Files on different volumes may have the same number on these.
    pub(crate) fn key(&self) -> Key {
        let bytes = [self.id.device.to_le_bytes(), self.id.inode.to_le_bytes()].concat();
        let id = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Key { is_global: true, id }
    }

    /// All of it, to be mapped.
    pub(crate) fn section(&self, access: Access) -> Result<OwnedHandle> {
        let protection = match access {
            Access::ReadOnly => PAGE_READONLY,
            Access::ReadWrite => PAGE_READWRITE,
        };
        let (whole, no_name) = ((0, 0), ptr::null());
        // SAFETY: the handle is open; without rights of its own and without a name, the call only makes a section.
        let made = unsafe {
            CreateFileMappingW(
                self.file().as_raw_handle(),
                ptr::null(),
                protection,
                whole.0,
                whole.1,
                no_name,
            )
        };
        // SAFETY: null, or a handle that nobody else has.
        unsafe { owned(made) }.ok_or_else(|| refused("make a section of a file"))
    }

    /// Gives a draft its name. False: something stands there.
    pub(crate) fn publish(&self, path: &Path) -> Result<bool> {
        let mut draft = self.draft.lock().unwrap_or_else(PoisonError::into_inner);
        if draft.is_none() {
            return Err(Error::new("publish", io::ErrorKind::NotFound.into()));
        }
        let moved = move_to(self.file(), path)?;
        if moved {
            *draft = None;
        }
        Ok(moved)
    }

    /// Returns once all that was written is on the disk, with the name that it has.
    pub(crate) fn sync(&self) -> Result<()> {
        // SAFETY: the handle is open.
        match unsafe { FlushFileBuffers(self.file().as_raw_handle()) } {
            0 => Err(refused("write a file to the disk")),
            _ => Ok(()),
        }
    }

    /// The same for pages of a view of it.
    ///
    /// # Safety
    /// The range is inside of a view of ours, for the length of the call.
    pub(crate) unsafe fn sync_pages(&self, base: NonNull<u8>, len: usize) -> Result<()> {
        // SAFETY: the caller's contract; nothing of this process changes by it.
        if unsafe { FlushViewOfFile(base.as_ptr().cast(), len) } == 0 {
            return Err(refused("write pages to the disk"));
        }
        // Whoever may only read has written nothing, and is refused.
        self.sync()
    }
}

impl AsHandle for DiskFile {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.file().as_handle()
    }
}

impl Drop for DiskFile {
    /// Deletes what nobody can find any more, and then the object's own folder, if it was the last in it. Where others
    /// still have the file, that is theirs to do.
    fn drop(&mut self) {
        let draft = self.draft.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let mut moved = MOVED.lock().unwrap_or_else(PoisonError::into_inner);
        let known = draft.map(|draft| draft.path).or_else(|| moved.get(&self.id).cloned());
        let path = known.or_else(|| name_of(self.file()).filter(|path| is_gone(path)));
        drop(self.file.take());
        if let Some(path) = path {
            let _deleted = fs::remove_file(&path);
            let is_there = fs::symlink_metadata(&path);
            if is_there.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                moved.remove(&self.id);
            }
        }
        if names::is_shared(&self.folder) {
            folders::remove_empty(&self.folder);
        }
    }
}

/// The name that an open file has now, whoever gave it to it. (Wine's is the one that it was opened by.)
fn name_of(file: &fs::File) -> Option<PathBuf> {
    let mut room = [0_u16; NAME_ROOM];
    // SAFETY: the handle is open, and the room is ours and as long as is said.
    let len = unsafe {
        GetFinalPathNameByHandleW(
            file.as_raw_handle(),
            room.as_mut_ptr(),
            room.len() as u32,
            FILE_NAME_NORMALIZED,
        )
    };
    let name = room.get(..len as usize).filter(|name| !name.is_empty())?;
    Some(OsString::from_wide(name).into())
}

/// Whether it is the name of a file that has lost its own.
fn is_gone(path: &Path) -> bool {
    path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with(GONE))
}

/// Makes a file that was not there, with rights of its own from the beginning.
fn create(path: &Path, rights: Rights, lasts: Lasts) -> Result<fs::File> {
    let (name, descriptor) = (wide_path(path), Descriptor::of(rights)?);
    let access = wanted(Access::ReadWrite) | DELETE | WRITE_DAC | WRITE_OWNER;
    let attributes = match lasts {
        Lasts::WhileUsed => FILE_ATTRIBUTE_TEMPORARY,
        _ => FILE_ATTRIBUTE_NORMAL,
    };
    let no_template = ptr::null_mut();
    // SAFETY: the descriptor and the name live for the call.
    let made = unsafe {
        CreateFileW(
            name.as_ptr(),
            access,
            SHARED,
            descriptor.attributes(),
            CREATE_NEW,
            attributes,
            no_template,
        )
    };
    if made == INVALID_HANDLE_VALUE {
        return Err(refused("make a file"));
    }
    // SAFETY: not the value of a failure, and nobody else's.
    unsafe { owned(made) }.map(fs::File::from).ok_or_else(|| refused("make a file"))
}

/// Moves an open file to a name in its folder that is free. False: it is not.
fn move_to(file: &fs::File, path: &Path) -> Result<bool> {
    let step = "move a file";
    // The system takes a whole path here.
    let path = std::path::absolute(path).map_err(|error| Error::new(step, error))?;
    let name = wide_path(&path);
    let at = offset_of!(FILE_RENAME_INFO, FileName);
    let size = at + size_of_val(name.as_slice());
    let mut room = vec![0_u64; size.max(size_of::<FILE_RENAME_INFO>()).div_ceil(8)];
    let info = room.as_mut_ptr().cast::<FILE_RENAME_INFO>();
    // The zero at the end is not counted.
    let length = (size_of_val(name.as_slice()) - size_of::<u16>()) as u32;
    // SAFETY: the room is ours, zero, aligned for the struct, and at least as long.
    unsafe { (*info).FileNameLength = length };
    let target = room.as_mut_ptr().cast::<u8>().wrapping_add(at).cast::<u16>();
    // SAFETY: behind the struct's other fields there is room for the whole name.
    unsafe { ptr::copy_nonoverlapping(name.as_ptr(), target, name.len()) };
    let (handle, info) = (file.as_raw_handle(), info.cast_const().cast::<c_void>());
    // SAFETY: the handle is open, and the struct and the name behind it are ours and as long as is said.
    if unsafe { SetFileInformationByHandle(handle, FileRenameInfo, info, size as u32) } != 0 {
        return Ok(true);
    }
    match last_error() {
        ERROR_ALREADY_EXISTS | ERROR_FILE_EXISTS => Ok(false),
        code => Err(refused_by(step, code)),
    }
}

/// Takes the name away from a file; `true` if it still was that file's. The file itself goes with its last user.
pub(crate) fn retire(path: &Path, id: FileId) -> Result<bool> {
    let Some(gone) = move_away(path, id)? else { return Ok(false) };
    // Where nobody has it open, as far as this process knows.
    let _deleted = fs::remove_file(&gone);
    if fs::symlink_metadata(&gone).is_ok() {
        MOVED.lock().unwrap_or_else(PoisonError::into_inner).insert(id, gone);
    }
    Ok(true)
}

/// Moves a file out of the way, if it still has that name; where it is now.
fn move_away(path: &Path, id: FileId) -> Result<Option<PathBuf>> {
    let file = match opening(DELETE).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| Error::new("open a file to remove it", error))?,
    };
    // Asked through the handle, so that it is this file that moves.
    if look(&file)?.id != id {
        return Ok(None);
    }
    let mut number = [0; 8];
    random(&mut number)?;
    let gone = path.with_file_name(format!("{GONE}{:016x}", u64::from_ne_bytes(number)));
    match move_to(&file, &gone)? {
        true => Ok(Some(gone)),
        false => Err(Error::new("move a file away", io::ErrorKind::AlreadyExists.into())),
    }
}

/// Whether a name is one that files have before they are published, or after.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with(DRAFT) || name.starts_with(GONE) || name == NOTE
}

/// Takes a file away that a killed process left, by the name that it has: a draft, or one that lost its name.
pub(crate) fn tidy(path: &Path, name: &str) {
    let is_left = match name.strip_prefix(DRAFT) {
        Some(number) => u64::from_str_radix(number, 16)
            .is_ok_and(|number| matches!(markers::is_there(&marker_name(number)), Ok(false))),
        None => name.starts_with(GONE),
    };
    if is_left {
        // Where somebody has it mapped, it stays, until that one goes.
        let _ = fs::remove_file(path);
    }
}

/// The name of the event of a draft.
fn marker_name(number: u64) -> String {
    Key { is_global: true, id: number }.name("-draft")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::names::{unview, view_of};
    use crate::windows::rights::OWN;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort();
        names.into_iter().map(|name| name.into_string().expect("text")).collect()
    }

    #[test]
    fn a_file_leaves_its_name_at_once_and_goes_with_its_last_user() {
        let folder = std::env::temp_dir().join(format!("cohabit-disk-{}", std::process::id()));
        // One of an earlier run, whose id is used again.
        let _left = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).expect("a folder");
        let path = folder.join("name");
        let file = DiskFile::draft(&folder, 4096, OWN, Lasts::OnDisk).expect("a draft");
        assert!(names(&folder)[0].starts_with(DRAFT));
        tidy(&folder.join(&names(&folder)[0]), &names(&folder)[0]);
        assert!(file.publish(&path).expect("an answer"), "its maker lives, so it was left");
        assert!(file.publish(&path).is_err(), "it is no draft any more");
        let section = file.section(Access::ReadWrite).expect("a section");
        let view = view_of(&section, 0, Access::ReadWrite).expect("a view");
        // As on Windows, which deletes no file that is mapped; Wine does.
        let gone = move_away(&path, file.id()).expect("an answer").expect("it had the name");
        MOVED.lock().expect("no panic").insert(file.id(), gone);
        assert!(names(&folder)[0].starts_with(GONE), "{:?}", names(&folder));
        assert!(!retire(&path, file.id()).expect("an answer"));
        let other = DiskFile::draft(&folder, 1, OWN, Lasts::WhileUsed).expect("a draft");
        assert!(other.publish(&path).expect("an answer"), "the name is free");
        let third = DiskFile::draft(&folder, 1, OWN, Lasts::WhileUsed).expect("a draft");
        assert!(!third.publish(&path).expect("an answer"), "and taken");
        drop(third);
        // SAFETY: the view of above, which nobody uses.
        unsafe { unview(view) };
        drop(section);
        drop(file);
        assert_eq!(names(&folder), ["name"]);
        let id = other.id();
        drop(other);
        // What a killed one left, whoever tidies takes away.
        let gone = move_away(&path, id).expect("an answer").expect("it had the name");
        tidy(&gone, &names(&folder)[0]);
        assert!(names(&folder).is_empty());
        fs::remove_dir_all(&folder).expect("the test's folder");
    }
}

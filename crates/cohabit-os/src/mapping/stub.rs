//! No mechanism: every call says so.

use std::path::Path;
use std::ptr::NonNull;

use super::{Access, FileId, FileStatus, Lasts, Rights, Space};
use crate::error::{Error, Result};

/// There is no open file. It has a destructor, as a handle has that is one.
#[derive(Debug)]
pub(crate) enum Handle {}

impl Drop for Handle {
    fn drop(&mut self) {}
}

pub(super) fn no_standard_stream(handle: Handle) -> Result<Handle> {
    match handle {}
}

pub(super) fn unnamed(_folder: &Path, _size: u64, _mode: u32, _lasts: Lasts) -> Result<Handle> {
    Err(Error::unsupported("open an unnamed file"))
}

pub(super) fn anonymous(_size: u64, _mode: u32) -> Result<Handle> {
    Err(Error::unsupported("memfd_create"))
}

pub(super) fn open(_path: &Path, _access: Access) -> Result<Handle> {
    Err(Error::unsupported("open"))
}

pub(super) fn publish(handle: &Handle, _path: &Path) -> Result<()> {
    match *handle {}
}

pub(crate) fn grant(handle: &Handle, _rights: Rights) -> Result<()> {
    match *handle {}
}

pub(super) fn write_at(handle: &Handle, _bytes: &[u8], _offset: u64) -> Result<()> {
    match *handle {}
}

pub(super) fn sync(handle: &Handle) -> Result<()> {
    match *handle {}
}

pub(super) fn reopen(handle: &Handle, _access: Access) -> Result<Handle> {
    match *handle {}
}

pub(super) fn status(handle: &Handle) -> Result<FileStatus> {
    match *handle {}
}

pub(super) fn read_at(handle: &Handle, _buf: &mut [u8], _offset: u64) -> Result<usize> {
    match *handle {}
}

pub(super) fn map(handle: &Handle, _len: usize, _access: Access) -> Result<NonNull<u8>> {
    match *handle {}
}

pub(super) fn status_of(_path: &Path) -> Result<FileStatus> {
    Err(Error::unsupported("lstat"))
}

pub(super) fn retire(_path: &Path, _id: FileId) -> Result<bool> {
    Err(Error::unsupported("unlink"))
}

pub(super) fn tidy(_folder: &Path) {}

pub(super) fn remove_empty(_folder: &Path) -> Result<bool> {
    Err(Error::unsupported("rmdir"))
}

pub(super) fn sync_folder(_folder: &Path) -> Result<()> {
    Err(Error::unsupported("fsync"))
}

pub(super) fn list(_folder: &Path) -> Result<Vec<String>> {
    Err(Error::unsupported("read the folder"))
}

pub(super) fn space(_folder: &Path, _lasts: Lasts) -> Result<Space> {
    Err(Error::unsupported("statvfs"))
}

/// Writes pages back; there are none.
///
/// # Safety
/// `base` and `len` are inside of what one call of `map` returned; there is no such call.
pub(super) unsafe fn sync_pages(_base: NonNull<u8>, _len: usize) -> Result<()> {
    Err(Error::unsupported("msync"))
}

/// Gives pages back; there are none.
///
/// # Safety
/// `base` and `len` are what one call of `map` took and returned; there is no such call.
pub(super) unsafe fn unmap(_base: NonNull<u8>, _len: usize) {}

//! What the system answered, and which step it answered.
//!
//! An [`Error`] carries the step that failed, because one call here is several calls to the
//! system, and the same errno means different things after `open` and after `fallocate`. Callers
//! that must decide something look at [`Cause`], never at text.

use std::{error, fmt, io};

#[cfg(windows)]
use windows_sys::Win32::Foundation::{
    ERROR_CANT_RESOLVE_FILENAME, ERROR_COMMITMENT_LIMIT, ERROR_INVALID_HANDLE,
    ERROR_NO_SYSTEM_RESOURCES, ERROR_TOO_MANY_OPEN_FILES,
};

/// The result of everything in this crate that asks the system.
pub type Result<T> = std::result::Result<T, Error>;

/// A refusal of the operating system, with the step that met it.
pub struct Error {
    step: &'static str,
    source: io::Error,
}

/// What a refusal means, as far as a caller may want to act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cause {
    /// No such file or folder (ENOENT).
    NotFound,
    /// The name is taken (EEXIST).
    AlreadyExists,
    /// The permissions refuse it (EACCES, EPERM).
    PermissionDenied,
    /// The filesystem is mounted read-only (EROFS).
    ReadOnlyFilesystem,
    /// The filesystem or the quota is full (ENOSPC, EDQUOT).
    NoSpace,
    /// The size is over this process's file-size limit or the filesystem's (EFBIG).
    FileSizeLimit,
    /// This process or this machine has no more descriptors (EMFILE, ENFILE).
    NoDescriptors,
    /// This process has no more address space, maps or kernel memory (ENOMEM).
    NoAddressSpace,
    /// The last part of the path is a symbolic link (ELOOP).
    SymbolicLink,
    /// The path names a folder (EISDIR).
    IsDirectory,
    /// The descriptor is not open (EBADF).
    NotOpen,
    /// This system or this filesystem cannot do it (ENOSYS, EOPNOTSUPP).
    Unsupported,
    /// Anything else; [`Error::errno`] has the number.
    Other,
}

impl Error {
    /// Joins a step with what the system said.
    #[cold]
    pub fn new(step: &'static str, source: io::Error) -> Self {
        Error { step, source }
    }

    /// The step that failed.
    pub fn step(&self) -> &'static str {
        self.step
    }

    /// The standard library's name for the refusal.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// The system's number for the refusal, if the system gave one.
    pub fn errno(&self) -> Option<i32> {
        self.source.raw_os_error()
    }

    /// A step that this system or this mechanism does not have.
    #[cold]
    pub fn unsupported(step: &'static str) -> Self {
        Error { step, source: io::ErrorKind::Unsupported.into() }
    }

    /// What the refusal means to a caller.
    pub fn cause(&self) -> Cause {
        #[cfg(unix)]
        match self.errno() {
            Some(libc::EMFILE | libc::ENFILE) => return Cause::NoDescriptors,
            Some(libc::ELOOP) => return Cause::SymbolicLink,
            Some(libc::EBADF) => return Cause::NotOpen,
            _ => {}
        }
        #[cfg(windows)]
        match self.errno().map(i32::cast_unsigned) {
            Some(ERROR_TOO_MANY_OPEN_FILES) => return Cause::NoDescriptors,
            Some(ERROR_CANT_RESOLVE_FILENAME) => return Cause::SymbolicLink,
            Some(ERROR_COMMITMENT_LIMIT) => return Cause::NoSpace,
            Some(ERROR_NO_SYSTEM_RESOURCES) => return Cause::NoAddressSpace,
            Some(ERROR_INVALID_HANDLE) => return Cause::NotOpen,
            _ => {}
        }
        match self.kind() {
            io::ErrorKind::NotFound => Cause::NotFound,
            io::ErrorKind::AlreadyExists => Cause::AlreadyExists,
            io::ErrorKind::PermissionDenied => Cause::PermissionDenied,
            io::ErrorKind::ReadOnlyFilesystem => Cause::ReadOnlyFilesystem,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Cause::NoSpace,
            io::ErrorKind::FileTooLarge => Cause::FileSizeLimit,
            io::ErrorKind::OutOfMemory => Cause::NoAddressSpace,
            io::ErrorKind::IsADirectory => Cause::IsDirectory,
            io::ErrorKind::Unsupported => Cause::Unsupported,
            _ => Cause::Other,
        }
    }

    /// The system's answer without the step.
    pub fn into_io(self) -> io::Error {
        self.source
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("step", &self.step).field("source", &self.source).finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.source)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn every_errno_of_the_contract_has_its_cause() {
        let table = [
            (libc::ENOENT, Cause::NotFound),
            (libc::EEXIST, Cause::AlreadyExists),
            (libc::EACCES, Cause::PermissionDenied),
            (libc::EPERM, Cause::PermissionDenied),
            (libc::EROFS, Cause::ReadOnlyFilesystem),
            (libc::ENOSPC, Cause::NoSpace),
            (libc::EDQUOT, Cause::NoSpace),
            (libc::EFBIG, Cause::FileSizeLimit),
            (libc::EMFILE, Cause::NoDescriptors),
            (libc::ENFILE, Cause::NoDescriptors),
            (libc::ENOMEM, Cause::NoAddressSpace),
            (libc::ELOOP, Cause::SymbolicLink),
            (libc::EISDIR, Cause::IsDirectory),
            (libc::ENOSYS, Cause::Unsupported),
            (libc::EOPNOTSUPP, Cause::Unsupported),
            (libc::EBADF, Cause::NotOpen),
            (libc::EIO, Cause::Other),
        ];
        for (errno, cause) in table {
            let error = Error::new("step", io::Error::from_raw_os_error(errno));
            assert_eq!(error.cause(), cause, "{error}");
            assert_eq!(error.errno(), Some(errno));
        }
        assert_eq!(Error::unsupported("step").cause(), Cause::Unsupported);
    }
}

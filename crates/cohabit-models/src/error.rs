//! As much of the library's errors as the protocols make.

use std::fmt;

/// What went wrong, without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    Busy,
    Corrupt,
    Deadlock,
    Forked,
    OwnerDied,
    PeerDied,
    Poisoned,
    TimedOut,
}

#[derive(Debug)]
pub struct Error(pub(crate) ErrorKind);

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, _object: &str, _detail: impl Into<String>) -> Self {
        Error(kind)
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Error {}

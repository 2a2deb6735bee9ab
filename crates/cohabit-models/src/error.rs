//! As much of the library's errors as the protocols make.

/// What went wrong, without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    Busy,
    Corrupt,
    Deadlock,
}

#[derive(Debug)]
pub(crate) struct Error(pub(crate) ErrorKind);

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, _object: &str, _detail: impl Into<String>) -> Self {
        Error(kind)
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.0
    }
}

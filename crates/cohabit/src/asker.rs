//! The one descriptor that an attachment keeps: it is only asked, and never takes a lock.
//!
//! A program may close every descriptor that it does not know, and the number may then stand for
//! another file. So each answer is believed only if the descriptor proves, before and after, to be this
//! instance's; where it is lost, the file is opened by name for this one question; where that fails
//! too, or where it never had a name, nobody is judged dead, and it is not closed in the end either,
//! since it is not ours any more.

use std::path::PathBuf;

use cohabit_os::error::Cause;
use cohabit_os::fork::process_lock;
use cohabit_os::handle::{self, AsFd, OwnedFd};
use cohabit_os::liveness::{self, Byte, Entered, LifeSection, Way};
use cohabit_os::mapping::{Access, File, FileId, FileStatus};
use cohabit_os::wait::Deadline;

use crate::error::{Error, ErrorKind, Result};

/// A descriptor of one instance, for questions to the kernel.
#[derive(Debug)]
pub(crate) struct Asker {
    /// Taken in `drop` only.
    file: Option<File>,
    id: FileId,
    /// Where the file is to be found; `None` for one without a name.
    path: Option<PathBuf>,
}

impl Asker {
    pub(crate) fn new(file: File, id: FileId, path: Option<PathBuf>) -> Self {
        Self { file: Some(file), id, path }
    }

    /// How the file is reached for a description of one's own.
    fn way(&self) -> Way<'_> {
        self.path.as_deref().map_or_else(|| Way::Kept(self.file()), Way::Name)
    }

    /// Enters the life section of the file.
    pub(crate) fn enter(&self, deadline: Deadline) -> cohabit_os::Result<Entered> {
        if self.path.is_none() {
            return self.enter_kept(deadline);
        }
        LifeSection::enter(self.way(), self.id, Some(deadline))
    }

    /// The same through the descriptor, whatever became of the name.
    pub(crate) fn enter_kept(&self, deadline: Deadline) -> cohabit_os::Result<Entered> {
        if proved(self.file(), self.id)?.is_none() {
            // Opening what has the number now could do something to it.
            return Ok(Entered::Gone);
        }
        LifeSection::enter(Way::Kept(self.file()), self.id, Some(deadline))
    }

    /// The file, opened anew for one question; `None` if the way is lost.
    fn again(&self) -> Option<File> {
        self.path.as_ref()?;
        self.way().open(Access::ReadOnly).ok().flatten()
    }

    pub(crate) fn file(&self) -> &File {
        self.file.as_ref().expect("taken only in drop")
    }

    /// Whether any of the bytes is held by a living process.
    pub(crate) fn is_any_held(&self, bytes: &[Byte]) -> Result<bool> {
        if let Some(held) = ask(self.file(), self.id, bytes)? {
            return Ok(held);
        }
        let answer = self.again().map(|file| ask(&file, self.id, bytes)).transpose()?.flatten();
        answer.ok_or_else(lost)
    }

    /// What the kernel says of the instance's file.
    pub(crate) fn status(&self) -> Result<FileStatus> {
        let proved = |file: &File| proved(file, self.id).map_err(unanswered);
        if let Some(status) = proved(self.file())? {
            return Ok(status);
        }
        self.again().map(|file| proved(&file)).transpose()?.flatten().ok_or_else(lost)
    }

    /// A description of its own of the file, to be given away.
    ///
    /// # Errors
    /// `LivenessLost`.
    pub(crate) fn to_give(&self, access: Access) -> Result<OwnedFd> {
        self.status()?;
        // The number may be another file's a moment later: then what was opened is that one, and is
        // not given away.
        let given = handle::to_give(self.file(), access).map_err(unreachable_again)?;
        let proof = handle::another(given.as_fd()).map_err(unreachable_again)?;
        proved(&proof, self.id).map_err(unanswered)?.map(|_| given).ok_or_else(lost)
    }
}

/// What the kernel says of a descriptor's file; nothing if it is not open, or another file's.
fn proved(file: &File, id: FileId) -> cohabit_os::Result<Option<FileStatus>> {
    match file.status() {
        Ok(status) => Ok(Some(status).filter(|status| status.id == id)),
        Err(error) if error.cause() == Cause::NotOpen => Ok(None),
        Err(error) => Err(error),
    }
}

#[cold]
fn unanswered(error: cohabit_os::Error) -> Error {
    Error::from_os("", "asking who is alive", error)
}

/// The kernel's answer, if the descriptor is the instance's before and after it.
fn ask(file: &File, id: FileId, bytes: &[Byte]) -> Result<Option<bool>> {
    let is_ours = || proved(file, id).map_err(unanswered).map(|status| status.is_some());
    if !is_ours()? {
        return Ok(None);
    }
    let mut held = Ok(false);
    for byte in bytes {
        held = liveness::is_held(file, *byte);
        if !matches!(held, Ok(false)) {
            break;
        }
    }
    if !is_ours()? {
        return Ok(None);
    }
    match held {
        // What would tell was taken away by somebody.
        Err(e) if e.cause() == Cause::NotFound => Ok(None),
        held => held.map(Some).map_err(unanswered),
    }
}

/// The descriptor is there, and its file cannot be opened through it.
#[cold]
pub(crate) fn unreachable_again(error: cohabit_os::Error) -> Error {
    if error.cause() == Cause::NotFound {
        let detail =
            "a handle is opened again through /proc/self/fd, and /proc is not mounted here";
        return Error::new(ErrorKind::Unsupported, "", detail).with_source(error);
    }
    Error::from_os("", "opening a handle again", error)
}

#[cold]
fn lost() -> Error {
    let detail = "the descriptor that asks the kernel who is alive was closed by the program, or the \
                  file that tells was taken away";
    Error::new(ErrorKind::LivenessLost, "", detail)
}

impl Drop for Asker {
    fn drop(&mut self) {
        // Under the process lock: meanwhile no thread of ours is in a life section, whose file could
        // have got the number, and whose closing would free the life byte.
        let _process = process_lock();
        let file = self.file.take();
        if file.as_ref().is_some_and(|file| matches!(proved(file, self.id), Ok(None))) {
            // Closed by the program: the number is nobody's, or another file's.
            std::mem::forget(file);
        }
    }
}

//! How a command ends: its exit code, and what it says on the way out.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use cohabit::{Error, ErrorKind};

use crate::bad_text::BadText;
use crate::out::flat;

/// What a command returns.
pub(crate) type Outcome = Result<(), Failure>;

/// The codes, as `--help` shows them.
pub(crate) const HELP: &str = "\
Exit codes:
  0  it is done; also when the reader of the output went away
  1  it failed; also when `diff` found a difference, of which it says nothing more
  2  a text that was given is not understood
  3  there is no such object or folder, or the object has ended
  4  it is in use or busy, the name is taken, or the time is over
  5  what stands under the name cannot be used: damaged, of another format, or no object
  6  it is not allowed: another owner, an unsafe folder, a missing permission
  7  `doctor` found something that keeps objects from working";

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const NOT_FOUND: u8 = 3;
const BUSY: u8 = 4;
const UNUSABLE: u8 = 5;
const FORBIDDEN: u8 = 6;
const UNFIT: u8 = 7;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A text was not understood.
    Text(BadText),
    /// The library refused; with a hint for whoever sits at the terminal.
    Object { error: Error, hint: Option<String> },
    /// The output could not be written.
    Output(io::Error),
    /// Nothing came in the time that was given.
    TimedOut(String),
    /// The object ended before what was waited for.
    Ended(String),
    /// Two types differ, as was printed.
    Differs,
    /// What was asked for contradicts itself, or a file that was named is not what it should be.
    Usage(String),
    /// Objects cannot live here.
    Unfit(String),
    /// Anything else, in words.
    Other(String),
}

impl Failure {
    /// The same, with one more line of help.
    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        match self {
            Failure::Object { error, .. } => Failure::Object { error, hint: Some(hint.into()) },
            other => other,
        }
    }

    /// What the library refused, if it was the library.
    pub(crate) fn kind(&self) -> Option<ErrorKind> {
        match self {
            Failure::Object { error, .. } => Some(error.kind()),
            _ => None,
        }
    }

    fn code(&self) -> u8 {
        match self {
            Failure::Text(_) => USAGE,
            Failure::Object { error, .. } => code_of(error.kind()),
            Failure::TimedOut(_) => BUSY,
            Failure::Ended(_) => NOT_FOUND,
            Failure::Unfit(_) => UNFIT,
            Failure::Usage(_) => USAGE,
            Failure::Differs | Failure::Output(_) | Failure::Other(_) => FAILED,
        }
    }
}

/// The exit code of each kind of error.
pub(crate) fn code_of(kind: ErrorKind) -> u8 {
    use ErrorKind as Kind;
    match kind {
        Kind::NameEmpty | Kind::NameTooLong | Kind::NameSlash | Kind::NameDot => USAGE,
        Kind::NameSpace | Kind::NameNotAscii | Kind::NameCharacter => USAGE,
        Kind::NameReserved => USAGE,
        Kind::NameScopePrefix | Kind::ConstructorIncomplete | Kind::SchemaInvalid => USAGE,
        Kind::LengthMissing | Kind::LengthMismatch | Kind::OutOfRange | Kind::Frozen => USAGE,
        Kind::NotFound | Kind::FolderMissing | Kind::Ended | Kind::NameLost => NOT_FOUND,
        Kind::Busy | Kind::TimedOut | Kind::SlotsFull | Kind::AlreadyExists => BUSY,
        Kind::FormatVersion | Kind::NotAnObject | Kind::Truncated | Kind::Oversized => UNUSABLE,
        Kind::HeaderInvalid | Kind::SymbolicLink | Kind::Directory | Kind::NotAFile => UNUSABLE,
        Kind::HardLink | Kind::Corrupt | Kind::BadBits | Kind::LockFileInvalid => UNUSABLE,
        Kind::Unverified | Kind::MechanismMismatch => UNUSABLE,
        Kind::OtherOwner | Kind::FolderUnsafe | Kind::PermissionDenied => FORBIDDEN,
        Kind::ReadOnlyFilesystem | Kind::ReadOnlyHandle | Kind::LivenessHidden => FORBIDDEN,
        Kind::BadHandle => UNUSABLE,
        Kind::AccountUnknown | Kind::TwoGroups => USAGE,
        _ => FAILED,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Object { error, hint: None }
    }
}

impl From<BadText> for Failure {
    fn from(bad: BadText) -> Self {
        Failure::Text(bad)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Text(bad) => bad.fmt(f),
            Failure::Object { error, hint: None } => error.fmt(f),
            Failure::Object { error, hint: Some(hint) } => write!(f, "{error}\n{hint}"),
            Failure::Output(error) => write!(f, "the output cannot be written: {error}"),
            Failure::Differs => f.write_str("the types differ"),
            Failure::TimedOut(what) | Failure::Ended(what) => what.fmt(f),
            Failure::Usage(what) => what.fmt(f),
            Failure::Unfit(what) | Failure::Other(what) => what.fmt(f),
        }
    }
}

/// Says what went wrong, if anything, and turns it into the exit code.
///
/// Who closes the pipe behind a command, as `head` does, has seen enough: that is no failure.
pub(crate) fn finish(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        // What it found is its output, as that of diff(1).
        Err(Failure::Differs) => ExitCode::from(FAILED),
        Err(failure) => {
            say(&format!("error: {failure}"));
            ExitCode::from(failure.code())
        }
    }
}

/// Prints a line for people on the error output. What peers wrote of themselves, such as command
/// lines, may stand in it: control characters, which could steer a terminal, are not passed on.
pub(crate) fn say(line: &str) {
    let line = flat(line);
    // There is nobody left to tell when this fails.
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_help() {
        for kind in ErrorKind::ALL {
            let line = format!("\n  {}  ", code_of(*kind));
            assert!(HELP.contains(&line), "{}", kind.code());
        }
    }
}

//! One error type: what was tried, on which object, what was expected, what was found, what to do.
//!
//! [`ErrorKind`] is for programs: each kind has a stable code, which `docs/bad-input.md` lists.
//! The text is for people: it names the object first, then what happened, and ends with the cure.

use std::error::Error as StdError;
use std::fmt;

use cohabit_os::error::Cause;

use crate::format::InstanceId;
use crate::plain::{ListFull, TextError};

/// What every call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. One pointer wide, so that a `Result` costs nothing where all goes well.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    object: String,
    detail: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    /// The instance whose type was refused.
    instance: Option<InstanceId>,
}

/// Declares the kinds once: the variant, its code and its cure.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal, $cure:literal;)*) => {
        /// What went wrong, for a program to match on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind { $($(#[doc = $doc])+ $variant,)* }

        impl ErrorKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &[ErrorKind] = &[$(ErrorKind::$variant,)*];

            /// The stable code of this kind, for logs and for searching the documentation.
            pub const fn code(self) -> &'static str {
                match self { $(ErrorKind::$variant => $code,)* }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(ErrorKind::$variant => concat!($($doc),+).trim_ascii(),)* }
            }

            /// What to do about it, in one sentence.
            pub const fn cure(self) -> &'static str {
                match self { $(ErrorKind::$variant => $cure,)* }
            }
        }
    };
}

kinds! {
    /// The name has no characters.
    NameEmpty = "name-empty", "Give the object a name of 1 to 200 characters.";
    /// The name is longer than 200 bytes.
    NameTooLong = "name-too-long", "Use at most 200 bytes; a hash of the long name serves well.";
    /// The name has a slash or a backslash in it.
    NameSlash = "name-slash", "A name is no path: choose the folder with Scope::Folder.";
    /// The name starts with a dot.
    NameDot = "name-dot", "Names that start with a dot are kept for cohabit itself.";
    /// The name has white space in it.
    NameSpace = "name-space", "Use a dash or an underscore instead of white space.";
    /// The name has a character outside ASCII.
    NameNotAscii = "name-not-ascii", "Use ASCII letters, digits and . _ - { } ( ) # @ + = , only.";
    /// The name has another character that is not allowed.
    NameCharacter = "name-character", "Use ASCII letters, digits and . _ - { } ( ) # @ + = , only.";
    /// The name means something else on Windows: a device (`con`, `nul`, `com1`, …), or, with a dot at its end, the
    /// name without it.
    NameReserved = "name-reserved", "Use a name that works on every system: add something, for instance a prefix.";
    /// The name starts with `Local\` or `Global\`.
    NameScopePrefix = "name-scope-prefix", "Leave the prefix out and choose a Scope: Scope::User for Local\\, Scope::Machine for Global\\.";

    /// No object of this name exists.
    NotFound = "not-found", "Start the program that creates it first, or use open_or_create or open_wait.";
    /// An object of this name exists already, and `create` was asked for.
    AlreadyExists = "already-exists", "Use open or open_or_create, or another name.";
    /// The object's type is not the caller's.
    TypeMismatch = "type-mismatch", "Rebuild both programs from one definition, or close the programs that hold the old one.";
    /// The type ends in a slice, and nobody said how long it is.
    LengthMissing = "length-missing", "Give the length when you create it: Options::len.";
    /// The length is not that of the object or of its type.
    LengthMismatch = "length-mismatch", "Leave the length out to open an object of any length, or use the object's own.";
    /// What an object was to be made of is no schema that its readers would accept.
    SchemaInvalid = "schema-invalid", "Put it together from valid parts: Schema::checked says the place.";
    /// The file was written by another version of the format.
    FormatVersion = "format-version", "Use the same version of cohabit in all programs, or remove the object with `cohabit rm --force`.";
    /// The object's users see each other live by other means than this process does.
    MechanismMismatch = "mechanism-mismatch", "Run all programs that use the object with the same COHABIT_OS, or all without it.";
    /// The file is not an object of cohabit.
    NotAnObject = "not-an-object", "Another program's file stands in the name's place: move it or use another name.";
    /// The file is shorter than its header says.
    Truncated = "truncated", "Something cut the file: remove it with `cohabit rm --force`, then create it anew.";
    /// The file is longer than its header says.
    Oversized = "oversized", "Something wrote behind the object: remove it with `cohabit rm --force`, then create it anew.";
    /// The header contradicts itself.
    HeaderInvalid = "header-invalid", "The file is damaged: remove it with `cohabit rm --force`, then create it anew.";
    /// The object's lock file is missing, or is another object's.
    LockFileInvalid = "lock-file-invalid", "Somebody removed or replaced it: remove the object with `cohabit rm --force`, then create it anew.";

    /// A symbolic link stands in the name's place.
    SymbolicLink = "symbolic-link", "Links are never followed: remove it, or name the object itself.";
    /// A directory stands in the name's place.
    Directory = "directory", "Move the directory or use another name.";
    /// A fifo, device or socket stands in the name's place.
    NotAFile = "not-a-file", "Move it or use another name.";
    /// The file has a second name.
    HardLink = "hard-link", "An object has one name: remove the other link.";
    /// The file or folder belongs to another user.
    OtherOwner = "other-owner", "Use a name or folder of your own, or trust its owner: Access::trust_user, trust_group.";
    /// This machine knows no user or group of that name.
    AccountUnknown = "account-unknown", "Correct the name, make the account, or give its number, Access::group(1001), or its identifier on Windows.";
    /// Two groups have rights on one object.
    TwoGroups = "two-groups", "An object has one group: put their members into one, or use Access::everyone().";
    /// Others may write the folder, so a name in it could be anyone's.
    FolderUnsafe = "folder-unsafe", "Use a folder that only you may write (chmod go-w).";
    /// The path given as a folder is none.
    FolderMissing = "folder-missing", "Make the folder first, or name another.";
    /// The folder is on a read-only file system.
    ReadOnlyFilesystem = "read-only-filesystem", "Use a folder on a file system that can be written.";
    /// The system forbids it.
    PermissionDenied = "permission-denied", "Ask the owner of the folder or the object, or use Scope::User.";

    /// The descriptor is no handle of an object without a name.
    BadHandle = "bad-handle", "Pass on a descriptor that Shared::to_fd or to_read_only_fd gave.";
    /// The handle does not allow writing.
    ReadOnlyHandle = "read-only-handle", "Look at the object with SharedView::from_fd, or ask its owner for what Shared::to_fd gives.";

    /// An object that is to outlast the boot is in a folder on no local disk.
    NotOnDisk = "not-on-disk", "Use a folder on a local disk with Scope::Folder, or Keep::UntilReboot.";
    /// The machine stopped while the object was in use, so it may be half of then and half of before.
    Unverified = "unverified", "Open it with Options::accept_unverified and check what it holds, or remove it with `cohabit rm`.";

    /// The file system has no room for the object.
    NoSpace = "no-space", "Free some room, use fewer copies (a smaller T), or enlarge /dev/shm (Docker: --shm-size).";
    /// The object is over the process's limit for file sizes.
    FileSizeLimit = "file-size-limit", "Raise it (ulimit -f): the kernel would have ended the process.";
    /// The process or the system is out of file descriptors.
    NoDescriptors = "no-descriptors", "Close some, or raise the limit (ulimit -n).";
    /// The process is out of address space or memory for mappings.
    NoAddressSpace = "no-address-space", "Attach fewer or smaller objects, or raise the limit (ulimit -v).";
    /// As many users as the object was made for are attached.
    SlotsFull = "slots-full", "Create it with Options::max_users higher, or close some users.";

    /// The constructor returned an error.
    ConstructorFailed = "constructor-failed", "See the source: it is the constructor's own error.";
    /// The constructor opened the object that it is constructing.
    ConstructorReentered = "constructor-reentered", "A constructor may open other objects, not its own.";
    /// The bits that a constructor left are no valid value.
    ConstructorIncomplete = "constructor-incomplete", "Fill every part whose zero is not a value of its type.";

    /// Somebody else held what was needed, for longer than the caller would wait.
    Busy = "busy", "Try again, wait longer, or look at the holder that is named.";
    /// The awaited change did not come in time.
    TimedOut = "timed-out", "Wait longer, or see with `cohabit ls` and `cohabit show` who is there and whether anyone writes.";
    /// This instance has ended: the name may stand for a new one.
    Ended = "ended", "Open the name again.";
    /// The name was taken away under its users.
    NameLost = "name-lost", "Open the name again in all programs; see who removes files there (systemd's RemoveIPC?).";
    /// This is a forked child, which is not attached.
    Forked = "forked", "Open the object again in the child.";
    /// The cell does not live in an attached object.
    NotShared = "not-shared", "Use the cell inside a Shared, not a copy of it.";
    /// The kernel can no longer be asked who is alive.
    LivenessLost = "liveness-lost", "The program closed cohabit's descriptor and the name is gone: open the object again.";
    /// This process may only read the object, and so may not see who uses it.
    LivenessHidden = "liveness-hidden", "Ask as a user who may write the object.";
    /// A peer wrote what the protocol never writes.
    Corrupt = "corrupt", "A peer does not follow the protocol: find it with `cohabit ls`, then remove the object.";
    /// The bits found are no value of the type.
    BadBits = "bad-bits", "A peer wrote bits that no value of the type has: write a valid value.";
    /// A part lies outside of what a value of run-time length has.
    OutOfRange = "out-of-range", "Use an index below the length: Value::len.";
    /// A text does not fit its `Text<N>`, or has a NUL in it.
    BadText = "bad-text", "Use a shorter text, Text::truncated, or a larger N in all programs.";
    /// A `Frozen` was to be written after the object was constructed, or a `OnceCell` or the number of a `Barrier` after it was set.
    Frozen = "frozen", "A Frozen is written by the constructor only, a OnceCell or a Barrier's number once: use a Value or a Loose for what changes.";
    /// A list has no room for an element.
    ListFull = "list-full", "Take elements out first, or use a larger N in all programs.";
    /// The thread waits for what it holds itself.
    Deadlock = "deadlock", "Drop the guard first, and do not use a cell inside of its own update or closure.";
    /// A holder of the lock died inside, so what the lock guards may be half done.
    OwnerDied = "owner-died", "Match LockError::OwnerDied, make the value whole, and call mark_consistent; or replace it.";
    /// A holder of the lock panicked inside.
    Poisoned = "poisoned", "Match LockError::Poisoned, make the value whole, and call clear_poison; or replace it.";
    /// One of those who wait for each other at a barrier died.
    PeerDied = "peer-died", "Let somebody take the dead one's place, and let all come to the barrier again.";
    /// This system or target cannot do it.
    Unsupported = "unsupported", "docs/places.md and docs/portable.md say what each system has.";
    /// The system refused, for a reason that has no kind of its own.
    System = "system", "See the system's own words.";
}

impl ErrorKind {
    /// The kind with this code.
    pub fn from_code(code: &str) -> Option<ErrorKind> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, object: &str, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            object: object.to_owned(),
            detail: detail.into(),
            source: None,
            instance: None,
        }))
    }

    /// Notes which instance was refused, for whoever waits for another one.
    pub(crate) fn of_instance(mut self, instance: InstanceId) -> Self {
        self.0.instance = Some(instance);
        self
    }

    pub(crate) fn instance(&self) -> Option<InstanceId> {
        self.0.instance
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Puts the object's name to an error that was made where the name was not at hand.
    pub(crate) fn about(mut self, object: &str) -> Self {
        if self.0.object.is_empty() {
            self.0.object = object.to_owned();
        }
        self
    }

    /// Translates an answer of the system; `doing` completes "while …".
    pub(crate) fn from_os(object: &str, doing: &str, error: cohabit_os::Error) -> Self {
        let kind = match error.cause() {
            Cause::NotFound => ErrorKind::NotFound,
            Cause::AlreadyExists => ErrorKind::AlreadyExists,
            Cause::PermissionDenied => ErrorKind::PermissionDenied,
            Cause::ReadOnlyFilesystem => ErrorKind::ReadOnlyFilesystem,
            Cause::NoSpace => ErrorKind::NoSpace,
            Cause::FileSizeLimit => ErrorKind::FileSizeLimit,
            Cause::NoDescriptors => ErrorKind::NoDescriptors,
            Cause::NoAddressSpace => ErrorKind::NoAddressSpace,
            Cause::SymbolicLink => ErrorKind::SymbolicLink,
            Cause::IsDirectory => ErrorKind::Directory,
            Cause::Unsupported => ErrorKind::Unsupported,
            _ => ErrorKind::System,
        };
        Self::new(kind, object, format!("while {doing}: {error}")).with_source(error)
    }

    /// What went wrong, for a program to match on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code of [`Error::kind`].
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// The name of the object, or an empty text where the cell could not tell.
    pub fn object(&self) -> &str {
        &self.0.object
    }

    /// What was expected and what was found, without the name and without the cure.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, object, detail, .. } = &*self.0;
        if !object.is_empty() {
            write!(f, "`{object}`: ")?;
        }
        write!(f, "{detail}. {} [{}]", kind.cure(), kind.code())
    }
}

impl fmt::Debug for Error {
    /// The text for people: `main() -> Result` and `unwrap` print this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

impl From<TextError> for Error {
    fn from(error: TextError) -> Self {
        Self::new(ErrorKind::BadText, "", error.to_string()).with_source(error)
    }
}

impl From<ListFull> for Error {
    fn from(error: ListFull) -> Self {
        Self::new(ErrorKind::ListFull, "", error.to_string()).with_source(error)
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            ErrorKind::NotFound => Io::NotFound,
            ErrorKind::AlreadyExists => Io::AlreadyExists,
            ErrorKind::PermissionDenied | ErrorKind::OtherOwner => Io::PermissionDenied,
            ErrorKind::Busy => Io::WouldBlock,
            ErrorKind::TimedOut => Io::TimedOut,
            ErrorKind::Deadlock => Io::Deadlock,
            ErrorKind::Unsupported => Io::Unsupported,
            _ => Io::Other,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_kebab() {
        let mut seen = std::collections::BTreeSet::new();
        for kind in ErrorKind::ALL {
            assert!(seen.insert(kind.code()), "{} twice", kind.code());
            assert!(kind.code().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
            assert!(kind.cure().ends_with('.'), "{}", kind.code());
        }
    }

    #[test]
    fn the_text_names_the_object_the_finding_and_the_cure() {
        let error = Error::new(ErrorKind::NotFound, "rpm", "no object of this name in /x");
        assert_eq!(
            error.to_string(),
            "`rpm`: no object of this name in /x. Start the program that creates it first, or use \
             open_or_create or open_wait. [not-found]"
        );
    }

    #[test]
    fn bad_text() {
        let convert = || -> Result<crate::Text<8>> { Ok(crate::Text::try_from("too long.")?) };
        let error = convert().unwrap_err();
        assert_eq!(error.code(), "bad-text");
        assert!(error.detail().contains("needs 9 bytes, and there is room for 7"), "{error}");
    }
}

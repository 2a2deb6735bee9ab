//! Where an object lives, how long, and for how many users.

use std::path::PathBuf;
use std::time::Duration;

use cohabit_os::mapping::Lasts;

use crate::access::Access;

/// Which processes find the object under its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// All processes of this user on this machine: a folder of the user's own, mode 0700, in
    /// `/dev/shm` (or under `COHABIT_DIR`). On Windows those of this session, and the folder is in
    /// `%LOCALAPPDATA%`; docs/places.md has all systems.
    #[default]
    User,
    /// All processes that name the same folder. It must exist, belong to the user or to root, and be
    /// writable by nobody else.
    Folder(PathBuf),
    /// All processes of this machine that [`Access`] lets in, whichever user they run as: a folder of
    /// the object's own, `cohabit.NAME`, in `/dev/shm`, on Windows in `%ProgramData%` (or under `COHABIT_DIR`,
    /// which must be sticky or writable by its owner only).
    ///
    /// The folder stays, empty, when the last user to leave may not take it away: its rights are those
    /// of the object's next instance.
    Machine(Access),
}

/// How long the object lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// As long as a user is attached. After the last one, nothing is left.
    #[default]
    WhileUsed,
    /// Until the machine starts anew, also without users; the next opener finds the last value.
    ///
    /// `Unsupported` on Windows, where memory ends with its last user: take [`Keep::OnDisk`], or let a service
    /// have the object open all the time.
    UntilReboot,
    /// Until somebody removes it, on a local disk: in a [`Scope::Folder`], or where `COHABIT_DIR` is on
    /// one, and on Windows anywhere. A network file system and one in memory are refused with `NotOnDisk`;
    /// `Unsupported` on macOS and FreeBSD.
    ///
    /// The last user that leaves cleanly writes everything out and marks the object closed: dropping
    /// its last handle waits for the disk. From then on, the value survives whatever happens to the
    /// machine. A program that returns from `main` with a handle in a `static` closes too, if it has no
    /// other threads by then.
    ///
    /// If the machine stops while the object is in use, or after its last user was killed, its pages on
    /// the disk are of different moments. Then opening it is `Unverified`, unless
    /// [`Options::accept_unverified`](crate::Options::accept_unverified) was given. Kills without a stop
    /// of the machine cost nothing, as ever.
    OnDisk,
}

impl Keep {
    pub(crate) const fn code(self) -> u32 {
        match self {
            Keep::WhileUsed => 0,
            Keep::UntilReboot => 1,
            Keep::OnDisk => 2,
        }
    }

    /// How long the files last that such an object is in.
    pub(crate) const fn lasts(self) -> Lasts {
        match self {
            Keep::WhileUsed => Lasts::WhileUsed,
            Keep::UntilReboot => Lasts::UntilReboot,
            Keep::OnDisk => Lasts::OnDisk,
        }
    }

    pub(crate) const fn from_code(code: u32) -> Option<Keep> {
        match code {
            0 => Some(Keep::WhileUsed),
            1 => Some(Keep::UntilReboot),
            2 => Some(Keep::OnDisk),
            _ => None,
        }
    }
}

/// How to create or open; made by [`Shared::options`](crate::Shared::options).
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) scope: Scope,
    pub(crate) keep: Keep,
    pub(crate) max_users: u32,
    pub(crate) timeout: Option<Duration>,
    pub(crate) accepts_unverified: bool,
    /// How many elements the tail is to have, or must have; 0 if that was not said.
    pub(crate) len: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            scope: Scope::User,
            keep: Keep::WhileUsed,
            max_users: 64,
            timeout: None,
            accepts_unverified: false,
            len: 0,
        }
    }
}

//! Who uses an instance, and how it stands: for people and for programs that show it to people.

use std::fmt;
use std::sync::atomic::Ordering;

use cohabit_os::process::{self, Identity};

use crate::attach::is_orphan;
use crate::error::{ErrorKind, Result};
use crate::segment::Segment;
use crate::token::{RowState, Token};

/// One live user or guest of an object. That it lives is the kernel's word; the rest is what it wrote
/// of itself, for display.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The process, as numbered in its own pid namespace.
    pub pid: u32,
    /// The user that it runs as.
    pub uid: u32,
    /// Whether it is a guest: attached without the type's destructor, and not counted.
    pub guest: bool,
    /// Its command line, where it can be seen from here.
    pub command: Option<String>,
    /// When the process started, in ns since 1970; `None` where that cannot be told.
    pub started_ns: Option<u64>,
    /// Whether it is stopped, by a signal or a debugger; false where that cannot be seen.
    pub stopped: bool,
}

impl User {
    /// Who that is, as far as it can be seen from here.
    pub(crate) fn of(identity: Identity, guest: bool) -> User {
        let Identity { pid, uid, start, pid_namespace } = identity;
        // A pid of another namespace means another process here, or none.
        let is_here = pid_namespace == process::identity().pid_namespace;
        User {
            pid,
            uid,
            guest,
            command: is_here.then(|| process::command_line(pid, start)).flatten(),
            started_ns: process::started_ns(start),
            stopped: is_here && process::is_stopped(pid, start) == Some(true),
        }
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}", self.pid)?;
        match &self.command {
            Some(command) => write!(f, " ({command})"),
            None => Ok(()),
        }
    }
}

/// How an instance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It lives under its name.
    Live,
    /// It has ended: the last user left, or somebody removed it with `--force`. Open the name again.
    Ended,
    /// Its users are all dead: nobody keeps it, and the next opener of the name takes it away. Only a
    /// view can see that.
    Orphan,
    /// It stands under its name and did not end cleanly; whether any user lives, this process may not see:
    /// it may only read an object whose users are known to those alone who may write it.
    Unjudged,
    /// Its name was taken away (systemd's RemoveIPC, `rm`, `mv`) or stands for another file: users go on among themselves, but nobody
    /// new finds it.
    NameLost,
}

impl Segment {
    /// The users and guests that live.
    pub(crate) fn users(&self) -> Result<Vec<User>> {
        let live = self.live_tokens()?;
        Ok(live.into_iter().map(|(token, state)| self.user(token, state)).collect())
    }

    fn user(&self, token: Token, state: RowState) -> User {
        let words = self.row_display(token.slot);
        let who = words[0].load(Ordering::Relaxed);
        let identity = Identity {
            pid: who as u32,
            uid: (who >> 32) as u32,
            start: words[1].load(Ordering::Relaxed),
            pid_namespace: words[2].load(Ordering::Relaxed),
        };
        User::of(identity, state == RowState::Guest)
    }

    /// A token's holder, while the row still is its own.
    pub(crate) fn user_of(&self, token: Token) -> Option<User> {
        self.pid_of(token)?;
        Some(self.user(token, RowState::User))
    }

    /// The pid that a token's holder wrote, while the row still is its own.
    pub(crate) fn pid_of(&self, token: Token) -> Option<u32> {
        if u32::from(token.slot) >= self.header.max_users {
            return None;
        }
        let pid = self.row_display(token.slot)[0].load(Ordering::Relaxed) as u32;
        (self.row_now(token.slot).generation == token.generation).then_some(pid)
    }

    /// How the instance stands.
    pub(crate) fn status(&self) -> Result<Status> {
        match self.check_alive().map_err(|error| (error.kind(), error)) {
            Ok(()) if self.is_elsewhere() => Ok(Status::NameLost),
            Ok(()) if self.is_hidden() => Ok(Status::Unjudged),
            Ok(()) if is_orphan(self)? => Ok(Status::Orphan),
            Ok(()) => Ok(Status::Live),
            Err((ErrorKind::Ended, _)) => Ok(Status::Ended),
            Err((ErrorKind::NameLost, _)) => Ok(Status::NameLost),
            Err((_, error)) => Err(error),
        }
    }
}

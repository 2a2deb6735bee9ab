//! How an instance stands, who uses it, and who has which lock: for people and for programs that show it
//! to people.

use std::fmt;

use crate::attach::is_orphan;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Schema;
use crate::segment::Segment;
use crate::shareable::Shareable;
use crate::users::User;
use crate::who::LockState;

/// How an instance is doing, as one look found it. It may be old when it is told.
///
/// Its text names everybody, and what is unusual: `live; users: pid 12 (server), which a signal stopped;
/// lock of log: held by pid 12 (server), which a signal stopped; somebody waits for it`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Whether it lives, and has its name.
    pub standing: Standing,
    /// The users and guests that live; none where this process may not ask ([`Standing::Unjudged`]), or where
    /// the instance has ended, and what would tell is gone.
    pub users: Vec<User>,
    /// The locks of which there is something to tell: held, left by a dead one, or marked.
    pub locks: Vec<LockState>,
}

/// Whether an instance lives, and has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
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
    /// Its name was taken away (systemd's RemoveIPC, `rm`, `mv`) or stands for another file: users go on
    /// among themselves, but nobody new finds it.
    NameLost,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Standing::Live => "live",
            Standing::Ended => "ended",
            Standing::Orphan => "all users dead",
            Standing::Unjudged => "there, and this process may not see who lives",
            Standing::NameLost => "name removed",
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.standing)?;
        for (index, user) in self.users.iter().enumerate() {
            write!(f, "{}{user}", if index == 0 { "; users: " } else { ", " })?;
        }
        for lock in &self.locks {
            let of = if lock.path.is_empty() { "" } else { " of " };
            write!(f, "; lock{of}{}: {lock}", lock.path)?;
        }
        Ok(())
    }
}

impl Segment {
    /// How the instance is doing, which has this schema.
    pub(crate) fn status(&self, schema: &Schema) -> Result<Status> {
        let standing = self.standing()?;
        let is_lost = |error: &Error| error.kind() == ErrorKind::LivenessLost && self.has_ended();
        let users = match self.users() {
            _ if self.is_hidden() => Vec::new(),
            // What tells who lives can go with the name.
            Err(error) if is_lost(&error) => Vec::new(),
            users => users?,
        };
        Ok(Status { standing, users, locks: self.locks(&schema.root)? })
    }

    /// The same of one that is a `T`: its schema need not be read.
    pub(crate) fn status_as<T: Shareable + ?Sized>(&self) -> Result<Status> {
        self.status(&self.resolved(&Schema::of(&T::KIND, self.header.has_end))?)
    }

    /// Whether it lives, and has its name.
    pub(crate) fn standing(&self) -> Result<Standing> {
        match self.check_alive().map_err(|error| (error.kind(), error)) {
            Ok(()) if self.is_elsewhere() => Ok(Standing::NameLost),
            Ok(()) if self.is_hidden() => Ok(Standing::Unjudged),
            Ok(()) if is_orphan(self)? => Ok(Standing::Orphan),
            Ok(()) => Ok(Standing::Live),
            Err((ErrorKind::Ended, _)) => Ok(Standing::Ended),
            Err((ErrorKind::NameLost, _)) => Ok(Standing::NameLost),
            Err((_, error)) => Err(error),
        }
    }
}

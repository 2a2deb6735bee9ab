//! Who uses an instance, and what those do: for people and for programs that show it to people.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use cohabit_os::process::{self, Activity, Identity};
use cohabit_os::wait::{self, Deadline};

use crate::error::Result;
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
    /// What it does, as far as that can be seen from here.
    pub state: ProcessState,
    /// The process that debugs or traces it, where that can be seen.
    pub debugger: Option<u32>,
}

/// What a process does, by what the system shows of its first thread. A process that is not seen to do
/// anything lives as well as any other: that is the kernel's word, and this is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProcessState {
    /// It runs, or sleeps until something happens.
    Running,
    /// A signal stopped it (SIGSTOP, Ctrl-Z): it goes on with SIGCONT. On Windows all its threads are suspended.
    Stopped,
    /// A debugger has stopped it.
    Debugged,
    /// It is being ended, and lives until its memory is written to a core dump.
    DumpingCore,
    /// Its number is one of another pid namespace, and means another process here, or none.
    Elsewhere,
    /// The system shows no process of its number that started when it says it did.
    NotShown,
}

impl ProcessState {
    /// A word for it, for programs that read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ProcessState::Running => "running",
            ProcessState::Stopped => "stopped",
            ProcessState::Debugged => "debugged",
            ProcessState::DumpingCore => "dumping-core",
            ProcessState::Elsewhere => "elsewhere",
            ProcessState::NotShown => "not-shown",
        }
    }

    /// Whether it stands still until somebody lets it go on.
    pub const fn is_stopped(self) -> bool {
        matches!(self, ProcessState::Stopped | ProcessState::Debugged)
    }
}

impl User {
    /// Who that is, as far as it can be seen from here.
    pub(crate) fn of(identity: Identity, guest: bool) -> User {
        let Identity { pid, uid, start, pid_namespace } = identity;
        // A pid of another namespace means another process here, or none.
        let is_here = pid_namespace == process::identity().pid_namespace;
        let seen = is_here.then(|| process::condition(pid, start)).flatten();
        User {
            pid,
            uid,
            guest,
            command: is_here.then(|| process::command_line(pid, start)).flatten(),
            started_ns: process::started_ns(start),
            state: match seen.map(|condition| condition.activity) {
                Some(Activity::Running) => ProcessState::Running,
                Some(Activity::Stopped) => ProcessState::Stopped,
                Some(Activity::Held) => ProcessState::Debugged,
                Some(Activity::DumpingCore) => ProcessState::DumpingCore,
                None if is_here => ProcessState::NotShown,
                None => ProcessState::Elsewhere,
            },
            debugger: seen.and_then(|condition| condition.tracer),
        }
    }
}

impl fmt::Display for User {
    /// Who it is, and what it does if that is not usual.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}", self.pid)?;
        if let Some(command) = &self.command {
            write!(f, " ({command})")?;
        }
        match (self.state, self.debugger) {
            (ProcessState::Running, None) => Ok(()),
            (ProcessState::Running, Some(pid)) => write!(f, ", which pid {pid} debugs"),
            (ProcessState::Stopped, None) => f.write_str(", which a signal stopped"),
            (ProcessState::Stopped, Some(pid)) => {
                write!(f, ", which a signal stopped, and which pid {pid} debugs")
            }
            (ProcessState::Debugged, None) => f.write_str(", which a debugger has stopped"),
            (ProcessState::Debugged, Some(pid)) => {
                write!(f, ", which a debugger, pid {pid}, has stopped")
            }
            (ProcessState::DumpingCore, _) => {
                f.write_str(", which dumps core, and lives until that is done")
            }
            (ProcessState::Elsewhere, _) => f.write_str(" of another pid namespace"),
            (ProcessState::NotShown, _) => f.write_str(", which cannot be seen from here"),
        }
    }
}

impl Segment {
    /// The users and guests that live.
    pub(crate) fn users(&self) -> Result<Vec<User>> {
        let live = self.live_tokens()?;
        Ok(live.into_iter().map(|(token, state)| self.user(token, state)).collect())
    }

    fn user(&self, token: Token, state: RowState) -> User {
        User::of(self.signature(token.slot), state == RowState::Guest)
    }

    /// Who a row says that its holder is.
    fn signature(&self, slot: u16) -> Identity {
        let words = self.row_display(slot);
        let who = words[0].load(Ordering::Relaxed);
        Identity {
            pid: who as u32,
            uid: (who >> 32) as u32,
            start: words[1].load(Ordering::Relaxed),
            pid_namespace: words[2].load(Ordering::Relaxed),
        }
    }

    /// Who a token's holder says that it is, while the row still is its own.
    fn identity_of(&self, token: Token) -> Option<Identity> {
        let has_row = u32::from(token.slot) < self.header.max_users;
        let identity = has_row.then(|| self.signature(token.slot))?;
        (self.row_now(token.slot).generation == token.generation).then_some(identity)
    }

    /// Sleeps while the low half of one of its words is `expected`, until `until`, or until one of those dies for
    /// whom it waits, where the system tells that. Who lives is not judged by it: whoever waited asks the kernel.
    pub(crate) fn wait(
        &self,
        word: &AtomicU64,
        expected: u32,
        whom: impl Iterator<Item = Token>,
        until: Deadline,
    ) {
        let mut whose: Vec<Identity> = Vec::new();
        for identity in whom.filter_map(|token| self.identity_of(token)) {
            if !whose.contains(&identity) {
                whose.push(identity);
            }
        }
        wait::wait_or_death(word, expected, &whose, until);
    }

    /// A token's holder, while the row still is its own.
    pub(crate) fn user_of(&self, token: Token) -> Option<User> {
        self.pid_of(token)?;
        Some(self.user(token, RowState::User))
    }

    /// The pid that a token's holder wrote, while the row still is its own.
    pub(crate) fn pid_of(&self, token: Token) -> Option<u32> {
        self.identity_of(token).map(|identity| identity.pid)
    }
}

//! A scenario's folder and its actors: children that are told what to do, and say what they did.
//!
//! An actor is a closure in a forked child. Both sides talk by lines over a pair of sockets. An actor
//! that fails says why, and whoever listens to it fails with that; one that is silent for [`PATIENCE`]
//! hangs. Actors die with their scenario.

use super::kernel;
use crate::lab::raw::{self, Waited};
use crate::lab::storm::fork;
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// No word for so long is a hang.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// What came of a scenario in which nothing was found wrong.
#[derive(Debug)]
pub(super) enum Verdict {
    /// All held; what was looked at, in short.
    Held(String),
    /// It cannot be run here, for this reason.
    Cannot(String),
}

/// It held.
pub(super) fn held(text: impl Into<String>) -> Result<Verdict, String> {
    Ok(Verdict::Held(text.into()))
}

/// It cannot be run here.
pub(super) fn cannot(text: impl Into<String>) -> Result<Verdict, String> {
    Ok(Verdict::Cannot(text.into()))
}

/// A finding, unless `holds`.
pub(super) fn check(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}

/// Where a scenario is played.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    /// Where its objects are. It must be empty in the end.
    pub(super) folder: PathBuf,
    /// Whether it may take its time.
    pub(super) full: bool,
    /// What is chosen where not all can be tried.
    pub(super) seed: u64,
}

impl Stage {
    pub(super) fn new(folder: PathBuf, full: bool, seed: u64) -> Self {
        Self { folder, full, seed }
    }

    /// How long a process is stopped.
    pub(super) fn stop(&self) -> Duration {
        Duration::from_secs(if self.full { 60 } else { 1 })
    }

    /// The paths of what stands in the folder.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }

    /// The same, and what is in the objects' own folders.
    pub(super) fn all_files(&self) -> Vec<PathBuf> {
        let (folders, mut files): (Vec<_>, Vec<_>) =
            self.files().into_iter().partition(|path| path.is_dir());
        for folder in folders {
            let inside = std::fs::read_dir(folder).into_iter().flatten().flatten();
            files.extend(inside.map(|entry| entry.path()));
        }
        files
    }

    /// Starts an actor.
    pub(super) fn actor(
        &self,
        name: &'static str,
        act: impl FnOnce(&Talk) -> Result<(), String>,
    ) -> Result<Actor, String> {
        let (ours, theirs) = UnixStream::pair().map_err(|e| format!("no sockets: {e}"))?;
        let pid = fork::start(|| {
            // The scenario's end is not the actor's: what it forks hears when the scenario is over.
            let closed = kernel::close(ours.as_raw_fd(), ours.as_raw_fd());
            match closed.map_err(drop).and_then(|()| perform(theirs, act)) {
                Ok(()) => 0,
                Err(()) => fork::FOUND,
            }
        })?;
        Ok(Actor { name, pid, talk: Talk::new(ours), gone: false })
    }
}

/// An actor's side of its life.
fn perform(socket: UnixStream, act: impl FnOnce(&Talk) -> Result<(), String>) -> Result<(), ()> {
    let talk = Talk::new(socket);
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| act(&talk)));
    let text = match played {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(text)) => text,
        Err(panic) => format!("panicked: {}", words_of(&*panic)),
    };
    // Whoever listens may be gone; then nobody needs to know.
    let _ = talk.say(format!("failed {}", text.replace('\n', " ")));
    Err(())
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// One end of the talk between a scenario and an actor.
#[derive(Debug)]
pub(super) struct Talk {
    reader: RefCell<BufReader<UnixStream>>,
}

impl Talk {
    fn new(socket: UnixStream) -> Self {
        Self { reader: RefCell::new(BufReader::new(socket)) }
    }

    /// The number of its descriptor, which whoever closes all others spares.
    pub(super) fn number(&self) -> i32 {
        self.reader.borrow().get_ref().as_raw_fd()
    }

    /// Says a line.
    pub(super) fn say(&self, line: impl std::fmt::Display) -> Result<(), String> {
        let said = self.reader.borrow().get_ref().write_all(format!("{line}\n").as_bytes());
        said.map_err(|error| format!("`{line}` was not heard: {error}"))
    }

    /// Waits for the next line.
    pub(super) fn hear(&self) -> Result<String, String> {
        let mut line = String::new();
        match self.reader.borrow_mut().read_line(&mut line) {
            Ok(0) => Err("ended without a word".to_owned()),
            Ok(_) => Ok(line.trim_end().to_owned()),
            Err(error) => Err(format!("cannot be heard: {error}")),
        }
    }

    /// Says that something is so, and waits until it may go on.
    pub(super) fn pause(&self, line: &str) -> Result<(), String> {
        self.say(line)?;
        self.hear().map(drop)
    }

    /// Lets the other side hear that nobody is there any more.
    pub(super) fn hang_up(&self) {
        // It fails only where the other side is gone, which is as good.
        let _ = self.reader.borrow().get_ref().shutdown(std::net::Shutdown::Write);
    }

    fn is_readable(&self, patience: Duration) -> Result<bool, String> {
        let reader = self.reader.borrow();
        let ms = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
        let has_more = !reader.buffer().is_empty();
        Ok(has_more || raw::readable(reader.get_ref().as_fd(), ms).map_err(|e| e.to_string())?)
    }
}

/// A forked child that plays a part; killed and reaped when dropped.
#[derive(Debug)]
pub(super) struct Actor {
    name: &'static str,
    pub(super) pid: i32,
    pub(super) talk: Talk,
    gone: bool,
}

impl Actor {
    /// Tells it to go on.
    pub(super) fn go(&self) -> Result<(), String> {
        self.talk.say("go").map_err(|text| format!("{}: {text}", self.name))
    }

    /// Its next line.
    pub(super) fn hear(&self) -> Result<String, String> {
        self.hear_within(PATIENCE)
    }

    /// Its next line, which must come in time.
    pub(super) fn hear_within(&self, patience: Duration) -> Result<String, String> {
        if !self.talk.is_readable(patience)? {
            let place = whereabouts(self.pid);
            return Err(format!("hang: {} said nothing for {patience:?} [{place}]", self.name));
        }
        let line = self.talk.hear().map_err(|text| format!("{} {text}", self.name))?;
        match line.strip_prefix("failed ") {
            Some(text) => Err(format!("{}: {text}", self.name)),
            None => Ok(line),
        }
    }

    /// Its next line, which must be this one.
    pub(super) fn expect(&self, line: &str) -> Result<(), String> {
        let heard = self.hear()?;
        check(heard == line, || format!("{} was to say `{line}`, said `{heard}`", self.name))
    }

    /// Whether it has said something that was not heard yet.
    pub(super) fn has_said(&self) -> Result<bool, String> {
        self.talk.is_readable(Duration::ZERO)
    }

    /// Waits until it sleeps in the kernel, waiting for another process.
    pub(super) fn until_it_waits(&self) -> Result<(), String> {
        let waits = || Ok(crate::lab::oracle::in_futex(self.pid) || self.has_said()?);
        until("waiting in the kernel", waits)
            .map_err(|text| format!("{}: {text} [{}]", self.name, whereabouts(self.pid)))
    }

    /// Stops it, and returns once it stands still.
    pub(super) fn stop(&self) -> Result<(), String> {
        fork::send(self.pid, libc::SIGSTOP);
        until("stopped", || Ok(state(self.pid) == Some('T')))
    }

    /// Lets it go on.
    pub(super) fn resume(&self) {
        fork::send(self.pid, libc::SIGCONT);
    }

    /// Kills it, and returns once it is gone.
    pub(super) fn kill(&mut self) -> Result<(), String> {
        fork::send(self.pid, libc::SIGKILL);
        self.reap().map(drop)
    }

    /// Waits for its end, which must be a good one.
    pub(super) fn end(mut self) -> Result<(), String> {
        // A line that was not heard may say what went wrong.
        let rest = self.rest()?;
        match self.reap()? {
            Waited::Exited(0) => Ok(()),
            how => Err(format!("{} ended with {how:?}: {rest}", self.name)),
        }
    }

    /// How it ended, once it has.
    pub(super) fn gone(mut self) -> Result<Waited, String> {
        self.rest()?;
        self.reap()
    }

    /// What it says until its end.
    fn rest(&self) -> Result<String, String> {
        let mut rest = String::new();
        let mut reader = self.talk.reader.borrow_mut();
        let limit = reader.get_ref().set_read_timeout(Some(PATIENCE));
        limit.map_err(|error| error.to_string())?;
        let read = reader.read_to_string(&mut rest);
        let place = || format!("hang: {} does not end [{}]", self.name, whereabouts(self.pid));
        read.map_err(|_| place())?;
        Ok(rest.trim().to_owned())
    }

    fn reap(&mut self) -> Result<Waited, String> {
        let how = fork::reap(self.pid);
        self.gone = true;
        how
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        if !self.gone {
            fork::send(self.pid, libc::SIGKILL);
            // It fails only when it is gone already, which is what is wanted.
            let _ = fork::reap(self.pid);
        }
    }
}

/// Waits until something is so.
pub(super) fn until(what: &str, is_so: impl Fn() -> Result<bool, String>) -> Result<(), String> {
    let start = Instant::now();
    while !is_so()? {
        check(start.elapsed() < PATIENCE, || format!("not {what} after {PATIENCE:?}"))?;
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// The kernel's letter for what a process does; none once it is gone.
pub(super) fn state(pid: i32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Where a process is, for people.
fn whereabouts(pid: i32) -> String {
    let of = |what| std::fs::read_to_string(format!("/proc/{pid}/{what}")).unwrap_or_default();
    let state = state(pid).unwrap_or('?');
    format!("{state}, system call {}, at {}", of("syscall").trim(), of("wchan").trim())
}

/// What is executed in an actor's place: says so, and waits for its end.
pub(super) fn idle() -> Result<(), String> {
    println!("idle");
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).map(drop).map_err(|error| error.to_string())
}

//! A thread of the library's own, which the program need not know of.
//!
//! **Contract.**
//!
//! 1. A thread of [`start`] takes no signal that is sent to the process: handlers run on the program's
//!    threads. Signals of its own faults (SIGSEGV, SIGBUS and their like) it takes as every thread does.
//! 2. It keeps no process from ending, and a forked child does not have it.

#[cfg(unix)]
mod posix;
#[cfg(not(any(unix, windows)))]
mod stub;
#[cfg(all(test, unix))]
#[expect(dead_code, reason = "compiled to prove that it compiles")]
mod stub;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use posix as sys;
#[cfg(not(any(unix, windows)))]
use stub as sys;
#[cfg(windows)]
use windows as sys;

use std::thread::Builder;

use crate::error::{Error, Result};

/// Starts a thread that runs `body`, and lets it go.
///
/// # Errors
/// The system has no room for one more thread.
pub fn start(name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
    let builder = Builder::new().name(name.to_owned());
    // A new thread begins with the mask of the one that starts it.
    let started = sys::without_signals(|| builder.spawn(body));
    started.map(drop).map_err(|error| Error::new("start a thread", error))
}

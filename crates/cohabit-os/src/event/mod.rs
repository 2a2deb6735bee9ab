//! A descriptor that polls as readable while it is raised.
//!
//! **Contract.**
//!
//! 1. An [`Event`] is readable for poll, epoll, select and every event loop from [`Event::raise`] to
//!    [`Event::clear`]. Raising what is raised, and clearing what is not, changes nothing.
//! 2. Neither call waits or fails. What they do is seen by every copy of the descriptor, also by one
//!    that a forked child has.
//! 3. An event has one descriptor to poll, which is open as long as the event lives.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod portable;
#[cfg(not(any(unix, windows)))]
mod stub;
#[cfg(all(test, unix))]
#[expect(dead_code, reason = "compiled to prove that it compiles")]
mod stub;
#[cfg(windows)]
mod windows;

use crate::mechanism::sys;

use crate::error::Result;
use crate::handle::{AsFd, BorrowedFd, OwnedFd};

/// A descriptor that is readable while it is raised.
#[derive(Debug)]
pub struct Event {
    handle: Handle,
}

/// What a mechanism has of an event.
#[derive(Debug)]
struct Handle {
    /// What is polled.
    polled: OwnedFd,
    /// What is written to in order to raise it, where that is another descriptor.
    #[cfg_attr(not(unix), expect(dead_code, reason = "nothing is raised without a mechanism"))]
    raised: Option<OwnedFd>,
}

impl Event {
    /// A new event, not raised, close-on-exec.
    ///
    /// # Errors
    /// No descriptor is free, or the system has none of this kind.
    pub fn new() -> Result<Event> {
        Ok(Event { handle: sys!(new())? })
    }

    /// Makes it readable.
    pub fn raise(&self) {
        sys!(raise(&self.handle));
    }

    /// Makes it unreadable.
    pub fn clear(&self) {
        sys!(clear(&self.handle));
    }
}

impl AsFd for Event {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.polled.as_fd()
    }
}

//! A descriptor that polls as readable while it is raised.
//!
//! **Contract.**
//!
//! 1. An [`Event`] is readable for poll, epoll, select and every event loop from [`Event::raise`] to
//!    [`Event::clear`]. Raising what is raised, and clearing what is not, changes nothing.
//! 2. Neither call waits or fails. What they do is seen by every copy of the descriptor, also by one
//!    that a forked child has.
//! 3. An event has one descriptor, which is open as long as the event lives.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod stub;
#[cfg(all(test, target_os = "linux"))]
#[expect(dead_code, reason = "compiled to prove that it compiles")]
mod stub;

#[cfg(target_os = "linux")]
use linux as sys;
#[cfg(not(target_os = "linux"))]
use stub as sys;

use crate::error::Result;
use crate::handle::{AsFd, BorrowedFd};

/// A descriptor that is readable while it is raised.
#[derive(Debug)]
pub struct Event {
    handle: sys::Handle,
}

impl Event {
    /// A new event, not raised, close-on-exec.
    ///
    /// # Errors
    /// No descriptor is free, or the system has none of this kind.
    pub fn new() -> Result<Event> {
        Ok(Event { handle: sys::new()? })
    }

    /// Makes it readable.
    pub fn raise(&self) {
        sys::raise(&self.handle);
    }

    /// Makes it unreadable.
    pub fn clear(&self) {
        sys::clear(&self.handle);
    }
}

impl AsFd for Event {
    fn as_fd(&self) -> BorrowedFd<'_> {
        sys::descriptor(&self.handle)
    }
}

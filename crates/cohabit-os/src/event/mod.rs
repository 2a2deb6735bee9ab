//! A descriptor that polls as readable while it is raised.
//!
//! **Contract.**
//!
//! 1. An [`Event`] is readable for poll, epoll, select and every event loop from [`Event::raise`] to
//!    [`Event::clear`]. Raising what is raised, and clearing what is not, changes nothing.
//! 2. Neither call waits or fails. What they do is seen by every copy of the descriptor, also by one
//!    that a forked child has.
//! 3. An event has one descriptor, which is open as long as the event lives.
//! 4. A type with an event in it hands the descriptor out by [`hands_out_descriptor!`](crate::hands_out_descriptor); where the
//!    system has no descriptors, there is none to hand out.

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

#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use crate::error::Result;

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

#[cfg(unix)]
impl AsFd for Event {
    fn as_fd(&self) -> BorrowedFd<'_> {
        sys::descriptor(&self.handle)
    }
}

#[cfg(unix)]
impl AsRawFd for Event {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

/// Lets a type whose field is an [`Event`], or a pointer to one, hand out its descriptor by `AsFd` and
/// `AsRawFd`, where the system has descriptors.
#[cfg(unix)]
#[macro_export]
macro_rules! hands_out_descriptor {
    ($type:ty, $field:ident) => {
        impl ::std::os::fd::AsFd for $type {
            fn as_fd(&self) -> ::std::os::fd::BorrowedFd<'_> {
                ::std::os::fd::AsFd::as_fd(&*self.$field)
            }
        }

        impl ::std::os::fd::AsRawFd for $type {
            fn as_raw_fd(&self) -> ::std::os::fd::RawFd {
                ::std::os::fd::AsRawFd::as_raw_fd(&*self.$field)
            }
        }
    };
}

/// There are no descriptors here.
#[cfg(not(unix))]
#[macro_export]
macro_rules! hands_out_descriptor {
    ($type:ty, $field:ident) => {};
}

//! An event in tokio's reactor: feature `tokio`.
//!
//! **Contract.** [`Reactor::raised`] returns some time after the event was raised, or for no reason;
//! callers look again. Dropping its future, or dropping the `Reactor`, leaves the event as it is.

#[cfg(unix)]
mod posix;
#[cfg(not(unix))]
mod stub;
#[cfg(all(test, unix))]
#[expect(dead_code, reason = "compiled to prove that it compiles")]
mod stub;

#[cfg(unix)]
use posix as sys;
#[cfg(not(unix))]
use stub as sys;

use std::sync::Arc;

use crate::error::Result;
use crate::event::Event;

/// An event that the reactor of one tokio runtime watches.
#[derive(Debug)]
pub struct Reactor {
    watched: sys::Watched,
}

impl Reactor {
    /// Enters the event into the reactor of the runtime that this thread is in.
    ///
    /// # Errors
    /// What epoll says.
    ///
    /// # Panics
    /// Outside of a runtime, or in one without I/O: that is tokio's.
    pub fn new(event: Arc<Event>) -> Result<Reactor> {
        Ok(Reactor { watched: sys::watch(event)? })
    }

    /// Waits until the event was raised.
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn raised(&self) -> Result<()> {
        sys::raised(&self.watched).await
    }
}

//! Every Unix: tokio's `AsyncFd`, which is epoll or kqueue, told by edges.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::error::{Error, Result};
use crate::event::Event;
use crate::handle::AsFd;

pub(super) type Watched = AsyncFd<Source>;

/// An event by the number that epoll knows it by.
#[derive(Debug)]
pub(super) struct Source(Arc<Event>);

impl AsRawFd for Source {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

pub(super) fn watch(event: Arc<Event>) -> Result<Watched> {
    // SAFETY: an event has one descriptor, open as long as the event lives (Invariant 3 of `event`),
    // and the pointer that moves into the `AsyncFd` keeps it alive.
    let watched = unsafe { AsyncFd::register_with_interest(Source(event), Interest::READABLE) };
    watched.map_err(|error| Error::new("epoll_ctl", error.into_parts().1))
}

pub(super) async fn raised(watched: &Watched) -> Result<()> {
    let guard = watched.readable().await;
    // Only what this guard saw is forgotten, so the edge of a later raise is not.
    guard.map(|mut guard| guard.clear_ready()).map_err(|error| Error::new("epoll_wait", error))
}

//! Linux: tokio's `AsyncFd`, which is epoll, told by edges.

use std::sync::Arc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::error::{Error, Result};
use crate::event::Event;

pub(super) type Watched = AsyncFd<Arc<Event>>;

pub(super) fn watch(event: Arc<Event>) -> Result<Watched> {
    // SAFETY: an event has one descriptor, open as long as the event lives (Invariant 3 of `event`),
    // and the pointer that moves into the `AsyncFd` keeps it alive.
    let watched = unsafe { AsyncFd::register_with_interest(event, Interest::READABLE) };
    watched.map_err(|error| Error::new("epoll_ctl", error.into_parts().1))
}

pub(super) async fn raised(watched: &Watched) -> Result<()> {
    let guard = watched.readable().await;
    // Only what this guard saw is forgotten, so the edge of a later raise is not.
    guard.map(|mut guard| guard.clear_ready()).map_err(|error| Error::new("epoll_wait", error))
}

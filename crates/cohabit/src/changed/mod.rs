//! Waiting for a change without blocking: futures, and a descriptor that polls.
//!
//! [`Value::changed`] is [`Value::wait_changed`] as a future, and [`Value::changed_version`] is
//! [`Value::wait_version`]; a [`SharedView`](crate::SharedView) and the views of its parts have the same two. They are plain futures of the standard
//! library and run in any executor. There is no timeout in them, since every runtime has its own, and
//! dropping one is all it takes to cancel it: from then on its task is not woken.
//!
//! [`Value::change_fd`] is for loops that poll descriptors (poll, epoll, mio, glib, Qt): a [`ChangeFd`]
//! is readable once the value has changed. With the feature `tokio`, `ChangeFd::into_tokio` lets
//! tokio's reactor watch it; `changed` needs no feature, in tokio too.
//!
//! # Two processes
//! The one that measures is an ordinary program:
//! ```no_run
//! use cohabit::{SharedValue, plain};
//!
//! #[plain]
//! #[derive(Debug, Default)]
//! struct Engine { rpm: u32, celsius: f32 }
//!
//! let engine = SharedValue::<Engine>::open_or_create("engine", Engine::default)?;
//! for rpm in 900.. {
//!     engine.update(|engine| engine.rpm = rpm)?;
//!     std::thread::sleep(std::time::Duration::from_millis(100));
//! }
//! # Ok::<(), cohabit::Error>(())
//! ```
//! The one that watches is an asynchronous one, here with tokio:
//! ```no_run
//! use std::time::Duration;
//! use cohabit::{SharedValue, plain};
//!
//! #[plain]
//! #[derive(Debug, Default)]
//! struct Engine { rpm: u32, celsius: f32 }
//!
//! #[tokio::main]
//! async fn main() -> cohabit::Result<()> {
//!     let engine = SharedValue::<Engine>::open_or_create("engine", Engine::default)?;
//!     let (mut now, mut seen) = engine.read()?;
//!     loop {
//!         println!("{now:?}");
//!         tokio::select! {
//!             changed = engine.changed(seen) => (now, seen) = changed?,
//!             () = tokio::time::sleep(Duration::from_secs(5)) => println!("nothing for 5 s"),
//!         }
//!     }
//! }
//! ```
//! A future tells that there is a newer value, and gives the newest; as with `wait_changed`, values
//! that were replaced meanwhile are not seen.
//!
//! # The thread behind it
//! The first future or descriptor of a process that has to wait starts one thread, which serves all of
//! them, however many objects there are (each copy of this library in a process has its own). It never writes to an object, takes no signals of the process,
//! stays for the next one when nobody waits (asleep, at no cost), and does not keep the process from
//! ending. Where it cannot be started, waiting fails with `System`.
//!
//! Wakers are called on it, with no lock held: a waker that blocks delays all others, a waker that
//! panics delays nobody.
//!
//! How soon it hears of a change:
//!
//! | what | how | after the commit |
//! |---|---|---|
//! | the 127 values of users that were awaited last | the kernel wakes it | at once |
//! | more of them; all of them where the kernel lacks futex_waitv (before Linux 5.16) | it looks, in growing pauses | 1 to 10 ms |
//! | values that are seen through a [`SharedView`](crate::SharedView), which may not ask to be woken | it looks, in growing pauses | 1 to 20 ms |
//! | a writer that was killed between its commit and its wake-up | it looks | at most 100 ms |
//! | the end of the instance; the loss of its name | it looks; it asks the kernel | at most 100 ms; about 1 s |
//!
//! # If a peer dies
//! As for the calls that block: what it had committed is seen.
//!
//! # After fork
//! The child has no such thread. There, futures of a user say `Forked`, as every call on a cell does,
//! those of a view go on, and what is awaited in the child starts a thread of the child's own. A
//! [`ChangeFd`] belongs to the process that made it.
//!
//! # Platforms
//! - Windows hears at once of the 31 values of users that were awaited last; `into_tokio` is `Unsupported` there, and a
//!   [`ChangeFd`] is a handle for WaitForMultipleObjects.
//! - The portable mechanism (macOS, FreeBSD) looks, in pauses of up to 4 ms.

mod calls;
mod descriptor;
mod rounds;
#[cfg(feature = "tokio")]
mod tokio_fd;
mod wait;
mod watch;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll, ready};

use crate::error::Result;
use crate::plain::Plain;
use crate::value::{Value, Version, assert_small};
use crate::views::View;
use wait::{Wait, Who};

pub use descriptor::ChangeFd;
#[cfg(feature = "tokio")]
pub use tokio_fd::TokioChangeFd;

/// The next value that is not of the version seen, and its version: see [`Value::changed`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Changed<'a, T: Plain> {
    value: &'a Value<T>,
    version: ChangedVersion<'a>,
}

/// The next version that is not the one seen: see [`Value::changed_version`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct ChangedVersion<'a> {
    commit: &'a AtomicU64,
    who: Who<'a>,
    wait: Wait,
}

impl Future for ChangedVersion<'_> {
    type Output = Result<Version>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { commit, who, wait } = &mut *self;
        wait.poll(commit, *who, cx.waker())
    }
}

impl<T: Plain> Future for Changed<'_, T> {
    type Output = Result<(T, Version)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(Pin::new(&mut self.version).poll(cx))?;
        Poll::Ready(match self.version.who {
            Who::User => self.value.read(),
            Who::View(member) => View::new(self.value, member).read(),
        })
    }
}

impl<'a, T: Plain> Changed<'a, T> {
    fn new(value: &'a Value<T>, who: Who<'a>, seen: Version) -> Self {
        assert_small::<T>();
        Self { value, version: ChangedVersion::new(value.commit_word(), who, seen) }
    }
}

impl<'a> ChangedVersion<'a> {
    fn new(commit: &'a AtomicU64, who: Who<'a>, seen: Version) -> Self {
        Self { commit, who, wait: Wait::new(seen) }
    }
}

impl fmt::Debug for ChangedVersion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangedVersion").field("seen", &self.wait.seen()).finish_non_exhaustive()
    }
}

impl<T: Plain> fmt::Debug for Changed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changed").field("seen", &self.version.wait.seen()).finish_non_exhaustive()
    }
}

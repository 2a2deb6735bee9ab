//! A [`ChangeFd`] in tokio's reactor.

use cohabit_os::reactor::Reactor;

use super::descriptor::ChangeFd;
use crate::error::{Error, Result};
use crate::value::Version;

/// A [`ChangeFd`] that tokio's reactor watches (feature `tokio`).
///
/// Where [`Value::changed`](crate::Value::changed) borrows its handle, this holds on to the object by
/// itself, so that a task may own it. Registering a descriptor with tokio by hand takes `unsafe`, and
/// rearming in the wrong order misses changes; this does both right.
///
/// ```no_run
/// # async fn watch() -> cohabit::Result<()> {
/// let rpm = cohabit::SharedValue::<u32>::open("rpm")?;
/// let (mut now, mut seen) = rpm.read()?;
/// let mut fd = rpm.change_fd(seen)?.into_tokio()?;
/// while now < 9000 {
///     fd.changed(seen).await?;
///     (now, seen) = rpm.read()?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TokioChangeFd {
    /// Dropped first: the reactor forgets the descriptor before it is closed.
    reactor: Reactor,
    fd: ChangeFd,
}

impl ChangeFd {
    /// Has the reactor of the tokio runtime that this thread is in watch the descriptor.
    ///
    /// # Errors
    /// `System`: what the reactor says.
    ///
    /// # Panics
    /// Outside of a runtime, or in one without I/O (`enable_io`): that is tokio's.
    pub fn into_tokio(self) -> Result<TokioChangeFd> {
        let reactor = Reactor::new(self.event());
        let reactor = reactor.map_err(|e| {
            Error::from_os(self.name(), "entering a descriptor into the reactor", e)
        })?;
        Ok(TokioChangeFd { reactor, fd: self })
    }
}

impl TokioChangeFd {
    /// Resolves, once the version is not `seen` any more, to the version. Dropping the future cancels
    /// it, and no change is missed by that.
    ///
    /// # Errors
    /// As [`ChangeFd::rearm`]; `System` when the runtime is shutting down.
    pub async fn changed(&mut self, seen: Version) -> Result<Version> {
        loop {
            let now = self.fd.rearm(seen)?;
            if now != seen {
                return Ok(now);
            }
            let raised = self.reactor.raised().await;
            raised.map_err(|e| Error::from_os(self.fd.name(), "waiting in the reactor", e))?;
        }
    }
}

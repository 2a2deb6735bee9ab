//! Waiting until an object stands under a name.
//!
//! There is nothing to be woken by while there is no object, so whoever waits looks again: after 1 ms,
//! then after twice as long, and at last every 20 ms. A look is an ordinary opening. So it takes away
//! what dead users left, as every opener does, and it waits for a constructor as every opener does.

use std::sync::Arc;
use std::time::Duration;

use cohabit_os::wait::{self, Deadline};

use crate::attach::{Plan, Verb, attach};
use crate::error::{Error, ErrorKind, Result};
use crate::member::{Attachment, Role};
use crate::place::{Place, root_of};
use crate::shareable::Shareable;
use crate::shared::{Options, Shared};
use crate::view::SharedView;

/// The first pause and the longest one between two looks.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

impl<T: Shareable + ?Sized> Shared<T> {
    /// Opens an object as soon as there is one: waits for it at most `timeout`.
    ///
    /// It waits while the name or its folder does not exist yet, while the object is being constructed,
    /// and while only what dead users left stands there. It looks every 1 to 20 ms.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// let rpm = cohabit::SharedValue::<u32>::open_wait("rpm", Duration::from_secs(5))?;
    /// # Ok::<(), cohabit::Error>(())
    /// ```
    ///
    /// # Errors
    /// `TimedOut`, which says where it was awaited; what else [`Shared::open`] refuses, at once.
    pub fn open_wait(name: &str, timeout: Duration) -> Result<Self> {
        Self::options().open_wait(name, timeout)
    }

    /// Opens an object for reading only as soon as there is one: waits for it at most `timeout`.
    ///
    /// # Errors
    /// As [`Shared::open_wait`]; `Unsupported` on 32-bit targets.
    pub fn open_read_only_wait(name: &str, timeout: Duration) -> Result<SharedView<T>> {
        Self::options().open_read_only_wait(name, timeout)
    }
}

impl<T: Shareable + ?Sized> Options<T> {
    /// See [`Shared::open_wait`]. The timeout here takes the place of [`Options::timeout`].
    ///
    /// # Errors
    /// The same.
    pub fn open_wait(&self, name: &str, timeout: Duration) -> Result<Shared<T>> {
        appeared(&self.plan(name, Role::User), timeout).map(Shared::over)
    }

    /// See [`Shared::open_read_only_wait`]. The timeout here takes the place of [`Options::timeout`].
    ///
    /// # Errors
    /// The same.
    pub fn open_read_only_wait(&self, name: &str, timeout: Duration) -> Result<SharedView<T>> {
        appeared(&self.plan(name, Role::Observer), timeout).map(SharedView::over)
    }
}

/// Attaches as soon as there is something to attach to.
fn appeared(plan: &Plan<'_>, timeout: Duration) -> Result<Arc<Attachment>> {
    let deadline = Deadline::after(timeout);
    let mut pauses = Pauses::until(deadline);
    loop {
        let absent = match look_once(plan, deadline) {
            Err(error) if is_absence(&error) => error,
            found => return found,
        };
        if !pauses.pause() {
            return Err(timed_out(plan, timeout, &absent));
        }
    }
}

/// One look: an opening that waits for a constructor until `deadline`.
pub(crate) fn look_once(plan: &Plan<'_>, deadline: Deadline) -> Result<Arc<Attachment>> {
    let mut settings = plan.settings.clone();
    settings.timeout = Some(deadline.remaining());
    attach(&Plan { settings: &settings, ..*plan }, Verb::Open, &mut |_| Ok(()))
}

/// Whether an opening failed since there is nothing there yet: no folder, no object, or one that is
/// still being built, ended or entered by somebody who does not get on.
pub(crate) fn is_absence(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::FolderMissing | ErrorKind::Busy)
}

/// The error of whoever waited in vain: for what, where, how long, and what the last look found.
pub(crate) fn timed_out(plan: &Plan<'_>, timeout: Duration, last: &Error) -> Error {
    let place = match Place::find(&plan.settings.scope, plan.name, false) {
        Ok(Some(place)) => place.folder,
        _ => root_of(&plan.settings.scope),
    };
    let (place, found) = (place.display().to_string(), last.detail());
    let at = if found.contains(&place) { String::new() } else { format!(", in {place}") };
    let detail = format!("no object came in {timeout:?}: {found}{at}");
    Error::new(ErrorKind::TimedOut, plan.name, detail)
}

/// Growing pauses until a deadline.
#[derive(Debug)]
pub(crate) struct Pauses {
    next: Duration,
    deadline: Deadline,
}

impl Pauses {
    pub(crate) fn until(deadline: Deadline) -> Self {
        Self { next: PAUSES.0, deadline }
    }

    /// Pauses, and says whether it is worth looking again: not so once the deadline has passed.
    pub(crate) fn pause(&mut self) -> bool {
        let left = self.deadline.remaining();
        if left.is_zero() {
            return false;
        }
        wait::pause(self.next.min(left));
        self.next = (self.next * 2).min(PAUSES.1);
        true
    }
}

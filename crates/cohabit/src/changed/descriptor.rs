//! A descriptor that polls as readable once a value has changed.
//!
//! It is a wait like a future's, whose waker raises an event.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Poll, Wake, Waker};

use cohabit_os::event::Event;

use super::wait::{Wait, Who};
use super::watch::{self, Watch};
use crate::error::{Error, ErrorKind, Result};
use crate::member::{Attachment, Role};
use crate::value::Version;

/// A descriptor for loops that poll: readable once the value's version is not the one last named to
/// [`rearm`](ChangeFd::rearm), or the object is over.
///
/// It implements `AsFd`: poll it for reading; never read from it, write to it or close it. On Windows it implements
/// `AsHandle`: WaitForMultipleObjects takes it. It may become readable for no reason, and it stays readable until
/// it is rearmed. It holds on to the object as a handle does: this process does not leave the object
/// before it is dropped.
///
/// Made by [`Value::change_fd`](crate::Value::change_fd) and
/// [`SharedView::change_fd`](crate::SharedView::change_fd).
///
/// ```no_run
/// use rustix::event::{PollFd, PollFlags, poll};
///
/// let rpm = cohabit::SharedValue::<u32>::open("rpm")?;
/// let (mut now, mut seen) = rpm.read()?;
/// let mut fd = rpm.change_fd(seen)?;
/// while now < 9000 {
///     poll(&mut [PollFd::new(&fd, PollFlags::IN)], None).map_err(std::io::Error::from)?;
///     (now, seen) = rpm.read()?;
///     fd.rearm(seen)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # If a peer dies
/// What it had committed is seen, after at most 100 ms.
///
/// # After fork
/// It belongs to the process that made it: in a child, `rearm` says `Forked`, and the copy of the
/// descriptor polls as the parent's does.
pub struct ChangeFd {
    /// Dropped first, so that nobody is called any more.
    wait: Wait,
    /// Raises the event.
    waker: Waker,
    event: Arc<Event>,
    /// The commit word, from the start of the mapping.
    at: usize,
    attachment: Arc<Attachment>,
    /// The book of the process that made it.
    made_in: &'static Watch,
}

cohabit_os::has_descriptor!(ChangeFd, event);

/// A waker that raises an event.
struct Raise(Arc<Event>);

impl Wake for Raise {
    fn wake(self: Arc<Self>) {
        self.0.raise();
    }
}

impl ChangeFd {
    pub(super) fn new(who: Who<'_>, commit: &AtomicU64, seen: Version) -> Result<ChangeFd> {
        let attachment = who.attachment(commit)?;
        let member = attachment.member();
        let name = |error: Error| error.about(&member.segment.name);
        let event = Event::new().map_err(|e| Error::from_os("", "making a descriptor", e));
        let event = Arc::new(event.map_err(name)?);
        let waker = Waker::from(Arc::new(Raise(Arc::clone(&event))));
        let at = commit.as_ptr().addr() - member.base();
        let made_in = watch::here().map_err(name)?;
        let mut fd = ChangeFd { wait: Wait::new(seen), waker, event, at, attachment, made_in };
        fd.rearm(seen)?;
        Ok(fd)
    }

    /// From now on it is readable once the version is not `seen`: at once, if it is not so already.
    /// Says the version now.
    ///
    /// Give it the version that was read, after reading: then no change is missed.
    ///
    /// # Errors
    /// `Ended` or `NameLost` when the instance is over, and it then is readable; `Forked`,
    /// `LivenessLost`; `System` when the waiting thread cannot be started.
    pub fn rearm(&mut self, seen: Version) -> Result<Version> {
        self.check_here()?;
        // In this order: the wait before it raises nothing any more, or so soon that it is for nothing.
        self.wait = Wait::new(seen);
        self.event.clear();
        let member = self.attachment.member();
        let who = match member.key().1 {
            Role::Observer => Who::View(member),
            _ => Who::User,
        };
        match self.wait.poll(member.segment.word(self.at), who, &self.waker) {
            Poll::Pending => Ok(seen),
            Poll::Ready(outcome) => {
                self.event.raise();
                outcome
            }
        }
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        &self.attachment.member().segment.name
    }

    fn check_here(&self) -> Result<()> {
        if self.made_in.is_here() {
            return Ok(());
        }
        let detail = "this descriptor was made by a parent process, whose thread raises it";
        Err(Error::new(ErrorKind::Forked, self.name(), detail))
    }

    /// The event, for a reactor.
    #[cfg(feature = "tokio")]
    pub(super) fn event(&self) -> Arc<Event> {
        Arc::clone(&self.event)
    }
}

impl fmt::Debug for ChangeFd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = self.wait.seen();
        f.debug_struct("ChangeFd")
            .field("name", &self.name())
            .field("seen", &seen)
            .finish_non_exhaustive()
    }
}

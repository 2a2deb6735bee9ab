//! Following a name: its values across the ends, restarts and deaths of those who make the object.
//!
//! A follower is attached to one instance at a time. It lets go when that one has ended, or when the
//! name no longer stands for it, and then waits for the next one as [`crate::appear`] does. A value is
//! new if its version is not the one returned last, or if its instance is another; so an instance is
//! told apart by its id and never by its versions, which begin at 1 in each.
//!
//! The last commit of a life is looked for once more after its end was seen, since it may have come
//! between the look at the version and the look at the life.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cohabit_os::mapping::status_of;
use cohabit_os::wait::Deadline;

use crate::appear::{Pauses, is_absence, look_once, timed_out};
use crate::attach::{Plan, check_observing, standing};
use crate::error::{Error, ErrorKind, Result};
use crate::format::InstanceId;
use crate::member::{Attachment, Role};
use crate::name::check_name;
use crate::plain::Plain;
use crate::segment::Segment;
use crate::shared::{Options, Shared};
use crate::status::{Standing, Status};
use crate::value::{Value, Version};
use crate::view::SharedView;

/// How long one wait for a change lasts before the name is looked at: somebody may have renamed the
/// file, which neither its life nor its link count tells.
const NAME_POLL: Duration = Duration::from_millis(100);

/// The values of a name, whoever makes the object, and however often it is made anew: what a client
/// of a service needs that may be restarted, upgraded or killed.
///
/// ```no_run
/// use std::time::Duration;
/// use cohabit::SharedValue;
///
/// let mut rpm = SharedValue::<u32>::follow("rpm")?; // the object need not exist yet
/// let mut life = 0;
/// loop {
///     let (value, version) = rpm.next(Duration::from_secs(5))?;
///     if rpm.life() != life {
///         life = rpm.life();
///         println!("the service has started anew");
///     }
///     println!("{value} (version {version})");
/// }
/// # #[allow(unreachable_code)]
/// # Ok::<(), cohabit::Error>(())
/// ```
///
/// It sees the latest value, not each one: commits, and whole lives, that come and go between two
/// looks are passed over.
///
/// # If a peer dies
/// While all users of the object are dead, nothing new comes; [`Follow::status`] then says `Orphan`.
/// The next service makes a new instance, and the follower goes on with that.
///
/// # After fork
/// A child has the follower where it was, and goes on by itself.
pub struct Follow<T: Plain> {
    name: String,
    options: Options<Value<T>>,
    role: Role,
    at: Option<At<T>>,
    /// The instance of the current life, kept while not attached: coming back to it is no new life.
    instance: Option<InstanceId>,
    /// The instance whose type is another, which the caller was told.
    refused: Option<InstanceId>,
    life: u64,
    seen: Version,
}

/// As what a follower is attached.
enum At<T: Plain> {
    Observer(SharedView<Value<T>>),
    User(Shared<Value<T>>),
}

impl<T: Plain> Shared<Value<T>> {
    /// Follows the values of a name across restarts and lives of the object: see [`Follow`].
    ///
    /// The follower is an observer: it disturbs nobody and keeps nothing alive. It looks for a change
    /// every 1 to 20 ms; [`Options::follow_as_user`] makes one that is woken.
    ///
    /// # Errors
    /// Those about names; `Unsupported` on 32-bit targets, where only a user can follow. What stands,
    /// or does not stand, under the name is told by [`Follow::next`].
    pub fn follow(name: &str) -> Result<Follow<T>> {
        Self::options().follow(name)
    }
}

impl<T: Plain> Options<Value<T>> {
    /// See [`Shared::follow`]. [`Options::timeout`] has no part in it.
    ///
    /// # Errors
    /// The same.
    pub fn follow(&self, name: &str) -> Result<Follow<T>> {
        check_observing(name)?;
        self.follow_as(name, Role::Observer)
    }

    /// Follows as a user: woken at each commit within microseconds, where an observer looks again
    /// after 1 to 20 ms.
    ///
    /// A user has a slot and keeps a `WhileUsed` object alive. So a service that is restarted finds
    /// the object with its last value, and goes on in the same life; a new life begins only after the
    /// name was taken away.
    ///
    /// # Errors
    /// Those about names.
    pub fn follow_as_user(&self, name: &str) -> Result<Follow<T>> {
        self.follow_as(name, Role::User)
    }

    fn follow_as(&self, name: &str, role: Role) -> Result<Follow<T>> {
        check_name(name)?;
        Ok(Follow {
            name: name.to_owned(),
            options: self.clone(),
            role,
            at: None,
            instance: None,
            refused: None,
            life: 0,
            seen: Version::NONE,
        })
    }
}

impl<T: Plain> Follow<T> {
    /// Waits for a value that was not returned yet, at most `timeout`; then the value and its version.
    /// The first call returns the value that is there, if one is.
    ///
    /// # Errors
    /// - `TimedOut`: nothing new came; the text says whether an object is there.
    /// - `TypeMismatch`: a new life has another type. It is told once; the next call waits for the
    ///   life after it.
    /// - `BadBits`, `Corrupt`: a peer broke the rules; the next call waits for another version.
    /// - What else [`Shared::open`] and [`Value::get`] refuse. Following goes on with the next call.
    pub fn next(&mut self, timeout: Duration) -> Result<(T, Version)> {
        self.next_by(timeout, |at| match at {
            At::Observer(view) => view.read(),
            At::User(object) => object.read(),
        })
    }

    /// The same for a large T: copies the value into `into` and says its version.
    ///
    /// # Errors
    /// As [`Follow::next`]; `into` then holds some value of its type, which nobody may have written.
    pub fn next_into(&mut self, into: &mut T, timeout: Duration) -> Result<Version> {
        let next = self.next_by(timeout, |at| {
            let version = match at {
                At::Observer(view) => view.get_into(into),
                At::User(object) => object.get_into(into),
            };
            version.map(|version| ((), version))
        });
        next.map(|((), version)| version)
    }

    /// Which life of the name the last value belongs to: 1 for the first that this follower met, one
    /// more for each new instance, and 0 as long as it met none.
    pub fn life(&self) -> u64 {
        self.life
    }

    /// The followed name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the instance stands that this follower is attached to; `None` while it waits for one.
    /// Asks the kernel.
    ///
    /// # Errors
    /// `LivenessLost`.
    pub fn status(&self) -> Result<Option<Status>> {
        self.at.as_ref().map(|at| at.segment().status_as::<Value<T>>()).transpose()
    }

    fn next_by<R>(
        &mut self,
        timeout: Duration,
        read: impl FnOnce(&At<T>) -> Result<(R, Version)>,
    ) -> Result<(R, Version)> {
        let deadline = Deadline::after(timeout);
        let (at, version) = loop {
            match &self.at {
                Some(at) => match at.change(self.seen, deadline) {
                    Change::To(version) => break (at, version),
                    Change::None => return Err(self.unchanged(at, timeout)),
                    Change::Failed(error) => return Err(error),
                    Change::Over => self.at = None,
                },
                None => self.attach(deadline, timeout)?,
            }
        };
        let outcome = read(at);
        self.seen = match &outcome {
            Ok((_, read)) => *read,
            // Writers were too fast for this reader, which says nothing of what they wrote.
            Err(error) if error.kind() == ErrorKind::Busy => self.seen,
            // The same bits would be refused for ever.
            Err(_) => version,
        };
        outcome
    }

    /// Attaches to what stands under the name, as soon as something does.
    fn attach(&mut self, deadline: Deadline, timeout: Duration) -> Result<()> {
        let options = self.options.clone();
        let name = self.name.clone();
        let plan = options.plan(&name, self.role);
        let mut pauses = Pauses::until(deadline);
        loop {
            let absent = match self.look(&plan, deadline) {
                Ok(attachment) => {
                    self.lives_in(attachment.member().segment.id);
                    self.at = Some(match self.role {
                        Role::Observer => At::Observer(SharedView::over(attachment)),
                        _ => At::User(Shared::over(attachment)),
                    });
                    return Ok(());
                }
                Err(error) if is_absence(&error) => error,
                Err(error) => {
                    self.refused = error.instance();
                    return Err(error);
                }
            };
            if !pauses.pause() {
                return Err(timed_out(&plan, timeout, &absent));
            }
        }
    }

    /// One look, which passes over the instance that the caller was told not to fit.
    fn look(&self, plan: &Plan<'_>, deadline: Deadline) -> Result<Arc<Attachment>> {
        if self.refused.is_some() && self.refused == standing(plan)? {
            let detail = "the object that stands there has another type";
            return Err(Error::new(ErrorKind::NotFound, plan.name, detail));
        }
        look_once(plan, deadline)
    }

    fn lives_in(&mut self, id: InstanceId) {
        self.refused = None;
        if self.instance != Some(id) {
            self.instance = Some(id);
            self.life += 1;
            self.seen = Version::NONE;
        }
    }

    #[cold]
    fn unchanged(&self, at: &At<T>, timeout: Duration) -> Error {
        let state = match at.segment().standing() {
            Ok(Standing::Orphan) => "; all its users are dead",
            _ => "",
        };
        let path = at.segment().path.as_deref().unwrap_or(Path::new("")).display();
        let detail =
            format!("version {} did not change in {timeout:?} at {path}{state}", self.seen);
        Error::new(ErrorKind::TimedOut, &self.name, detail)
    }
}

/// What came of waiting for a change of one instance.
enum Change {
    To(Version),
    /// The deadline passed.
    None,
    /// The instance has ended, or does not stand under the name any more.
    Over,
    Failed(Error),
}

impl<T: Plain> At<T> {
    fn segment(&self) -> &Segment {
        match self {
            At::Observer(view) => &view.member().segment,
            At::User(object) => &object.member().segment,
        }
    }

    fn wait(&self, seen: Version, timeout: Duration) -> Result<Version> {
        match self {
            At::Observer(view) => view.wait_version(seen, timeout),
            At::User(object) => object.wait_version(seen, timeout),
        }
    }

    /// Waits until the version is not `seen`, or there is no point in waiting here.
    fn change(&self, seen: Version, deadline: Deadline) -> Change {
        loop {
            match self.wait(seen, deadline.remaining().min(NAME_POLL)) {
                Ok(version) => return Change::To(version),
                Err(error) if is_over(&error) => break,
                Err(error) if error.kind() != ErrorKind::TimedOut => return Change::Failed(error),
                Err(_) if !self.is_named() => break,
                Err(_) if deadline.has_passed() => return Change::None,
                Err(_) => {}
            }
        }
        // Its last commit may have come since the version was looked at.
        match self.wait(seen, Duration::ZERO) {
            Ok(version) => Change::To(version),
            Err(_) => Change::Over,
        }
    }

    /// Whether the name still stands for this instance's file.
    fn is_named(&self) -> bool {
        let segment = self.segment();
        let found = segment.path.as_deref().map(status_of);
        found.is_some_and(|found| found.is_ok_and(|status| status.id == segment.id.file))
    }
}

/// Whether an attachment has no future: its instance ended, its name is gone (so that the kernel can
/// no longer be asked, if the program closed the descriptor), or it is a parent process's.
fn is_over(error: &Error) -> bool {
    use ErrorKind::{Ended, Forked, LivenessLost, NameLost};
    matches!(error.kind(), Ended | Forked | LivenessLost | NameLost)
}

impl<T: Plain> fmt::Debug for Follow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("name", &self.name)
            .field("life", &self.life)
            .finish_non_exhaustive()
    }
}

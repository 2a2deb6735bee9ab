//! `Shared<T>`: an object by name, used through `&T`.

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use crate::attach::{Plan, Verb, attach, observe};
use crate::build::{Build, Place, build_in_place};
use crate::create::BuildFn;
use crate::error::Result;
use crate::member::{Attachment, Member, Role};
use crate::options::{Keep, Scope, Settings};
use crate::segment::Segment;
use crate::shareable::{Shareable, WantedOf};
use crate::status::{Standing, Status};
use crate::users::User;
use crate::value::fill::{Fill, Filled};
use crate::value::{Contents, Value};
use crate::view::SharedView;

/// A handle on an object that lives in several processes at once. Dereferencing it is a pointer,
/// nothing else; cloning it gives another handle on the same attachment.
///
/// When the last handle of this process goes, the process leaves the object; when the last user
/// leaves a [`Keep::WhileUsed`] object, nothing of it stays. A handle in a `static` leaves at `exit`; on
/// Windows when `main` returns, and `std::process::exit` is as a kill there.
///
/// # If a peer dies
/// Its slot is free for others, its locks can be had, and what it had committed stays.
///
/// # After fork
/// The child is not attached: calls on cells say `Forked` until the child opens the object anew;
/// plain atomics still work and are the parent's; dropping the handle does nothing.
pub struct Shared<T: Shareable + ?Sized> {
    object: NonNull<T>,
    attachment: Arc<Attachment>,
}

/// An object that is one value, or a slice of values: see [`Value`].
pub type SharedValue<T> = Shared<Value<T>>;

// SAFETY: a handle gives `&T` only, and T is Sync; the pointer is to memory shared by all threads.
unsafe impl<T: Shareable + ?Sized> Send for Shared<T> {}
// SAFETY: as for Send.
unsafe impl<T: Shareable + ?Sized> Sync for Shared<T> {}

impl<T: Shareable + ?Sized> Deref for Shared<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the attachment keeps the mapping, the type was checked at the opening, and by the
        // contract of Shareable any bits are a T that may be used through `&T` while peers change it.
        unsafe { self.object.as_ref() }
    }
}

impl<T: Shareable + ?Sized> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self { object: self.object, attachment: Arc::clone(&self.attachment) }
    }
}

impl<T: Shareable + ?Sized> Shared<T> {
    pub(crate) fn over(attachment: Arc<Attachment>) -> Self {
        let segment = &attachment.member().segment;
        let object = T::from_parts(segment.object(), segment.tail_len());
        let object = NonNull::new(object).expect("a mapping is not at address 0");
        Self { object, attachment }
    }

    pub(crate) fn member(&self) -> &Member {
        self.attachment.member()
    }

    /// Opens the object, or constructs it if there is none: exactly once, however many race.
    ///
    /// # Errors
    /// Every kind of [`ErrorKind`](crate::ErrorKind) that is about names, places, types, resources
    /// and constructors.
    pub fn open_or_create<I>(name: &str, build: impl FnOnce() -> I) -> Result<Self>
    where
        T: Build<I>,
    {
        Self::options().open_or_create(name, build)
    }

    /// Constructs a new object.
    ///
    /// # Errors
    /// `AlreadyExists` if one of this name is in use; else as [`Shared::open_or_create`].
    pub fn create<I>(name: &str, build: impl FnOnce() -> I) -> Result<Self>
    where
        T: Build<I>,
    {
        Self::options().create(name, build)
    }

    /// Opens an object that exists.
    ///
    /// # Errors
    /// `NotFound`; else as [`Shared::open_or_create`].
    pub fn open(name: &str) -> Result<Self> {
        Self::options().open(name)
    }

    /// Opens an object that exists, for reading only: this process then can disturb nobody.
    ///
    /// # Errors
    /// As [`Shared::open`]; `Unsupported` on 32-bit targets.
    pub fn open_read_only(name: &str) -> Result<SharedView<T>> {
        Self::options().open_read_only(name)
    }

    /// Where the object lives, how long, for how many users: then one of the verbs.
    pub fn options() -> Options<T> {
        Options::of_any()
    }

    /// Whether this attachment constructed the object. True in exactly one attachment of an instance.
    pub fn created(&self) -> bool {
        self.member().created
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        &self.member().segment.name
    }

    /// Bytes of shared memory that the object takes, all told.
    pub fn size(&self) -> u64 {
        self.member().segment.header.segment_size
    }

    /// The users and guests that live, this one included. Asks the kernel.
    ///
    /// # Errors
    /// `LivenessLost`.
    pub fn users(&self) -> Result<Vec<User>> {
        self.member().segment.users()
    }

    /// Whether the instance still lives under its name: what [`status`](Shared::status) begins with, for
    /// programs that ask often. Asks the kernel.
    ///
    /// # Errors
    /// `LivenessLost`.
    pub fn standing(&self) -> Result<Standing> {
        self.member().segment.standing()
    }

    /// How the instance stands, who uses it, and who has which lock: those who are stopped, debugged or
    /// dead are told as such. Nobody is disturbed, and nothing is taken or written: for logs and for
    /// people, since it may be old when it is told. Asks the kernel.
    ///
    /// # Errors
    /// `LivenessLost`.
    ///
    /// # If a peer dies
    /// What it left is told as left by a dead one, until somebody has taken it over.
    ///
    /// # Examples
    /// ```no_run
    /// use cohabit::{Mutex, Shared};
    ///
    /// let account = Shared::<Mutex<u64>>::open("account")?;
    /// if account.lock_timeout(std::time::Duration::from_secs(1)).is_err() {
    ///     // live; users: pid 12 (server), which a signal stopped; lock: held by pid 12 (server), …
    ///     eprintln!("{}", account.status()?);
    /// }
    /// # Ok::<(), cohabit::Error>(())
    /// ```
    pub fn status(&self) -> Result<Status> {
        self.member().segment.status_as::<T>()
    }
}

impl<T: Contents + ?Sized> Shared<Value<T>>
where
    Value<T>: Shareable,
{
    /// Opens the object, or constructs it in place, part by part: for a large T.
    ///
    /// # Errors
    /// As [`Shared::open_or_create`]; `ConstructorIncomplete` if what was left at zero is no value.
    pub fn open_or_create_with<R: Filled>(
        name: &str,
        fill: impl FnOnce(&mut Fill<'_, T>) -> R,
    ) -> Result<Self> {
        Self::options().open_or_create_with(name, fill)
    }

    /// Constructs a new object in place, part by part: for a large T.
    ///
    /// # Errors
    /// As [`Shared::create`]; `ConstructorIncomplete` if what was left at zero is no value.
    pub fn create_with<R: Filled>(
        name: &str,
        fill: impl FnOnce(&mut Fill<'_, T>) -> R,
    ) -> Result<Self> {
        Self::options().create_with(name, fill)
    }
}

impl<T: Shareable + ?Sized> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// How to create or open an object; ends in one of the verbs.
///
/// ```no_run
/// use cohabit::{Keep, Scope, SharedValue};
/// let limits = SharedValue::<[f64; 4]>::options()
///     .scope(Scope::Folder("/run/rig".into()))
///     .keep(Keep::UntilReboot)
///     .max_users(8)
///     .open_or_create("limits", || [0.0; 4])?;
/// # Ok::<(), cohabit::Error>(())
/// ```
#[derive(Debug)]
pub struct Options<T: ?Sized> {
    settings: Settings,
    of: std::marker::PhantomData<fn(&T)>,
}

impl<T: ?Sized> Clone for Options<T> {
    fn clone(&self) -> Self {
        Self { settings: self.settings.clone(), of: self.of }
    }
}

impl<T: ?Sized> Options<T> {
    /// The defaults.
    pub(crate) fn of_any() -> Self {
        Self { settings: Settings::default(), of: std::marker::PhantomData }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Which processes find the object. Default: [`Scope::User`].
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.settings.scope = scope;
        self
    }

    /// How long the object lives. Default: [`Keep::WhileUsed`]. Counts for the one that creates it.
    #[must_use]
    pub fn keep(mut self, keep: Keep) -> Self {
        self.settings.keep = keep;
        self
    }

    /// How many processes can be attached at once: 1 to 4096, other numbers are taken for the nearest
    /// of these; default 64, 32 bytes each. Counts for
    /// the one that creates the object. Observers need no slot.
    #[must_use]
    pub fn max_users(mut self, users: u32) -> Self {
        self.settings.max_users = users.clamp(1, crate::format::MAX_USERS_LIMIT);
        self
    }

    /// How long to wait for a constructor that runs in another process. Default: as long as it takes.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// Opens an object of [`Keep::OnDisk`] also when the machine stopped while it was in use. Then the
    /// caller judges by itself whether what stands there is whole: each value is one that was written
    /// at some time, or `BadBits`, or a mixture of several.
    #[must_use]
    pub fn accept_unverified(mut self) -> Self {
        self.settings.accepts_unverified = true;
        self
    }

    /// How many elements the slice has that the type ends in: needed to create such an object, and
    /// checked when one is opened. Without it, an object of any length is opened.
    #[must_use]
    pub fn len(mut self, len: u64) -> Self {
        self.settings.len = len;
        self
    }
}

impl<T: Shareable + ?Sized> Options<T> {
    fn run(
        &self,
        name: &str,
        verb: Verb,
        build: impl FnOnce(Place<'_, T>) -> Result<()>,
    ) -> Result<Shared<T>> {
        let plan = self.plan(name, Role::User);
        constructing(build, |once| attach(&plan, verb, once)).map(Shared::over)
    }

    pub(crate) fn plan<'a>(&'a self, name: &'a str, role: Role) -> Plan<'a> {
        Plan { name, settings: &self.settings, wanted: Some(WantedOf::<T>::WANTED), role }
    }

    /// See [`Shared::open_or_create`].
    ///
    /// # Errors
    /// The same.
    pub fn open_or_create<I>(&self, name: &str, build: impl FnOnce() -> I) -> Result<Shared<T>>
    where
        T: Build<I>,
    {
        self.run(name, Verb::OpenOrCreate, |place| T::build(build(), place))
    }

    /// Opens the object, or constructs it in place: `build` uses the new object, all of it zero, as
    /// everyone will, through its cells. For objects that are too large for the stack, or that end in
    /// a slice. A value that `build` does not set is its zero.
    ///
    /// ```no_run
    /// use cohabit::Shared;
    /// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    ///
    /// let hits = Shared::<[AtomicU64]>::options()
    ///     .len(1_000_000)
    ///     .open_or_create_in_place("hits", |hits| hits[7].store(1, Relaxed))?;
    /// # Ok::<(), cohabit::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Shared::open_or_create`]; `ConstructorIncomplete` if what was left at zero is no value.
    pub fn open_or_create_in_place<R: Filled>(
        &self,
        name: &str,
        build: impl FnOnce(&T) -> R,
    ) -> Result<Shared<T>> {
        self.run(name, Verb::OpenOrCreate, |place| place.in_place(build))
    }

    /// Constructs a new object in place: see [`Options::open_or_create_in_place`].
    ///
    /// # Errors
    /// As [`Shared::create`]; `ConstructorIncomplete` if what was left at zero is no value.
    pub fn create_in_place<R: Filled>(
        &self,
        name: &str,
        build: impl FnOnce(&T) -> R,
    ) -> Result<Shared<T>> {
        self.run(name, Verb::Create, |place| place.in_place(build))
    }

    /// See [`Shared::create`].
    ///
    /// # Errors
    /// The same.
    pub fn create<I>(&self, name: &str, build: impl FnOnce() -> I) -> Result<Shared<T>>
    where
        T: Build<I>,
    {
        self.run(name, Verb::Create, |place| T::build(build(), place))
    }

    /// See [`Shared::open`].
    ///
    /// # Errors
    /// The same.
    pub fn open(&self, name: &str) -> Result<Shared<T>> {
        self.run(name, Verb::Open, |_| Ok(()))
    }

    /// See [`Shared::open_read_only`].
    ///
    /// # Errors
    /// The same.
    pub fn open_read_only(&self, name: &str) -> Result<SharedView<T>> {
        observe(&self.plan(name, Role::Observer)).map(SharedView::over)
    }
}

/// Runs what may run a constructor, which then runs once.
pub(crate) fn constructing<T: Shareable + ?Sized, R>(
    build: impl FnOnce(Place<'_, T>) -> Result<()>,
    run: impl FnOnce(BuildFn<'_>) -> R,
) -> R {
    let mut build = Some(build);
    run(&mut |segment: &Segment| {
        let build = build.take().expect("a constructor runs at most once for a call");
        build(Place::in_segment(segment)).map_err(|error| error.about(&segment.name))
    })
}

impl<T: Contents + ?Sized> Options<Value<T>>
where
    Value<T>: Shareable,
{
    /// See [`Shared::open_or_create_with`].
    ///
    /// # Errors
    /// The same.
    pub fn open_or_create_with<R: Filled>(
        &self,
        name: &str,
        fill: impl FnOnce(&mut Fill<'_, T>) -> R,
    ) -> Result<Shared<Value<T>>> {
        self.run(name, Verb::OpenOrCreate, |place| build_in_place(fill, place))
    }

    /// See [`Shared::create_with`].
    ///
    /// # Errors
    /// The same.
    pub fn create_with<R: Filled>(
        &self,
        name: &str,
        fill: impl FnOnce(&mut Fill<'_, T>) -> R,
    ) -> Result<Shared<Value<T>>> {
        self.run(name, Verb::Create, |place| build_in_place(fill, place))
    }
}

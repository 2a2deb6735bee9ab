//! Handles instead of names: an object that nobody finds, and that only descriptors lead to.
//!
//! The segment is the same as under a name, in memory whose size is sealed. There is no name to look
//! under, so that what a name does is done by the descriptor that an attachment keeps: the life section
//! and the anchor open the file again through `/proc/self/fd`. If the program closes that descriptor,
//! nobody is judged dead, nobody joins or leaves through it (leaving is then as if killed), and what
//! does not ask the kernel goes on.
//!
//! A descriptor that was handed over is a stranger's word until it is checked: what it allows and that
//! its size is sealed are the kernel's word and stay true; its header is read once and checked as that
//! of a named object. Whose it is does not count: whoever has a handle was given it.

use std::io;
use std::sync::Arc;

use cohabit_os::error::Cause;
use cohabit_os::handle::{self, AsFd, BorrowedFd, OwnedFd};
use cohabit_os::mapping::{Access, File, FileKind, FileStatus};

use crate::asker::unreachable_again;
use crate::attach::{Plan, attach_nameless, try_liveness};
use crate::build::{Build, Place, build_in_place};
use crate::create::fresh_nameless;
use crate::error::{Error, ErrorKind, Result};
use crate::format::BadHeader;
use crate::look::{LARGE, header_of, map};
use crate::member::{Attachment, Role};
use crate::place::who_may;
use crate::segment::Segment;
use crate::shareable::Shareable;
use crate::shared::{Options, Shared, constructing};
use crate::value::fill::{Fill, Filled};
use crate::value::{Contents, Value};
use crate::view::SharedView;

/// What stands for the name of an object that has none.
const ANONYMOUS: &str = "anonymous";

impl<T: Shareable + ?Sized> Shared<T> {
    /// Constructs a new object without a name: only who is given a descriptor of it can use it. Its
    /// size is sealed, so that no peer can cut it.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// # if std::env::var_os("COHABIT_OS").is_none() { // The portable mechanism has no such memory.
    /// use cohabit::SharedValue;
    ///
    /// let rpm = SharedValue::<u32>::anonymous(|| 900)?;
    /// // Hand it to a child: as its standard input, or over a Unix socket; on Windows also by DuplicateHandle.
    /// let handle = rpm.to_fd()?;
    /// // There:
    /// let same = SharedValue::<u32>::from_fd(&handle)?;
    /// assert_eq!(same.get()?, 900);
    /// # }
    /// # Ok::<(), cohabit::Error>(())
    /// ```
    ///
    /// It lives as an object with a name does: it ends when its last user leaves. A descriptor is no
    /// user, so keep the handle until the receiver has joined, or create the object with
    /// [`Keep::UntilReboot`](crate::Keep::UntilReboot): then it lives as long as there is any
    /// descriptor or mapping of it.
    ///
    /// # Errors
    /// Those about resources and constructors; `Unsupported` where the system has no such memory.
    pub fn anonymous<I>(build: impl FnOnce() -> I) -> Result<Self>
    where
        T: Build<I>,
    {
        Self::options().anonymous(build)
    }

    /// Joins an object by a descriptor that [`Shared::to_fd`] made, in whichever process. The caller
    /// keeps the descriptor; a second joining in one process gives the same attachment.
    ///
    /// # Errors
    /// - `BadHandle`: it is no descriptor of such an object; the text says what it is.
    /// - `ReadOnlyHandle`: it does not allow writing.
    /// - `Ended`: the last user has left, or all were killed.
    /// - `PermissionDenied`: the object is another user's, whose scope does not let this one in.
    /// - `Unsupported`: `/proc` is not mounted; the portable mechanism.
    /// - `TypeMismatch` and what else [`Shared::open`] refuses.
    pub fn from_fd(descriptor: impl AsFd) -> Result<Self> {
        Self::options().from_fd(descriptor)
    }

    /// A descriptor of an object without a name, for another process, which joins by
    /// [`Shared::from_fd`]. It is closed at `exec`, unless it becomes another number there, as
    /// `Command::stdin` makes it.
    ///
    /// Processes of other users can look at the object with it; they join if the object was created
    /// with a [`Scope::Machine`](crate::Scope::Machine) whose `Access` lets them write.
    ///
    /// A forked child joins anew by `Shared::from_fd(object.to_fd()?)`.
    ///
    /// # Errors
    /// `Unsupported` for an object with a name, which is opened by its name, and on Linux where `/proc` is
    /// not mounted; `LivenessLost`; `NoDescriptors`.
    pub fn to_fd(&self) -> Result<OwnedFd> {
        give(&self.member().segment, Access::ReadWrite)
    }

    /// A descriptor of an object without a name that allows reading only, for [`SharedView::from_fd`].
    ///
    /// Who is given it cannot write, with one exception: a process *of the same user* (or root's, or of
    /// whom the object's `Access` lets write) that means to can open the descriptor again for writing,
    /// through `/proc/self/fd`, on Windows by the name that the kernel has for it. Where that counts, call [`Shared::forbid_new_writers`] first. Whoever has it can also hold up, by file locks, those
    /// who join and leave: these then say `Busy`, and leave as if killed. Calls on cells are not held
    /// up.
    ///
    /// # Errors
    /// As [`Shared::to_fd`].
    pub fn to_read_only_fd(&self) -> Result<OwnedFd> {
        give(&self.member().segment, Access::ReadOnly)
    }

    /// Closes an object without a name to new writers, for ever (`F_SEAL_FUTURE_WRITE`): who uses it
    /// goes on, and nobody new can join or write, not by any descriptor, not as root. New processes can
    /// look only, with [`SharedView::from_fd`].
    ///
    /// # Errors
    /// `Unsupported` for an object with a name, on Linux before 5.1, and on Windows, where nothing keeps new
    /// writers out; `LivenessLost`.
    pub fn forbid_new_writers(&self) -> Result<()> {
        let segment = nameless(&self.member().segment)?;
        let named = |error: Error| error.about(&segment.name);
        segment.asker.status().map_err(named)?;
        let file = segment.asker.file();
        let os = |e| Error::from_os(&segment.name, "sealing the object", e);
        if handle::rights(file).map_err(os)?.no_new_writers {
            return Ok(());
        }
        handle::forbid_new_writers(file).map_err(os)
    }
}

impl<T: Shareable + ?Sized> SharedView<T> {
    /// Looks at an object by a descriptor that [`Shared::to_fd`], [`Shared::to_read_only_fd`] or
    /// [`SharedView::to_fd`] made, in whichever process and of whichever user.
    ///
    /// # Errors
    /// As [`Shared::from_fd`]; `Unsupported` on 32-bit targets.
    pub fn from_fd(descriptor: impl AsFd) -> Result<Self> {
        let options = Shared::<T>::options();
        take(&options.plan(ANONYMOUS, Role::Observer), descriptor.as_fd()).map(Self::over)
    }

    /// A descriptor of the viewed object that allows reading only: see [`Shared::to_read_only_fd`].
    ///
    /// # Errors
    /// As [`Shared::to_fd`].
    pub fn to_fd(&self) -> Result<OwnedFd> {
        give(&self.member().segment, Access::ReadOnly)
    }
}

impl<T: Shareable + ?Sized> Options<T> {
    /// See [`Shared::anonymous`]. Of [`Options::scope`], only a
    /// [`Scope::Machine`](crate::Scope::Machine) counts: its [`Access`](crate::Access) says which other
    /// users may join by a handle. Everybody who is given one may look.
    ///
    /// # Errors
    /// The same.
    pub fn anonymous<I>(&self, build: impl FnOnce() -> I) -> Result<Shared<T>>
    where
        T: Build<I>,
    {
        make(self, |place| T::build(build(), place))
    }

    /// The same, constructed in place: see [`Options::create_in_place`].
    ///
    /// # Errors
    /// As [`Shared::anonymous`]; `ConstructorIncomplete` if what was left at zero is no value.
    pub fn anonymous_in_place<R: Filled>(&self, build: impl FnOnce(&T) -> R) -> Result<Shared<T>> {
        make(self, |place| place.in_place(build))
    }

    /// See [`Shared::from_fd`]. [`Options::timeout`] and [`Options::len`] count.
    ///
    /// # Errors
    /// The same.
    pub fn from_fd(&self, descriptor: impl AsFd) -> Result<Shared<T>> {
        take(&self.plan(ANONYMOUS, Role::User), descriptor.as_fd()).map(Shared::over)
    }
}

impl<T: Contents + ?Sized> Options<Value<T>>
where
    Value<T>: Shareable,
{
    /// See [`Shared::anonymous`], constructed part by part: see [`Shared::create_with`].
    ///
    /// # Errors
    /// As [`Shared::anonymous`]; `ConstructorIncomplete` if what was left at zero is no value.
    pub fn anonymous_with<R: Filled>(
        &self,
        fill: impl FnOnce(&mut Fill<'_, T>) -> R,
    ) -> Result<Shared<Value<T>>> {
        make(self, |place| build_in_place(fill, place))
    }
}

fn make<T: Shareable + ?Sized>(
    options: &Options<T>,
    build: impl FnOnce(Place<'_, T>) -> Result<()>,
) -> Result<Shared<T>> {
    let plan = options.plan(ANONYMOUS, Role::User);
    try_liveness(&plan, None)?;
    constructing(build, |once| fresh_nameless(&plan, once)).map(Shared::over)
}

/// Attaches by a descriptor.
fn take(plan: &Plan<'_>, descriptor: BorrowedFd<'_>) -> Result<Arc<Attachment>> {
    attach_nameless(plan, &|| hold(plan, descriptor).map(|segment| Some(Some(segment))))
}

/// Maps what a descriptor leads to, once it is known to be an object without a name.
fn hold(plan: &Plan<'_>, descriptor: BorrowedFd<'_>) -> Result<Segment> {
    let os = |doing| move |e| Error::from_os(plan.name, doing, e);
    let given = handle::another(descriptor).map_err(|e| match e.cause() {
        Cause::NotOpen => bad(plan, "the number of no open descriptor"),
        _ if e.kind() == io::ErrorKind::InvalidInput => bad(plan, "one of something else"),
        _ => Error::from_os(plan.name, "looking at the handle", e),
    })?;
    let status = given.status().map_err(os("looking at the handle"))?;
    check(plan, &given, &status)?;
    // Again, now that its size is known to be sealed: before, the sender could still change it.
    let status = given.status().map_err(os("looking at the handle"))?;
    let (file, access) = match plan.role {
        // Observers ask the kernel and lock nothing: for that, a shared description will do.
        Role::Observer => (given, Access::ReadOnly),
        _ => (own(plan, &given, &status)?, Access::ReadWrite),
    };
    let header = header_of(plan.name, &file, &status, |header| no_object(plan, &header))?;
    if header.has_lock_file {
        return Err(bad(plan, "one whose header speaks of a file beside it"));
    }
    // Whoever reads a hole fills it, with memory of its own; an object has none.
    if status.stored < status.size && status.size >= LARGE {
        return Err(bad(plan, "one of memory that is not all there"));
    }
    map(plan.name, None, file, &status, header, access)
}

/// Checks what nobody can change any more: the kind of file, what the descriptor allows, the seals.
fn check(plan: &Plan<'_>, given: &File, status: &FileStatus) -> Result<()> {
    let rights = handle::rights(given);
    let rights = rights.map_err(|e| Error::from_os(plan.name, "looking at the handle", e))?;
    let found = match status.kind {
        _ if !rights.reads && !rights.writes => {
            "one of a path only (O_PATH), which leads to no bytes"
        }
        FileKind::Directory => "one of a directory",
        FileKind::Symlink | FileKind::Other => "one of a pipe, socket or device",
        FileKind::Regular if status.links > 0 => {
            "one of a file that has a name (if it is an object, open it by that name)"
        }
        FileKind::Regular if !rights.fixed_size => {
            "one of a file whose size is not sealed, or of huge pages"
        }
        FileKind::Regular if !rights.reads => "one that allows writing only",
        FileKind::Regular => return check_writes(plan, rights),
    };
    Err(bad(plan, found))
}

fn check_writes(plan: &Plan<'_>, rights: handle::Rights) -> Result<()> {
    let found = match plan.role {
        Role::Observer => return Ok(()),
        _ if !rights.writes => "this handle allows reading only",
        _ if rights.no_new_writers => "this object was closed to new writers for ever",
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::ReadOnlyHandle, plan.name, found))
}

/// A description of one's own: locks belong to descriptions, and the sender has the other one too.
fn own(plan: &Plan<'_>, given: &File, status: &FileStatus) -> Result<File> {
    let own = given.reopen(Access::ReadWrite).map_err(|e| match e.cause() {
        Cause::PermissionDenied => {
            let who = who_may(status);
            let detail =
                format!("this process may look (SharedView::from_fd), and not join: {who}");
            Error::new(ErrorKind::PermissionDenied, plan.name, detail).with_source(e)
        }
        _ => unreachable_again(e).about(plan.name),
    })?;
    let os = |e| Error::from_os(plan.name, "looking at the handle", e);
    if own.status().map_err(os)?.id != status.id {
        return Err(bad(plan, "one that this program closed while it joined"));
    }
    Ok(own)
}

fn bad(plan: &Plan<'_>, found: &str) -> Error {
    let detail = format!("expected a handle of an object without a name, found {found}");
    Error::new(ErrorKind::BadHandle, plan.name, detail)
}

fn no_object(plan: &Plan<'_>, header: &BadHeader) -> Error {
    match header.kind {
        ErrorKind::FormatVersion => Error::new(header.kind, plan.name, &*header.detail),
        _ => bad(plan, &format!("one whose bytes are no object: {}", header.detail)),
    }
}

fn nameless(segment: &Segment) -> Result<&Segment> {
    if segment.path.is_none() {
        return Ok(segment);
    }
    let detail = "an object that has a name is opened by its name, and has no handle";
    Err(Error::new(ErrorKind::Unsupported, &segment.name, detail))
}

fn give(segment: &Segment, access: Access) -> Result<OwnedFd> {
    let given = nameless(segment)?.asker.to_give(access);
    given.map_err(|error| error.about(&segment.name))
}

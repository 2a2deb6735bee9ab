//! Objects of any type, by the schema that stands in the segment: what the command line stands on.
//!
//! Everything here goes through the same protocol as the typed calls; only sizes and offsets come from
//! the schema instead of from a type. A schema is hostile text until parsed, and then still only
//! believed as far as it fits the checked header.
//!
//! An object is a tree with cells in it, and each [`Cell`] is read and written by itself: who reads two
//! of them sees two moments.

mod cell;
mod new;
mod raw;

pub use cell::{Cell, Cells};
pub(crate) use cell::{first_part, path_of};
pub use new::NewCell;

use std::sync::Arc;
use std::time::Duration;

use crate::attach::{Plan, Verb, attach};
use crate::error::{Error, ErrorKind, Result};
use crate::member::{Attachment, Member, Role};
use crate::options::{Scope, Settings};
use crate::schema::Schema;
use crate::segment::Segment;
use crate::site::Site;
use crate::status::{Standing, Status};
use crate::users::User;
use crate::value::Version;

/// An object that is used by its schema alone.
#[derive(Debug)]
pub struct Untyped {
    attachment: Arc<Attachment>,
    /// As it stands in the segment.
    declared: Schema,
    /// The same with the length of this object's tail.
    schema: Schema,
}

impl Untyped {
    /// Opens an object for reading only: nobody is disturbed.
    ///
    /// # Errors
    /// As [`Shared::open_read_only`](crate::Shared::open_read_only); `HeaderInvalid` when the schema
    /// cannot be read.
    pub fn open_read_only(name: &str, scope: &Scope) -> Result<Untyped> {
        Self::attached(name, scope, Role::Observer)
    }

    /// Opens an object for reading and writing: as a guest where the type has an end whose code this
    /// program lacks, else as a user.
    ///
    /// # Errors
    /// As [`Shared::open`](crate::Shared::open); `HeaderInvalid` when the schema cannot be read.
    pub fn open(name: &str, scope: &Scope) -> Result<Untyped> {
        Self::attached(name, scope, Role::User)
    }

    fn attached(name: &str, scope: &Scope, role: Role) -> Result<Untyped> {
        let settings = Settings { scope: scope.clone(), ..Settings::default() };
        let plan = Plan { name, settings: &settings, wanted: None, role };
        Self::over(attach(&plan, Verb::Open, &mut |_| Ok(()))?)
    }

    /// What is attached, by the schema that stands in it.
    fn over(attachment: Arc<Attachment>) -> Result<Untyped> {
        let segment = &attachment.member().segment;
        let name = &segment.name;
        let declared = segment.schema()?;
        let schema = segment.resolved(&declared)?;
        if schema.root.size() != segment.header.object_size {
            return Err(Error::new(
                ErrorKind::HeaderInvalid,
                name,
                format!(
                    "the schema describes {} bytes, the header {}",
                    schema.root.size(),
                    segment.header.object_size
                ),
            ));
        }
        Ok(Untyped { attachment, declared, schema })
    }

    fn member(&self) -> &Member {
        self.attachment.member()
    }

    pub(crate) fn segment(&self) -> &Segment {
        &self.member().segment
    }

    /// The schema as it stands in the object: that of its type, with a tail where that has one.
    pub fn declared(&self) -> &Schema {
        &self.declared
    }

    /// What the object is: its type with the length that this object has.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        &self.segment().name
    }

    /// Bytes of shared memory that the object takes, all told.
    pub fn size(&self) -> u64 {
        self.segment().header.segment_size
    }

    /// The users and guests that live.
    ///
    /// # Errors
    /// `LivenessLost`.
    pub fn users(&self) -> Result<Vec<User>> {
        self.segment().users()
    }

    /// Whether the instance still lives under its name: what [`status`](Untyped::status) begins with, for
    /// programs that ask often. Asks the kernel.
    ///
    /// # Errors
    /// `LivenessLost`.
    pub fn standing(&self) -> Result<Standing> {
        self.segment().standing()
    }

    /// How the instance stands, who uses it, and who has which lock: see [`Shared::status`](crate::Shared::status).
    ///
    /// # Errors
    /// `LivenessLost`; `HeaderInvalid` when the schema does not fit the object.
    pub fn status(&self) -> Result<Status> {
        self.segment().status(&self.schema)
    }

    /// The canonical bytes of an object that is one cell, and their version: see [`Cell::read`].
    ///
    /// # Errors
    /// As [`Cell::read`]; `Unsupported` for an object with parts: use its [`Untyped::cells`].
    pub fn read(&self) -> Result<(Vec<u8>, Version)> {
        self.only_cell()?.read()
    }

    /// Changes the canonical bytes of an object that is one cell: see [`Cell::update`].
    ///
    /// # Errors
    /// As [`Cell::update`]; `Unsupported` for an object with parts: use its [`Untyped::cells`].
    pub fn update<R, E>(
        &self,
        timeout: Duration,
        change: impl FnOnce(&mut [u8]) -> Result<R, E>,
    ) -> Result<Result<R, E>> {
        self.only_cell()?.update(timeout, change)
    }

    /// Waits until the version of an object that is one value is not `seen` any more.
    ///
    /// # Errors
    /// As [`Cell::wait_version`]; `Unsupported` for an object with parts: use its [`Untyped::cells`].
    pub fn wait_version(&self, seen: Version, timeout: Duration) -> Result<Version> {
        self.only_cell()?.wait_version(seen, timeout)
    }

    /// The cell that is the whole object.
    fn only_cell(&self) -> Result<Cell<'_>> {
        let only =
            self.cell_at(0).filter(|cell| std::ptr::eq(cell.node(), &raw const self.schema.root));
        only.ok_or_else(|| {
            let detail = "the object has parts, and each is read and written by itself";
            Error::new(ErrorKind::Unsupported, self.name(), detail)
        })
    }

    /// As whom to write; `None` for an observer.
    fn site(&self) -> Result<Option<Site>> {
        match self.member().key().1 {
            Role::Observer => Ok(None),
            _ => Site::of(self.segment().object().addr()).map(Some),
        }
    }
}

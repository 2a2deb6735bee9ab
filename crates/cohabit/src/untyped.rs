//! Objects of any type, by the schema that stands in the segment: what the command line stands on.
//!
//! Everything here goes through the same protocol as the typed calls; only sizes and offsets come from
//! the schema instead of from a type. A schema is hostile text until parsed, and then still only
//! believed as far as it fits the checked header.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::attach::{Plan, Verb, attach};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{self, Patience};
use crate::member::{Attachment, Member, Role};
use crate::options::{Scope, Settings};
use crate::plain::Kind;
use crate::schema::{Node, Schema};
use crate::segment::Segment;
use crate::site::Site;
use crate::users::{Status, User};
use crate::value::cell::{self, CellWords, PINS};
use crate::value::write::HeldOverClosure;
use crate::value::{Version, read, wait, write};

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
        let attachment = attach(&plan, Verb::Open, &mut |_| Ok(()))?;
        let segment = &attachment.member().segment;
        let declared = segment.schema()?;
        let schema = declared.resolved(segment.header.tail_len).map_err(|bad| {
            let detail = format!("the schema and the header contradict each other: {bad}");
            Error::new(ErrorKind::HeaderInvalid, name, detail)
        })?;
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

    /// Whether the instance still lives under its name.
    ///
    /// # Errors
    /// `LivenessLost`.
    pub fn status(&self) -> Result<Status> {
        self.segment().status()
    }

    /// The canonical bytes of the object's value, and their version; an atomic has version 0.
    ///
    /// # Errors
    /// As [`Value::read`](crate::Value::read).
    pub fn read(&self) -> Result<(Vec<u8>, Version)> {
        let Some(cell) = self.value()? else {
            return Ok((self.load_atomic()?, Version::NONE));
        };
        let mut bytes = room(self.name(), cell.size)?;
        let mut copy = |words: &[AtomicU64]| get_bytes(words, &mut bytes);
        let version = match self.site()? {
            Some(site) => read::read(&cell, &site, &mut copy)?,
            None => read::read(&cell, self.member(), &mut copy)?,
        };
        Ok((bytes, version))
    }

    /// Changes the canonical bytes of the value, as one commit, waiting for other writers at most
    /// `timeout`; whole, or not at all if `change` fails. What `change` returns goes to the caller.
    ///
    /// # Errors
    /// `Busy`, and as [`Value::update`](crate::Value::update); `Unsupported` on a read-only object.
    pub fn update<R, E>(
        &self,
        timeout: Duration,
        change: impl FnOnce(&mut [u8]) -> Result<R, E>,
    ) -> Result<Result<R, E>> {
        let Some(site) = self.site()? else {
            let detail = "the object was opened for reading only";
            return Err(Error::new(ErrorKind::Unsupported, self.name(), detail));
        };
        let Some(cell) = self.value()? else {
            let mut bytes = self.load_atomic()?;
            let outcome = change(&mut bytes);
            write::check_here(site)?;
            if outcome.is_ok() {
                self.store_atomic(&bytes)?;
            }
            return Ok(outcome);
        };
        let name = |error: Error| error.about(self.name());
        let held = lock::acquire(cell.lock(), site.me(), &site, Patience::timeout(timeout));
        let held = HeldOverClosure::new(held.map_err(name)?, site);
        let commit = cell::committed(&cell).map_err(name)?;
        let mut bytes = room(self.name(), cell.size)?;
        get_bytes(cell.data(commit.index()), &mut bytes);
        let outcome = write::run(&cell, site, || change(&mut bytes))?;
        if outcome.is_ok() {
            write::publish(&cell, held, commit, |words| put_bytes(words, &bytes));
        }
        Ok(outcome)
    }

    /// Waits until the version is not `seen` any more.
    ///
    /// # Errors
    /// As [`Value::wait_version`](crate::Value::wait_version); `Unsupported` for an atomic.
    pub fn wait_version(&self, seen: Version, timeout: Duration) -> Result<Version> {
        let Some(cell) = self.value()? else {
            let detail = "an atomic has no versions to wait for";
            return Err(Error::new(ErrorKind::Unsupported, self.name(), detail));
        };
        match self.site()? {
            Some(site) => wait::for_change(&cell, &site, seen, timeout),
            None => wait::for_change(&cell, self.member(), seen, timeout),
        }
    }

    /// As whom to write; `None` for an observer.
    fn site(&self) -> Result<Option<Site>> {
        match self.member().key().1 {
            Role::Observer => Ok(None),
            _ => Site::of(self.segment().object().addr()).map(Some),
        }
    }

    /// The object's cell, if it is a value.
    fn value(&self) -> Result<Option<RawValue<'_>>> {
        match &self.schema.root {
            Node::Value { copies, stride, of } => {
                RawValue::new(self.segment(), *copies, *stride, of.size()).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The address of the object's atomic, and its width.
    fn atomic(&self) -> Result<(*mut u8, usize)> {
        match &self.schema.root {
            Node::Atomic(of) => Ok((self.segment().object(), of.size() as usize)),
            _ => {
                let detail = "objects with parts cannot be shown yet";
                Err(Error::new(ErrorKind::Unsupported, self.name(), detail))
            }
        }
    }

    fn load_atomic(&self) -> Result<Vec<u8>> {
        let (at, width) = self.atomic()?;
        Ok(match width {
            1 => narrow::<AtomicU8>(at).load(Ordering::Relaxed).to_le_bytes().to_vec(),
            2 => narrow::<AtomicU16>(at).load(Ordering::Relaxed).to_le_bytes().to_vec(),
            4 => narrow::<AtomicU32>(at).load(Ordering::Relaxed).to_le_bytes().to_vec(),
            _ => narrow::<AtomicU64>(at).load(Ordering::Relaxed).to_le_bytes().to_vec(),
        })
    }

    fn store_atomic(&self, bytes: &[u8]) -> Result<()> {
        let (at, width) = self.atomic()?;
        let mut whole = [0; 8];
        whole[..width].copy_from_slice(bytes);
        let number = u64::from_le_bytes(whole);
        match width {
            1 => narrow::<AtomicU8>(at).store(number as u8, Ordering::Relaxed),
            2 => narrow::<AtomicU16>(at).store(number as u16, Ordering::Relaxed),
            4 => narrow::<AtomicU32>(at).store(number as u32, Ordering::Relaxed),
            _ => narrow::<AtomicU64>(at).store(number, Ordering::Relaxed),
        }
        Ok(())
    }
}

/// The object's first bytes as an atomic of its own width.
fn narrow<'a, A>(object: *mut u8) -> &'a A {
    // SAFETY: `object` is the object of a mapped segment, aligned to 64, with `size_of::<A>()` bytes by
    // the check in `attached`; the schema says that it is such an atomic, and any bits are one. The
    // borrow ends inside `load_atomic` or `store_atomic`, where the attachment is held.
    unsafe { &*object.cast::<A>() }
}

/// Zeroed memory for a private copy; a schema may lie about its size.
fn room(name: &str, size: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|e| {
        let detail = format!("no memory for a private copy of {size} bytes");
        Error::new(ErrorKind::NoAddressSpace, name, detail).with_source(e)
    })?;
    bytes.resize(size, 0);
    Ok(bytes)
}

fn get_bytes(words: &[AtomicU64], bytes: &mut [u8]) {
    for (chunk, word) in bytes.chunks_mut(8).zip(words) {
        chunk.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes()[..chunk.len()]);
    }
}

fn put_bytes(words: &[AtomicU64], bytes: &[u8]) {
    for (chunk, word) in bytes.chunks(8).zip(words) {
        let mut whole = [0; 8];
        whole[..chunk.len()].copy_from_slice(chunk);
        word.store(u64::from_le_bytes(whole), Ordering::Relaxed);
    }
}

/// The words of a value whose type is known by its schema only.
struct RawValue<'a> {
    head: &'a [AtomicU64],
    pins: &'a [AtomicU64; PINS],
    copies: &'a [AtomicU64],
    count: usize,
    stride: usize,
    size: usize,
}

impl<'a> RawValue<'a> {
    fn new(segment: &'a Segment, count: u64, stride: u64, size: u64) -> Result<Self> {
        let fits = (3..=127).contains(&count)
            && stride.is_multiple_of(64)
            && size.checked_add(8).is_some_and(|needed| needed <= stride)
            && stride
                .checked_mul(count)
                .is_some_and(|all| all + Kind::VALUE_HEAD as u64 == segment.header.object_size);
        if !fits {
            let detail = format!("the schema's {count} copies at every {stride} bytes do not fit");
            return Err(Error::new(ErrorKind::HeaderInvalid, &segment.name, detail));
        }
        let at = segment.header.object_at as usize;
        // The object lies inside the mapping (format 1), so its numbers fit a usize.
        let (count, stride, size) = (count as usize, stride as usize, size as usize);
        Ok(Self {
            head: segment.words(at, 16),
            pins: segment.words(at + 16, PINS * 8).try_into().expect("as many words as pins"),
            copies: segment.words(at + Kind::VALUE_HEAD, count * stride),
            count,
            stride: stride / 8,
            size,
        })
    }
}

impl CellWords for RawValue<'_> {
    fn lock(&self) -> &AtomicU64 {
        &self.head[0]
    }
    fn commit(&self) -> &AtomicU64 {
        &self.head[1]
    }
    fn pins(&self) -> &[AtomicU64; PINS] {
        self.pins
    }
    fn count(&self) -> usize {
        self.count
    }
    fn stamp(&self, index: usize) -> &AtomicU64 {
        &self.copies[index * self.stride]
    }
    fn data(&self, index: usize) -> &[AtomicU64] {
        &self.copies[index * self.stride + 1..][..self.size.div_ceil(8)]
    }
}

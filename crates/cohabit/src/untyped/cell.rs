//! One cell of an object: where it is, and reading and writing it by its own protocol.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::Untyped;
use super::raw::{Raw, RawValue, get_bytes, put_bytes, room};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{self, Patience};
use crate::schema::Node;
use crate::site::Site;
use crate::value::cell::{self, CellWords};
use crate::value::write::HeldOverClosure;
use crate::value::{Version, read, wait, write};
use crate::words::Stored;

/// One cell of an object, or one atomic: what is read and written by a protocol of its own.
#[derive(Clone, Copy)]
pub struct Cell<'a> {
    object: &'a Untyped,
    node: &'a Node,
    at: u64,
}

/// The cells of an object, in the order of their offsets.
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    object: &'a Untyped,
    /// The bytes that are not yet passed.
    left: Range<u64>,
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cell<'a>;

    fn next(&mut self) -> Option<Cell<'a>> {
        let (node, at) = first_part(&self.object.schema.root, 0, self.left.start, &is_cell)?;
        if at >= self.left.end {
            return None;
        }
        self.left.start = at + node.size();
        Some(Cell { object: self.object, node, at })
    }
}

impl Untyped {
    /// The cells of the object, in the order of their offsets. They are found as they are asked for:
    /// an object may have millions.
    pub fn cells(&self) -> Cells<'_> {
        self.cells_in(0..u64::MAX)
    }

    /// The cells that lie in these bytes of the object, and the one in which they begin.
    pub fn cells_in(&self, bytes: Range<u64>) -> Cells<'_> {
        Cells { object: self, left: bytes }
    }

    /// The cell that holds this byte of the object, if one does.
    pub fn cell_at(&self, offset: u64) -> Option<Cell<'_>> {
        let (node, at) = first_part(&self.schema.root, 0, offset, &is_cell)?;
        (at <= offset).then_some(Cell { object: self, node, at })
    }
}

fn is_cell(node: &Node) -> bool {
    use Node::{Atomic, Flag, Frozen, Loose, Mutex, OnceCell, RwLock, Value};
    matches!(
        node,
        Atomic(_)
            | Flag
            | Frozen { .. }
            | Loose { .. }
            | Mutex { .. }
            | RwLock { .. }
            | OnceCell { .. }
            | Value { .. }
    )
}

/// The first part in `node`, which stands at `at`, that is wanted and whose end lies behind the byte
/// `from`.
pub(crate) fn first_part<'n>(
    node: &'n Node,
    at: u64,
    from: u64,
    is_wanted: &dyn Fn(&Node) -> bool,
) -> Option<(&'n Node, u64)> {
    if at + node.size() <= from {
        return None;
    }
    match node {
        node if is_wanted(node) => Some((node, at)),
        Node::Struct(node) => {
            let behind =
                |field: &&crate::schema::FieldNode| at + field.at + field.node.size() > from;
            let first = node.fields.partition_point(|field| !behind(&field));
            let mut fields = node.fields[first..].iter();
            fields.find_map(|field| first_part(&field.node, at + field.at, from, is_wanted))
        }
        Node::Array { of, len } if !of.is_plain() => {
            // What an element lacks, its neighbours lack too: two of them are asked.
            let first = from.saturating_sub(at) / of.size();
            let mut indices = first..(first + 2).min(*len);
            indices.find_map(|index| first_part(of, at + index * of.size(), from, is_wanted))
        }
        _ => None,
    }
}

/// The name of the part without parts of its own at this byte of the object, such as `state` or
/// `wheels[2].value`; empty if it is the whole object.
pub(crate) fn path_of(root: &Node, part: u64) -> String {
    let (mut path, mut node, mut at) = (String::new(), root, 0);
    while !is_cell(node) {
        match node {
            Node::Array { of, .. } => {
                let index = (part - at) / of.size();
                path = format!("{path}[{index}]");
                (node, at) = (of, at + index * of.size());
            }
            Node::Struct(inner) => {
                let holds = |field: &&crate::schema::FieldNode| at + field.at <= part;
                let last = inner.fields.iter().take_while(holds).last();
                let Some(field) = last else { return path };
                let dot = if path.is_empty() { "" } else { "." };
                path = format!("{path}{dot}{}", field.name);
                (node, at) = (&field.node, at + field.at);
            }
            _ => return path,
        }
    }
    path
}

impl<'a> Cell<'a> {
    /// Where it begins in the object, in bytes.
    pub fn offset(self) -> u64 {
        self.at
    }

    /// What it is: a `Value`, `Frozen`, `Loose`, `Mutex`, `RwLock`, `OnceCell`, `Flag` or atomic.
    pub fn node(self) -> &'a Node {
        self.node
    }

    /// What is in it, whose bytes are read and written: the plain data of a `Value`, `Frozen`, `Loose`,
    /// `Mutex`, `RwLock` or `OnceCell`; the node itself of an atomic, and of a `Flag`, whose one byte is read as 0
    /// or 1.
    pub fn contents(self) -> &'a Node {
        match self.node {
            Node::Value { of, .. }
            | Node::Frozen { of }
            | Node::Loose { of }
            | Node::Mutex { of }
            | Node::RwLock { of }
            | Node::OnceCell { of } => of,
            other => other,
        }
    }

    /// Whether its contents have versions, which can be waited for: those of a `Value` have.
    pub fn has_versions(self) -> bool {
        matches!(self.node, Node::Value { .. })
    }

    /// Whether its contents are read without the lock that guards them, and so perhaps in the middle of
    /// a change: those of a `Mutex` or `RwLock` are, whose lock is taken by its users only.
    pub fn is_unlocked(self) -> bool {
        matches!(self.node, Node::Mutex { .. } | Node::RwLock { .. })
    }

    /// Its name in the object, such as `state` or `wheels[2].value`; empty if it is the whole object.
    pub fn path(self) -> String {
        path_of(&self.object.schema.root, self.at)
    }

    fn name(self) -> &'a str {
        self.object.name()
    }

    fn raw(self) -> Result<Raw<'a>> {
        Raw::of(self.object.segment(), self.node, self.at)
    }

    /// The canonical bytes of its contents, and their version, which only a `Value` has: of the others
    /// it is [`Version::NONE`]. The bytes are not judged: those of a `bool` may be 7. Of a `OnceCell` that is
    /// not set there are none.
    ///
    /// # Errors
    /// As the typed call's; `HeaderInvalid` where the schema does not fit the object.
    pub fn read(self) -> Result<(Vec<u8>, Version)> {
        self.read_part(0..self.contents().size())
    }

    /// These bytes of its contents, and their version: only they are copied, which counts where there
    /// are gigabytes.
    ///
    /// # Errors
    /// As [`Cell::read`]; `OutOfRange`.
    pub fn read_part(self, bytes: Range<u64>) -> Result<(Vec<u8>, Version)> {
        let size = self.contents().size();
        if bytes.start > bytes.end || bytes.end > size {
            let detail = format!("expected bytes of 0..{size}, found {bytes:?}");
            return Err(Error::new(ErrorKind::OutOfRange, self.name(), detail));
        }
        // The contents are mapped, so that their size fits.
        let bytes = bytes.start as usize..bytes.end as usize;
        let mut into = room(self.name(), bytes.len())?;
        let version = match self.raw()? {
            Raw::Value(value) => self.read_value(&value, bytes.start, &mut into)?,
            Raw::Frozen(plain) | Raw::Loose(plain) | Raw::Locked(plain) => {
                plain.load(bytes.start, &mut into);
                Version::NONE
            }
            Raw::OnceCell(once) => {
                match once.plain_if_set() {
                    Some(plain) => plain.load(bytes.start, &mut into),
                    None => into.clear(),
                }
                Version::NONE
            }
            Raw::Atomic(number) => {
                into.copy_from_slice(&number.load()[bytes]);
                Version::NONE
            }
            Raw::Flag(byte) => {
                into.copy_from_slice(&[u8::from(byte.load() != [0])][bytes]);
                Version::NONE
            }
        };
        Ok((into, version))
    }

    fn read_value(self, value: &RawValue<'_>, at: usize, into: &mut [u8]) -> Result<Version> {
        let mut copy = |words: &[AtomicU64]| get_bytes(words, at, into);
        match self.object.site()? {
            Some(site) => read::read(value, &site, &mut copy),
            None => read::read(value, self.object.member(), &mut copy),
        }
    }

    /// Changes the canonical bytes of its contents, or leaves them if `change` fails; what `change`
    /// returns goes to the caller.
    ///
    /// A `Value` is locked, for which other writers are waited for at most so long, and changed as one
    /// commit. An atomic or `Flag` is stored if it changed, whatever others stored meanwhile; of a `Loose`,
    /// the fields that changed are.
    ///
    /// # Errors
    /// `Busy`, and as [`Value::update`](crate::Value::update); `Frozen`; `Unsupported` on an object
    /// that was opened for reading only, and for a `Mutex`, `RwLock` or `OnceCell`.
    pub fn update<R, E>(
        self,
        timeout: Duration,
        change: impl FnOnce(&mut [u8]) -> Result<R, E>,
    ) -> Result<Result<R, E>> {
        let Some(site) = self.object.site()? else {
            let detail = "the object was opened for reading only";
            return Err(Error::new(ErrorKind::Unsupported, self.name(), detail));
        };
        if let Raw::Value(value) = self.raw()? {
            return self.update_value(&value, site, timeout, change);
        }
        if let Raw::Frozen(_) = self.raw()? {
            let detail = format!("the object is constructed, and {} is frozen since", self.named());
            return Err(Error::new(ErrorKind::Frozen, self.name(), detail));
        }
        if let Raw::Locked(_) = self.raw()? {
            let detail = "what a lock guards is changed by its users only, under its lock";
            return Err(Error::new(ErrorKind::Unsupported, self.name(), detail));
        }
        if let Raw::OnceCell(_) = self.raw()? {
            let detail = "a cell that is set once is set by its users only";
            return Err(Error::new(ErrorKind::Unsupported, self.name(), detail));
        }
        let (before, _) = self.read()?;
        let mut after = before.clone();
        let outcome = change(&mut after);
        write::check_here(site)?;
        // What did not change is not stored: others may have changed it since.
        if outcome.is_ok() && after != before {
            self.store(&before, &after)?;
        }
        Ok(outcome)
    }

    fn named(self) -> String {
        match self.path() {
            path if path.is_empty() => "it".to_owned(),
            path => format!("`{path}`"),
        }
    }

    fn update_value<R, E>(
        self,
        value: &RawValue<'_>,
        site: Site,
        timeout: Duration,
        change: impl FnOnce(&mut [u8]) -> Result<R, E>,
    ) -> Result<Result<R, E>> {
        let name = |error: Error| error.about(self.name());
        let held = lock::acquire(value.lock(), site.me(), &site, Patience::timeout(timeout));
        let held = HeldOverClosure::new(held.map_err(name)?, site);
        let commit = cell::committed(value).map_err(name)?;
        let mut bytes = room(self.name(), value.size)?;
        get_bytes(value.data(commit.index()), 0, &mut bytes);
        let outcome = write::run(value, site, || change(&mut bytes))?;
        if outcome.is_ok() {
            write::publish(value, held, commit, |words| put_bytes(words, &bytes));
        }
        Ok(outcome)
    }

    fn store(self, before: &[u8], after: &[u8]) -> Result<()> {
        match self.raw()? {
            Raw::Atomic(number) => number.store(after),
            Raw::Flag(byte) => byte.store(&[u8::from(after != [0])]),
            Raw::Loose(plain) => {
                if plain.store_changed(self.contents(), before, after) == Stored::Outrun {
                    let detail = "the fields beside this one changed all the time";
                    return Err(Error::new(ErrorKind::Busy, self.name(), detail));
                }
            }
            Raw::Value(_) | Raw::Frozen(_) | Raw::Locked(_) | Raw::OnceCell(_) => {}
        }
        Ok(())
    }

    /// Waits until the version is not `seen` any more.
    ///
    /// # Errors
    /// As [`Value::wait_version`](crate::Value::wait_version); `Unsupported` for all but a `Value`.
    pub fn wait_version(self, seen: Version, timeout: Duration) -> Result<Version> {
        let Raw::Value(value) = self.raw()? else {
            let detail = format!("{} has no versions to wait for", self.node.type_name());
            return Err(Error::new(ErrorKind::Unsupported, self.name(), detail));
        };
        match self.object.site()? {
            Some(site) => wait::for_change(&value, &site, seen, timeout),
            None => wait::for_change(&value, self.object.member(), seen, timeout),
        }
    }
}

impl fmt::Debug for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell")
            .field("object", &self.name())
            .field("path", &self.path())
            .field("type", &self.node.type_name())
            .finish_non_exhaustive()
    }
}

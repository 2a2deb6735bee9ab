//! Making an object of a schema, without a type.
//!
//! It is built like any other: unnamed until it is whole, locked by its maker before it has a name,
//! and ended by whoever comes next if the maker dies while it gives the cells their contents.

use std::sync::atomic::Ordering;

use super::Untyped;
use super::raw::{Raw, put_bytes, room};
use crate::attach::{Plan, Verb, Wanted, attach};
use crate::build::is_creator;
use crate::described::Described;
use crate::error::{Error, ErrorKind, Result};
use crate::member::Role;
use crate::schema::{Node, Schema};
use crate::segment::Segment;
use crate::shared::Options;
use crate::value::cell::{CellWords, Commit};
use crate::value::fill::{Filled, failed};

/// A cell of a new object, before anybody else sees it: all zero, to be given its first contents.
#[derive(Debug)]
pub struct NewCell<'a> {
    offset: u64,
    contents: &'a Node,
    bytes: &'a mut [u8],
}

impl NewCell<'_> {
    /// Where the cell begins in the object, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What is in it: the plain data of a `Value`, `Frozen`, `Loose`, `Mutex` or `RwLock`; else the atomic or flag itself.
    pub fn contents(&self) -> &Node {
        self.contents
    }

    /// The canonical bytes of its contents, to be filled.
    pub fn bytes(&mut self) -> &mut [u8] {
        self.bytes
    }
}

impl Untyped {
    /// Where an object lives, how long, for how many users: then it is made of a schema.
    ///
    /// ```no_run
    /// use cohabit::schema::{FieldParts, Node, Scalar, Schema, StructNode};
    /// use cohabit::{Keep, untyped::Untyped};
    ///
    /// let x = FieldParts { name: "x".into(), was: None, node: Node::Scalar(Scalar::I32) };
    /// let point = Node::Struct(StructNode::laid_out("Point".into(), vec![x], None));
    /// let schema = Schema { root: point.into_value(), has_end: false };
    /// let kept = Untyped::options().keep(Keep::UntilReboot);
    /// kept.create_by_schema("point", &schema, |mut cell| cell.bytes()[0] = 7)?;
    /// # Ok::<(), cohabit::Error>(())
    /// ```
    pub fn options() -> Options<Untyped> {
        Options::of_any()
    }
}

impl Options<Untyped> {
    /// Makes a new object of a schema. `first` is given each cell in the order of the object, zeroed.
    ///
    /// # Errors
    /// As [`Shared::create`](crate::Shared::create); `SchemaInvalid`; `ConstructorIncomplete` if what
    /// `first` left is no value of the type, such as zero where an enum has no variant with it.
    pub fn create_by_schema<R: Filled>(
        &self,
        name: &str,
        schema: &Schema,
        mut first: impl FnMut(NewCell<'_>) -> R,
    ) -> Result<Untyped> {
        let wanted = wanted(name, schema)?;
        let plan =
            Plan { name, settings: self.settings(), wanted: Some(&wanted), role: Role::User };
        let mut build = |segment: &Segment| {
            let whole = schema.resolved(segment.header.tail_len);
            let whole = whole.map_err(|bad| invalid(&segment.name, &bad.to_string()))?;
            let mut builder = Builder { segment, bytes: Vec::new() };
            builder.each(&whole.root, 0, &mut first).map_err(|error| error.about(&segment.name))
        };
        Untyped::over(attach(&plan, Verb::Create, &mut build)?)
    }
}

fn invalid(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::SchemaInvalid, name, why)
}

/// What a type with this schema would demand.
fn wanted(name: &str, schema: &Schema) -> Result<Wanted> {
    if schema.has_end {
        let detail = "the schema is of a type with an end, whose code nobody would have";
        return Err(invalid(name, detail));
    }
    let schema = schema.clone().checked().map_err(|bad| invalid(name, &bad.to_string()))?;
    let (struct_size, field_count) = struct_of(&schema.root);
    Ok(Wanted {
        fingerprint: schema.fingerprint(),
        what: Described::Schema(schema),
        struct_size,
        field_count,
        has_room: false,
        end: None,
    })
}

/// Size and number of fields of the struct that an object is about.
fn struct_of(node: &Node) -> (u64, u32) {
    match node {
        Node::Value { of, .. } => struct_of(of),
        // Fields are counted by 16 bits when a schema is read.
        Node::Struct(node) => (node.size, node.fields.len() as u32),
        other => (other.size(), 0),
    }
}

/// Gives the cells of a new object their contents.
struct Builder<'s> {
    segment: &'s Segment,
    /// The contents of one cell at a time.
    bytes: Vec<u8>,
}

impl Builder<'_> {
    fn each<R: Filled>(
        &mut self,
        node: &Node,
        at: u64,
        first: &mut impl FnMut(NewCell<'_>) -> R,
    ) -> Result<()> {
        match node {
            Node::Struct(node) => node
                .fields
                .iter()
                .try_for_each(|field| self.each(&field.node, at + field.at, first)),
            Node::Array { of, len } => {
                (0..*len).try_for_each(|index| self.each(of, at + index * of.size(), first))
            }
            Node::Value { of, .. }
            | Node::Frozen { of }
            | Node::Loose { of }
            | Node::Mutex { of }
            | Node::RwLock { of } => self.cell(node, of, at, first),
            // They begin as zeros: nothing said, and nothing done.
            Node::OnceCell { .. } | Node::Signal(_) => Ok(()),
            other => self.cell(node, other, at, first),
        }
    }

    fn cell<R: Filled>(
        &mut self,
        node: &Node,
        contents: &Node,
        at: u64,
        first: &mut impl FnMut(NewCell<'_>) -> R,
    ) -> Result<()> {
        let size = contents.size() as usize;
        if self.bytes.len() != size {
            self.bytes = room(&self.segment.name, size)?;
        }
        self.bytes.fill(0);
        let given = first(NewCell { offset: at, contents, bytes: &mut self.bytes });
        given.outcome().map_err(failed)?;
        // A child that was forked in there writes nothing: the object is its parent's.
        if !is_creator(self.segment.object().addr()) {
            let detail =
                "the constructor forked, and this is the child: the parent finishes the object";
            return Err(Error::new(ErrorKind::Forked, "", detail));
        }
        contents.check(&self.bytes).map_err(|bad| {
            let detail = format!("what was given is no value: {bad}");
            Error::new(ErrorKind::ConstructorIncomplete, "", detail)
        })?;
        self.put(node, at)
    }

    /// Relaxed throughout: LIVE, stored with Release after the constructor, publishes it all.
    fn put(&self, node: &Node, at: u64) -> Result<()> {
        match Raw::of(self.segment, node, at)? {
            Raw::Value(cell) => {
                put_bytes(cell.data(0), &self.bytes);
                cell.stamp(0).store(Commit::FIRST.version(), Ordering::Relaxed);
                cell.commit().store(Commit::FIRST.0, Ordering::Relaxed);
            }
            Raw::Atomic(number) => number.store(&self.bytes),
            Raw::Flag(byte) => byte.store(&self.bytes),
            Raw::Frozen(plain) | Raw::Loose(plain) | Raw::Locked(plain) => {
                plain.store_first(&self.bytes);
            }
            Raw::OnceCell(_) => {}
        }
        Ok(())
    }
}

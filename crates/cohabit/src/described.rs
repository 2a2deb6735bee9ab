//! What an object is to be, by a type of this program or by a schema that was put together at run time.

use crate::plain::{Kind, copies_of_slice};
use crate::schema::{Node, Schema};

/// A type, or a schema in its place.
#[derive(Debug)]
pub(crate) enum Described {
    /// A type of this program.
    Kind(&'static Kind),
    /// What a type would be, if there was one.
    Schema(Schema),
}

impl Described {
    /// The schema. `has_end` is what the caller knows of the type.
    pub(crate) fn schema(&self, has_end: bool) -> Schema {
        match self {
            Described::Kind(kind) => Schema::of(kind, has_end),
            Described::Schema(schema) => schema.clone(),
        }
    }

    /// Whether it ends in an array whose length is given when an object is made.
    pub(crate) fn has_tail(&self) -> bool {
        match self {
            Described::Kind(kind) => kind.has_tail(),
            Described::Schema(schema) => schema.root.has_tail(),
        }
    }

    /// The size in bytes with a tail of `len` elements; `None` if an address space has no room for it.
    pub(crate) fn size_with_tail(&self, len: u64) -> Option<u64> {
        match self {
            Described::Kind(kind) => kind.size_with_tail(len),
            Described::Schema(schema) => schema.resolved(len).ok().map(|whole| whole.root.size()),
        }
    }

    /// "16 copies of 264 bytes, and the head": for the error about room.
    pub(crate) fn sizes(&self, len: u64) -> String {
        match self {
            Described::Kind(kind) => sizes_of(kind, len),
            Described::Schema(schema) => match schema.resolved(len).map(|whole| whole.root) {
                Ok(Node::Value { copies, of, .. }) => {
                    format!("{copies} copies of {} bytes, and the head", of.size())
                }
                _ => {
                    format!("{} bytes, and the head", self.size_with_tail(len).unwrap_or(u64::MAX))
                }
            },
        }
    }
}

fn sizes_of(kind: &Kind, len: u64) -> String {
    match kind {
        Kind::Value { of, .. } if of.has_tail() => {
            let size = of.size_with_tail(len).unwrap_or(u64::MAX);
            format!("{} copies of {size} bytes, and the head", copies_of_slice(size))
        }
        Kind::Value { copies, of, .. } => {
            format!("{copies} copies of {} bytes, and the head", of.size())
        }
        other => {
            format!("{} bytes, and the head", other.size_with_tail(len).unwrap_or(u64::MAX))
        }
    }
}

//! A schema with a tail, made whole by the length that stands in an object's header.
//!
//! The type of an object may leave the length of its last array open ([`Node::Tail`]). Each object has
//! a length of its own, given when it was made. Resolving replaces the tail by an array of that length
//! and settles the sizes that follow from it, so that whoever reads an object by its schema knows
//! arrays only. The fingerprint is that of the schema before.

use super::parse::{MAX_SIZE, SchemaError};
use super::tree::{Node, Schema};
use crate::plain::{copies_of_slice, stride_of_slice};

impl Schema {
    /// The schema of an object whose tail has `len` elements.
    ///
    /// # Errors
    ///
    /// A length without a tail or a tail without one, and what would be too large for anything.
    pub fn resolved(&self, len: u64) -> Result<Self, SchemaError> {
        if self.root.has_tail() != (len > 0) {
            let problem = match len {
                0 => "the type has a tail, and the object no length for it".to_owned(),
                _ => format!("the type has no tail, and the object a length of {len} for one"),
            };
            return Err(SchemaError::new(problem));
        }
        let mut root = self.root.clone();
        if len > 0 {
            resolve(&mut root, len)?;
        }
        Ok(Self { root, has_end: self.has_end })
    }
}

/// Resolves the tail that `node` ends in.
fn resolve(node: &mut Node, len: u64) -> Result<(), SchemaError> {
    match node {
        Node::Tail { of } => {
            let of = std::mem::replace(&mut **of, Node::Flag);
            fitting(of.size().checked_mul(len))?;
            *node = Node::Array { of: Box::new(of), len };
        }
        Node::Value { copies, stride, of } => {
            resolve(of, len)?;
            *copies = copies_of_slice(of.size());
            *stride = stride_of_slice(of.size());
            fitting(copies.checked_mul(*stride))?;
        }
        Node::Struct(whole) => {
            let Some(last) = whole.fields.last_mut() else { return Ok(()) };
            resolve(&mut last.node, len)?;
            let end = fitting(last.at.checked_add(last.node.size()))?;
            whole.size = end.next_multiple_of(whole.align);
        }
        _ => {}
    }
    Ok(())
}

fn fitting(size: Option<u64>) -> Result<u64, SchemaError> {
    size.filter(|size| *size <= MAX_SIZE).ok_or_else(|| {
        SchemaError::new("with the object's length, it is too large for an address space")
    })
}

//! The schema: what a type is, in a form that outlives the program which has the type.
//!
//! A constant [`Kind`](crate::plain::Kind) tree becomes a [`Schema`], whose canonical text stands
//! in each segment, so that `cohabit show` can print an object of which it has never heard, and a
//! 128-bit [`fingerprint`], by which programs that have the type recognise each other quickly.
//! Where fingerprints differ, [`difference`] says in which fields.

mod build;
mod check;
mod diff;
mod fingerprint;
mod grown;
mod json;
mod parse;
mod resolve;
mod tree;

pub use build::FieldParts;
pub use diff::difference;
pub use fingerprint::fingerprint;
pub(crate) use grown::Grown;
pub use parse::{MAX_FIELDS, MAX_TEXT, SchemaError};
pub use tree::{EnumNode, FieldNode, Node, Scalar, Schema, StructNode, VariantNode};

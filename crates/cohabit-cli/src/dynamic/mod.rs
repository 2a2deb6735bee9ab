//! Values without their types: canonical bytes to text and JSON by the schema, and back.
//!
//! How each kind is written, in both directions:
//!
//! | kind | JSON | as a text, after `field=` |
//! |---|---|---|
//! | integers | an exact number, also beyond 2^53 | decimal, or `0x`, `0o`, `0b` |
//! | floats | the shortest number that is the same float; `"NaN"`, `"inf"`, `"-inf"` | the same, without quotes |
//! | bool | `true`, `false`; a peer's other bits show as `{"invalid": 7}` | `true`, `false` |
//! | text | a string; bytes that are no UTF-8 as `{"lossy": "a\u{FFFD}", "hex": "61ff"}` | the text itself, no quotes |
//! | lists | a list, as long as the object's | JSON |
//! | structs | an object; when setting, members that are left out stay as they are | JSON |
//!
//! Showing never fails on what a peer wrote, and writes as it goes: a large object is not built up in
//! memory a second time.

pub(crate) mod parse;
pub(crate) mod show;

use cohabit::schema::{Node, Scalar, Schema};

/// What the value of an object is: the inside of its cell, or the number of its atomic.
pub(crate) fn value_node(schema: &Schema) -> Node {
    match &schema.root {
        Node::Value { of, .. } => (**of).clone(),
        Node::Atomic(scalar) => Node::Scalar(*scalar),
        other => other.clone(),
    }
}

/// Whether the object's value has versions, that is, whether it stands in a `Value`.
pub(crate) fn has_versions(schema: &Schema) -> bool {
    matches!(schema.root, Node::Value { .. })
}

/// The smallest and the largest value of an integer kind.
pub(crate) fn range_of(scalar: Scalar) -> (i128, i128) {
    let bits = scalar.size() * 8;
    match scalar {
        Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 => {
            (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        }
        _ => (0, (1 << bits) - 1),
    }
}

//! Schemas that are put together at run time, with the layout that `#[plain]` gives the same types.

use super::parse::SchemaError;
use super::tree::{FieldNode, Node, Scalar, Schema, StructNode};
use crate::plain::{ROOM_ALIGN, copies, copies_of_slice, stride_of_slice};

/// A field before it has its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldParts {
    /// The name.
    pub name: String,
    /// The name that it had first, if it was renamed.
    pub was: Option<String>,
    /// What the field is.
    pub node: Node,
}

impl StructNode {
    /// A struct of these fields in C's layout: each at the next multiple of its alignment. With
    /// `room`, in bytes, it is appendable. Whether it can be is what [`Schema::checked`] says.
    pub fn laid_out(name: String, fields: Vec<FieldParts>, room: Option<u64>) -> StructNode {
        let (mut end, mut align) = (0_u64, 1);
        let place = |FieldParts { name, was, node }: FieldParts| {
            let at = aligned(end, node.align());
            end = at.saturating_add(node.size());
            align = align.max(node.align());
            FieldNode { name, was, at, node }
        };
        let fields = fields.into_iter().map(place).collect();
        let (size, align) = match room {
            Some(room) => (room, ROOM_ALIGN as u64),
            None => (aligned(end, align), align),
        };
        StructNode { name, size, align, appendable: room.is_some(), fields }
    }
}

impl StructNode {
    /// Whether this is an `Appended<T>` of Rust: a value that older programs have not written, told
    /// by its label and form.
    pub fn is_appended(&self) -> bool {
        let [present, value] = self.fields.as_slice() else { return false };
        self.name == "Appended"
            && (present.name.as_str(), value.name.as_str()) == ("present", "value")
            && (present.at, &present.node) == (0, &Node::Scalar(Scalar::Bool))
    }
}

impl Node {
    /// The `Value` of this plain data, with as many copies as a `Value<T>` of such a T has.
    #[must_use]
    pub fn into_value(self) -> Node {
        let size = self.size();
        let (copies, stride) = match &self {
            Node::Tail { .. } => (0, 0),
            // Their size is that of a parameter, of which the number of copies cannot depend.
            Node::Array { .. } | Node::List { .. } | Node::Text { .. } | Node::WideText { .. } => {
                (4, stride_of_slice(size.min(u64::MAX / 2)))
            }
            Node::Struct(node) if node.is_appended() => (4, stride_of_slice(size)),
            _ => match usize::try_from(size.min(u64::MAX / 2)) {
                Ok(bytes) => (copies(bytes) as u64, stride_of_slice(bytes as u64)),
                // Larger than this target's addresses: then three pass 4 MiB.
                Err(_) => (copies_of_slice(size), stride_of_slice(size)),
            },
        };
        Node::Value { copies, stride, of: Box::new(self) }
    }
}

impl Schema {
    /// The same, if every reader of it would accept it.
    ///
    /// # Errors
    ///
    /// The first place at which it is not valid.
    pub fn checked(self) -> Result<Schema, SchemaError> {
        Schema::parse(self.to_json().as_bytes(), self.has_end)
    }
}

/// The next multiple of an alignment; saturated, what is too large stays so.
fn aligned(at: u64, align: u64) -> u64 {
    at.checked_next_multiple_of(align).unwrap_or(u64::MAX)
}

//! Whether programs with two different schemas can use one object: fields were appended.

use super::diff::alike;
use super::tree::{FieldNode, Node, Schema, StructNode};

impl Schema {
    /// Whether a program whose type has this schema can use an object that has the other one.
    ///
    /// That is so if they are the same but for names of types, or if one has more fields than the other
    /// at the end of appendable structs with the same room, each in a value of its own.
    pub fn goes_with(&self, other: &Schema) -> bool {
        self.has_end == other.has_end && nodes(&self.root, &other.root)
    }

    /// Whether there is an appendable struct in it.
    pub fn has_room(&self) -> bool {
        has_room(&self.root)
    }
}

fn has_room(node: &Node) -> bool {
    match node {
        Node::Struct(node) => {
            node.appendable || node.fields.iter().any(|field| has_room(&field.node))
        }
        Node::Array { of, .. } | Node::Tail { of } | Node::Value { of, .. } => has_room(of),
        _ => false,
    }
}

/// Parts outside of values, where nothing can be appended.
fn nodes(mine: &Node, other: &Node) -> bool {
    match (mine, other) {
        (Node::Value { copies, stride, of }, Node::Value { copies: c, stride: s, of: other }) => {
            (copies, stride) == (c, s) && contents(of, other)
        }
        (Node::Array { of, len }, Node::Array { of: other, len: other_len }) => {
            len == other_len && nodes(of, other)
        }
        (Node::Tail { of }, Node::Tail { of: other }) => nodes(of, other),
        (Node::Struct(mine), Node::Struct(other)) => {
            mine.fields.len() == other.fields.len()
                && same_frame(mine, other)
                && pairs(mine, other)
                    .all(|(one, other)| same_place(one, other) && nodes(&one.node, &other.node))
        }
        _ => alike(mine, other),
    }
}

/// What values hold: the fields of one must begin those of the other.
fn contents(mine: &Node, other: &Node) -> bool {
    match (mine, other) {
        (Node::Struct(mine), Node::Struct(other)) if mine.appendable && other.appendable => {
            same_frame(mine, other)
                && pairs(mine, other)
                    .all(|(one, other)| same_place(one, other) && alike(&one.node, &other.node))
        }
        _ => alike(mine, other),
    }
}

fn same_frame(mine: &StructNode, other: &StructNode) -> bool {
    (mine.size, mine.align, mine.appendable) == (other.size, other.align, other.appendable)
}

fn same_place(mine: &FieldNode, other: &FieldNode) -> bool {
    mine.at == other.at && mine.first_name() == other.first_name()
}

fn pairs<'a>(
    mine: &'a StructNode,
    other: &'a StructNode,
) -> impl Iterator<Item = (&'a FieldNode, &'a FieldNode)> {
    mine.fields.iter().zip(&other.fields)
}

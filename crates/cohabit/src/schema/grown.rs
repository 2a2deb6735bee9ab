//! Whether programs with two different schemas can use one object: fields were appended.

use super::diff::alike;
use super::fingerprint::of_prefixes;
use super::tree::{FieldNode, Node, Schema, StructNode};
use crate::plain::Kind;

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

/// A value of which this program knows more fields than the maker of the object did.
#[derive(Debug)]
pub(crate) struct Grown<'a> {
    /// Where it is in the object, for messages; empty for the object itself.
    pub(crate) path: String,
    /// The offset in the object of the words that say what has been appended.
    pub(crate) words_at: u64,
    /// How many fields the maker knew.
    pub(crate) known: usize,
    /// All fields that this program knows.
    pub(crate) fields: &'a [FieldNode],
}

impl Grown<'_> {
    /// What stands in the word of each field that the maker did not know.
    pub(crate) fn marks(&self) -> Vec<u64> {
        of_prefixes(self.fields).split_off(self.known)
    }
}

impl Schema {
    /// Calls `f` with each value that has grown since the object was made, of which the schema `other`
    /// [goes with](Schema::goes_with) this one; a tail has `tail_len` elements.
    pub(crate) fn each_grown<E>(
        &self,
        other: &Schema,
        tail_len: u64,
        f: &mut dyn FnMut(&Grown<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        Walk { tail_len, f }.walk(&self.root, &other.root, String::new(), 0)
    }
}

struct Walk<'a, E> {
    tail_len: u64,
    f: &'a mut dyn FnMut(&Grown<'_>) -> Result<(), E>,
}

impl<E> Walk<'_, E> {
    fn walk(&mut self, mine: &Node, other: &Node, path: String, at: u64) -> Result<(), E> {
        match (mine, other) {
            (Node::Value { copies, stride, of }, Node::Value { of: other, .. }) => {
                let (Node::Struct(mine), Node::Struct(other)) = (&**of, &**other) else {
                    return Ok(());
                };
                let known = other.fields.len();
                if !mine.appendable || mine.fields.len() <= known {
                    return Ok(());
                }
                let words_at = at + Kind::VALUE_HEAD as u64 + copies * stride;
                (self.f)(&Grown { path, words_at, known, fields: &mine.fields })
            }
            (Node::Struct(mine), Node::Struct(other)) => {
                let dot = if path.is_empty() { "" } else { "." };
                pairs(mine, other).try_for_each(|(mine, other)| {
                    let path = format!("{path}{dot}{}", mine.name);
                    self.walk(&mine.node, &other.node, path, at + mine.at)
                })
            }
            (Node::Array { of, len }, Node::Array { of: other, .. }) if has_room(of) => {
                self.elements(*len, of, other, &path, at)
            }
            (Node::Tail { of }, Node::Tail { of: other }) if has_room(of) => {
                self.elements(self.tail_len, of, other, &path, at)
            }
            _ => Ok(()),
        }
    }

    fn elements(
        &mut self,
        len: u64,
        of: &Node,
        other: &Node,
        path: &str,
        at: u64,
    ) -> Result<(), E> {
        (0..len).try_for_each(|index| {
            self.walk(of, other, format!("{path}[{index}]"), at + index * of.size())
        })
    }
}

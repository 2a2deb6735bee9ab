//! Names for the types and fields of a schema, in a language that has rules of its own for them.
//!
//! Labels are what the maker of an object called its types: two may bear one label, and a label may be
//! no name at all elsewhere. Every type gets a name of its own here, and equal types the same one.

use std::collections::{HashMap, HashSet};

use cohabit::schema::{EnumNode, Node, StructNode};

/// A type that has a name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Named<'n> {
    Struct(&'n StructNode),
    Enum(&'n EnumNode),
}

/// The named types of a schema, each before those that it is a part of.
#[derive(Debug, Default)]
pub(super) struct Types<'n> {
    list: Vec<(Named<'n>, String)>,
    /// Which name a type has, by all that makes it up.
    known: HashMap<String, String>,
    taken: Taken,
}

impl<'n> Types<'n> {
    /// Finds all types in a tree; none gets one of the names that are `reserved`.
    pub(super) fn of(root: &'n Node, reserved: &[&str]) -> Self {
        let mut types = Self { taken: Taken::of(reserved), ..Self::default() };
        types.visit(root);
        types
    }

    /// Each type with its name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Named<'n>, &str)> {
        self.list.iter().map(|(named, name)| (*named, name.as_str()))
    }

    /// The name of a type that was found.
    pub(super) fn name_of(&self, node: &Node) -> &str {
        self.known.get(&key(node)).map_or("", String::as_str)
    }

    fn visit(&mut self, node: &'n Node) {
        match node {
            Node::Struct(whole) => {
                whole.fields.iter().for_each(|field| self.visit(&field.node));
                self.enter(node, Named::Struct(whole), &whole.name);
            }
            Node::Enum(whole) => self.enter(node, Named::Enum(whole), &whole.name),
            Node::List { of, .. }
            | Node::Array { of, .. }
            | Node::Tail { of }
            | Node::Value { of, .. }
            | Node::Frozen { of }
            | Node::Loose { of }
            | Node::Mutex { of }
            | Node::RwLock { of }
            | Node::OnceCell { of } => self.visit(of),
            _ => {}
        }
    }

    fn enter(&mut self, node: &Node, named: Named<'n>, label: &str) {
        let key = key(node);
        if self.known.contains_key(&key) {
            return;
        }
        let name = self.taken.unique(&identifier(label));
        self.known.insert(key, name.clone());
        self.list.push((named, name));
    }
}

/// What two types have in common that are one.
fn key(node: &Node) -> String {
    format!("{node:?}")
}

/// Names that are used already.
#[derive(Debug, Default)]
pub(super) struct Taken {
    names: HashSet<String>,
    /// The number that a name gets which is wanted again: a peer may want one name many times.
    next: HashMap<String, usize>,
}

impl Taken {
    pub(super) fn of(reserved: &[&str]) -> Self {
        let names = reserved.iter().map(|name| (*name).to_owned()).collect();
        Self { names, next: HashMap::new() }
    }

    /// `wanted`, or the same with a number behind it.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while !self.names.insert(name.clone()) {
            let next = self.next.entry(wanted.to_owned()).or_insert(1);
            *next += 1;
            name = format!("{wanted}{next}");
        }
        name
    }
}

/// A name of ASCII letters, digits and `_` that is as near to the text as can be.
pub(super) fn identifier(text: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = text.chars().map(fit).collect();
    match name.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        Some(_) => name,
        None => "_".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::types;

    #[test]
    fn equal_types_have_one_name_and_others_their_own() {
        let text = "a: P { x: i32 }, b: P { x: i32 }, c: P { y: i32 }, d: enum P { On }, e: \"1 p\" { z: u8 }";
        let text = text.replace("\"1 p\" {", "struct \"1 p\" {");
        let schema = types::object(&text, "Whole").unwrap();
        let types = Types::of(&schema.root, &["Whole"]);
        let names: Vec<_> = types.iter().map(|(_, name)| name.to_owned()).collect();
        assert_eq!(names, ["P", "P2", "P3", "_1_p", "Whole2"]);
    }
}

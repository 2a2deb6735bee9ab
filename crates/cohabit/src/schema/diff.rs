//! The difference of two schemas, in lines that a person can act on.

use std::collections::{HashMap, HashSet};

use super::tree::{EnumNode, FieldNode, Node, Schema, StructNode, VariantNode};

/// How many lines are worth reading; the rest is counted.
const MAX_LINES: usize = 40;

/// What differs between the type of this program and that of an object, field by field.
///
/// Empty if the two are the same but for the names of types.
pub fn difference(mine: &Schema, other: &Schema) -> Vec<String> {
    let mut lines = Lines::default();
    lines.nodes("", &mine.root, &other.root);
    if mine.has_end != other.has_end {
        let has = |end| if end { "has one" } else { "has none" };
        let (mine, other) = (has(mine.has_end), has(other.has_end));
        lines.push(format!("destructor: my type {mine}, the object's {other}"));
    }
    lines.finish()
}

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    /// How many there would be.
    count: usize,
}

impl Lines {
    fn push(&mut self, line: String) {
        self.count += 1;
        if self.count <= MAX_LINES {
            self.lines.push(line);
        }
    }

    fn finish(mut self) -> Vec<String> {
        if self.count > MAX_LINES {
            self.lines.push(format!("and {} more differences", self.count - MAX_LINES));
        }
        self.lines
    }

    /// What differs between two parts at the same path.
    fn nodes(&mut self, path: &str, mine: &Node, other: &Node) {
        match (mine, other) {
            (Node::Struct(mine), Node::Struct(other)) => self.structs(path, mine, other),
            (Node::Array { of: mine, len }, Node::Array { of: other, len: other_len })
            | (Node::List { of: mine, len }, Node::List { of: other, len: other_len })
                if len == other_len =>
            {
                self.nodes(&format!("{path}[]"), mine, other);
            }
            (
                Node::Value { copies, stride, of },
                Node::Value { copies: other_copies, stride: other_stride, of: other_of },
            ) => {
                let before = self.count;
                self.nodes(path, of, other_of);
                // The number and distance of copies follow from the type where that differs.
                if self.count == before && (copies, stride) != (other_copies, other_stride) {
                    self.push(format!(
                        "{}only the copies differ: mine {copies} at a distance of {stride} bytes, \
                         the object's {other_copies} at {other_stride}",
                        prefix(path),
                    ));
                }
            }
            (Node::Frozen { of: mine }, Node::Frozen { of: other })
            | (Node::Loose { of: mine }, Node::Loose { of: other })
            | (Node::OnceCell { of: mine }, Node::OnceCell { of: other })
            | (Node::Mutex { of: mine }, Node::Mutex { of: other })
            | (Node::RwLock { of: mine }, Node::RwLock { of: other }) => {
                self.nodes(path, mine, other);
            }
            (Node::Tail { of: mine }, Node::Tail { of: other }) => {
                self.nodes(&format!("{path}[]"), mine, other);
            }
            (Node::Enum(mine), Node::Enum(other)) if mine.repr == other.repr => {
                self.enums(path, mine, other);
            }
            _ if mine == other => {}
            _ => {
                let (mine, other) = (describe(mine), describe(other));
                self.push(format!("{}mine is {mine}, the object's is {other}", prefix(path)));
            }
        }
    }

    fn structs(&mut self, path: &str, mine: &StructNode, other: &StructNode) {
        let before = self.count;
        let theirs = by_name(other);
        let names = by_name(mine);
        let mut renamed = HashSet::new();
        for field in &mine.fields {
            let path = join(path, &field.name);
            match theirs.get(field.first_name()) {
                Some(found) => self.fields(&path, field, found),
                None => {
                    let twin = other.fields.iter().find(|candidate| candidate.at == field.at);
                    let twin = twin.filter(|twin| !names.contains_key(twin.first_name()));
                    match twin.filter(|twin| alike(&field.node, &twin.node)) {
                        Some(twin) => {
                            renamed.insert(twin.name.as_str());
                            self.push(renamed_to(&path, field, twin));
                        }
                        None => self.lone(&path, field, "here", other),
                    }
                }
            }
        }
        for field in &other.fields {
            let name = field.name.as_str();
            if !names.contains_key(field.first_name()) && !renamed.contains(name) {
                self.lone(&join(path, name), field, "in the object", mine);
            }
        }
        if self.count == before {
            self.frames(path, mine, other);
        }
    }

    /// What differs between structs whose fields are the same.
    fn frames(&mut self, path: &str, mine: &StructNode, other: &StructNode) {
        let (size, align) = (mine.size, mine.align);
        if (size, align) != (other.size, other.align) {
            self.push(format!(
                "{}size {size} and alignment {align} here, {} and {} in the object",
                prefix(path),
                other.size,
                other.align,
            ));
        }
        if mine.appendable != other.appendable {
            let says = |appendable| if appendable { "is appendable" } else { "is not appendable" };
            let (mine, other) = (says(mine.appendable), says(other.appendable));
            self.push(format!("{}mine {mine}, the object's {other}", prefix(path)));
        }
    }

    /// What differs between enums that are kept in the same integer.
    fn enums(&mut self, path: &str, mine: &EnumNode, other: &EnumNode) {
        let shown = |variant: &VariantNode| format!("`{} = {}`", variant.name, variant.value);
        let before = self.count;
        for (list, rest, side) in [(mine, other, "here"), (other, mine, "in the object")] {
            for variant in list.variants.iter().filter(|one| !rest.variants.contains(one)) {
                self.push(format!("{}{} only {side}", prefix(path), shown(variant)));
            }
        }
        if self.count == before && mine.variants != other.variants {
            self.push(format!("{}the variants stand in another order", prefix(path)));
        }
    }

    /// A field that both have.
    fn fields(&mut self, path: &str, mine: &FieldNode, other: &FieldNode) {
        let (at, other_at) = (mine.at, other.at);
        if is_nested(&mine.node, &other.node) || alike(&mine.node, &other.node) {
            if at != other_at {
                let kind = describe(&mine.node);
                self.push(format!(
                    "field `{path}`: mine {kind} at {at}, the object's at {other_at}"
                ));
            }
            return self.nodes(path, &mine.node, &other.node);
        }
        let (kind, other) = (describe(&mine.node), describe(&other.node));
        self.push(format!(
            "field `{path}`: mine {kind} at {at}, the object's {other} at {other_at}"
        ));
    }

    /// A field that one side has. `whole` is the struct of the side that lacks it.
    fn lone(&mut self, path: &str, field: &FieldNode, side: &str, whole: &StructNode) {
        let end = whole.fields.last().map_or(0, |last| last.at + last.node.size());
        let appended = if field.at >= end { ", appended" } else { "" };
        let (kind, at) = (describe(&field.node), field.at);
        self.push(format!("field `{path}`: only {side} ({kind} at {at}{appended})"));
    }
}

/// That the object has another name for a field, and how plain data says that it is one field.
fn renamed_to(path: &str, mine: &FieldNode, other: &FieldNode) -> String {
    let (kind, name, at) = (describe(&mine.node), &other.name, mine.at);
    let cure = match mine.node.is_plain() {
        true => format!("; if it is the same, say #[plain(was = \"{}\")]", other.first_name()),
        false => String::new(),
    };
    format!("field `{path}`: the object calls it `{name}` ({kind} at {at}{cure})")
}

/// Whether two parts differ, if at all, in what is inside of them.
fn is_nested(mine: &Node, other: &Node) -> bool {
    match (mine, other) {
        (Node::Struct(_), Node::Struct(_)) => true,
        (Node::Value { .. }, Node::Value { .. })
        | (Node::Frozen { .. }, Node::Frozen { .. })
        | (Node::Loose { .. }, Node::Loose { .. })
        | (Node::OnceCell { .. }, Node::OnceCell { .. })
        | (Node::Mutex { .. }, Node::Mutex { .. })
        | (Node::RwLock { .. }, Node::RwLock { .. })
        | (Node::Tail { .. }, Node::Tail { .. }) => true,
        (Node::Array { len, .. }, Node::Array { len: other, .. })
        | (Node::List { len, .. }, Node::List { len: other, .. }) => len == other,
        (Node::Enum(mine), Node::Enum(other)) => mine.repr == other.repr,
        _ => false,
    }
}

fn by_name(node: &StructNode) -> HashMap<&str, &FieldNode> {
    node.fields.iter().map(|field| (field.first_name(), field)).collect()
}

/// Whether two parts are the same but for the names of types.
pub(super) fn alike(mine: &Node, other: &Node) -> bool {
    let mut lines = Lines::default();
    lines.nodes("", mine, other);
    lines.count == 0
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn prefix(path: &str) -> String {
    if path.is_empty() { "the type: ".to_owned() } else { format!("field `{path}`: ") }
}

/// A part in a few words, as a Rust programmer writes it.
fn describe(node: &Node) -> String {
    match node {
        Node::Struct(node) => format!("struct {}", node.name),
        Node::Enum(node) => format!("enum {}", node.name),
        Node::Array { of, len } => format!("[{}; {len}]", describe(of)),
        Node::List { of, len } => format!("List<{}, {len}>", describe(of)),
        Node::Tail { of } => format!("[{}]", describe(of)),
        Node::Atomic(scalar) => format!("an atomic {}", scalar.name()),
        Node::Value { of, .. } => format!("a Value of {}", describe(of)),
        Node::Flag => "a Flag".to_owned(),
        Node::Frozen { of } => format!("a Frozen of {}", describe(of)),
        Node::Loose { of } => format!("a Loose of {}", describe(of)),
        Node::Mutex { of } => format!("a Mutex of {}", describe(of)),
        Node::RwLock { of } => format!("a RwLock of {}", describe(of)),
        Node::OnceCell { of } => format!("a OnceCell of {}", describe(of)),
        Node::Signal(signal) => format!("a {}", signal.type_name()),
        Node::Scalar(_) | Node::Text { .. } | Node::WideText { .. } => node.type_name(),
    }
}

//! A schema as the text of its type, which `types` reads back.

use std::fmt::Write as _;

use cohabit::schema::{EnumNode, Node, Schema, StructNode};

use super::lexer::{is_name, quote};
use super::types;

/// The text of an object's type, in lines for people; `None` where its layout is not the one that the
/// text would mean, as in an object whose maker has other rules than C.
pub(crate) fn object(schema: &Schema) -> Option<String> {
    let mut text = String::new();
    let root = match &schema.root {
        Node::Value { of, .. } => of,
        other => other,
    };
    write_node(&mut text, root, 0);
    let meant = types::object(&text, "").ok()?;
    (meant.root == schema.root).then_some(text)
}

fn write_node(text: &mut String, node: &Node, depth: usize) {
    let mut around = |before: &str, of: &Node, after: &str| {
        text.push_str(before);
        write_node(text, of, depth);
        text.push_str(after);
    };
    match node {
        Node::Struct(node) => write_struct(text, node, depth),
        Node::Enum(node) => write_enum(text, node, depth),
        Node::List { of, len } => around("List<", of, &format!(", {len}>")),
        Node::Array { of, len } => around("[", of, &format!("; {len}]")),
        Node::Tail { of } => around("[", of, "]"),
        Node::Value { of, .. } => around("Value<", of, ">"),
        Node::Frozen { of } => around("Frozen<", of, ">"),
        Node::Loose { of } => around("Loose<", of, ">"),
        Node::Mutex { of } => around("Mutex<", of, ">"),
        Node::RwLock { of } => around("RwLock<", of, ">"),
        Node::OnceCell { of } => around("OnceCell<", of, ">"),
        // The rest has no parts with names of their own.
        leaf => text.push_str(&leaf.type_name()),
    }
}

fn write_struct(text: &mut String, node: &StructNode, depth: usize) {
    if node.appendable {
        // Writing to a String cannot fail, here and below.
        let _ = write!(text, "appendable({}) ", node.size);
    }
    let _ = writeln!(text, "struct {} {{", name(&node.name));
    let indent = (depth + 1) * 4;
    for field in &node.fields {
        let _ = write!(text, "{:indent$}{}", "", name(&field.name));
        if let Some(was) = &field.was {
            let _ = write!(text, " was {}", name(was));
        }
        text.push_str(": ");
        write_node(text, &field.node, depth + 1);
        text.push_str(",\n");
    }
    let _ = write!(text, "{:1$}}}", "", depth * 4);
}

fn write_enum(text: &mut String, node: &EnumNode, depth: usize) {
    let _ = writeln!(text, "enum {}: {} {{", name(&node.name), node.repr.name());
    let indent = (depth + 1) * 4;
    for variant in &node.variants {
        let _ = writeln!(text, "{:indent$}{} = {},", "", name(&variant.name), variant.value);
    }
    let _ = write!(text, "{:1$}}}", "", depth * 4);
}

/// A name as it must be written.
fn name(name: &str) -> String {
    if is_name(name) { name.to_owned() } else { quote(name) }
}

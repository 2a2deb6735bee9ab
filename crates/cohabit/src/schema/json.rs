//! The canonical text of a schema: compact JSON, members in a fixed order, the same for all.

use core::fmt::Write;

use super::tree::{EnumNode, FieldNode, Node, Schema, StructNode, VariantNode};

impl Schema {
    /// The canonical text.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        write_object(&mut out, &self.root);
        out
    }
}

fn write_object(out: &mut String, node: &Node) {
    out.push('{');
    write_members(out, node);
    out.push('}');
}

/// The members that say what something is. A field has them beside its own.
fn write_members(out: &mut String, node: &Node) {
    match node {
        Node::Scalar(scalar) => write_str(out, "\"kind\":", scalar.name()),
        Node::Text { len } => write_count(out, "\"kind\":\"text\",\"len\":", *len),
        Node::WideText { len } => write_count(out, "\"kind\":\"wide\",\"len\":", *len),
        Node::Enum(node) => write_enum(out, node),
        Node::List { of, len } => {
            write_count(out, "\"kind\":\"list\",\"len\":", *len);
            write_inner(out, ",\"of\":", of);
        }
        Node::Array { of, len } => {
            write_count(out, "\"kind\":\"array\",\"len\":", *len);
            write_inner(out, ",\"of\":", of);
        }
        Node::Tail { of } => write_inner(out, "\"kind\":\"tail\",\"of\":", of),
        Node::Struct(node) => write_struct(out, node),
        Node::Atomic(scalar) => write_str(out, "\"cell\":\"atomic\",\"kind\":", scalar.name()),
        Node::Value { copies, stride, of } => {
            write_count(out, "\"cell\":\"value\",\"copies\":", *copies);
            write_count(out, ",\"stride\":", *stride);
            write_inner(out, ",\"type\":", of);
        }
        Node::Flag => out.push_str("\"cell\":\"flag\""),
        Node::Frozen { of } => write_inner(out, "\"cell\":\"frozen\",\"type\":", of),
        Node::Loose { of } => write_inner(out, "\"cell\":\"loose\",\"type\":", of),
        Node::OnceCell { of } => write_inner(out, "\"cell\":\"oncecell\",\"type\":", of),
        Node::Signal(signal) => write_str(out, "\"cell\":", signal.name()),
        Node::Mutex { of } => write_inner(out, "\"cell\":\"mutex\",\"type\":", of),
        Node::RwLock { of } => write_inner(out, "\"cell\":\"rwlock\",\"type\":", of),
    }
}

fn write_inner(out: &mut String, label: &str, of: &Node) {
    out.push_str(label);
    write_object(out, of);
}

fn write_enum(out: &mut String, node: &EnumNode) {
    write_str(out, "\"enum\":", &node.name);
    write_str(out, ",\"kind\":", node.repr.name());
    out.push_str(",\"variants\":[");
    for (index, VariantNode { name, value }) in node.variants.iter().enumerate() {
        out.push_str(if index == 0 { "{" } else { ",{" });
        write_str(out, "\"name\":", name);
        // Writing to a String cannot fail.
        let _ = write!(out, ",\"value\":{value}}}");
    }
    out.push(']');
}

fn write_struct(out: &mut String, node: &StructNode) {
    write_str(out, "\"struct\":", &node.name);
    write_count(out, ",\"size\":", node.size);
    write_count(out, ",\"align\":", node.align);
    if node.appendable {
        out.push_str(",\"appendable\":true");
    }
    out.push_str(",\"fields\":[");
    for (index, FieldNode { name, was, at, node }) in node.fields.iter().enumerate() {
        out.push_str(if index == 0 { "{" } else { ",{" });
        write_str(out, "\"name\":", name);
        if let Some(was) = was {
            write_str(out, ",\"was\":", was);
        }
        write_count(out, ",\"at\":", *at);
        out.push(',');
        write_members(out, node);
        out.push('}');
    }
    out.push(']');
}

fn write_count(out: &mut String, label: &str, count: u64) {
    out.push_str(label);
    // Writing to a String cannot fail.
    let _ = write!(out, "{count}");
}

/// A string with what JSON demands escaped, and nothing else, so that there is one form of it.
fn write_str(out: &mut String, label: &str, text: &str) {
    out.push_str(label);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

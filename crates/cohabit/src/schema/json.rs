//! The canonical text of a schema: compact JSON, members in a fixed order, the same for all.

use core::fmt::Write;

use super::tree::{FieldNode, Node, Schema, StructNode};

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
        Node::Array { of, len } => {
            write_count(out, "\"kind\":\"array\",\"len\":", *len);
            out.push_str(",\"of\":");
            write_object(out, of);
        }
        Node::Struct(node) => write_struct(out, node),
        Node::Atomic(scalar) => write_str(out, "\"cell\":\"atomic\",\"kind\":", scalar.name()),
        Node::Value { copies, stride, of } => {
            write_count(out, "\"cell\":\"value\",\"copies\":", *copies);
            write_count(out, ",\"stride\":", *stride);
            out.push_str(",\"type\":");
            write_object(out, of);
        }
    }
}

fn write_struct(out: &mut String, node: &StructNode) {
    write_str(out, "\"struct\":", &node.name);
    write_count(out, ",\"size\":", node.size);
    write_count(out, ",\"align\":", node.align);
    out.push_str(",\"fields\":[");
    for (index, FieldNode { name, at, node }) in node.fields.iter().enumerate() {
        out.push_str(if index == 0 { "{" } else { ",{" });
        write_str(out, "\"name\":", name);
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

//! Bytes to text: plain for single values, JSON for all.

use std::fmt::Write as _;
use std::io::{self, Write};

use cohabit::schema::{Node, Scalar};

/// How JSON is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// In one line.
    Compact,
    /// A line for each field; lists of numbers in one line.
    Lines,
}

/// Writes `bytes`, which are those of `node`, as JSON.
///
/// # Errors
/// Of the writer only.
pub(crate) fn json(
    out: &mut impl Write,
    node: &Node,
    bytes: &[u8],
    layout: Layout,
) -> io::Result<()> {
    write_node(out, node, bytes, layout, 0)
}

/// Writes a value for people: numbers and texts by themselves, lists and structs as JSON.
///
/// # Errors
/// Of the writer only.
pub(crate) fn plain(
    out: &mut impl Write,
    node: &Node,
    bytes: &[u8],
    layout: Layout,
) -> io::Result<()> {
    match node {
        Node::Scalar(scalar) => out.write_all(number(*scalar, bytes).as_bytes()),
        Node::Text { .. } => {
            // What a peer wrote shall not steer the terminal.
            let text = String::from_utf8_lossy(until_nul(bytes));
            for c in text.chars() {
                match c {
                    '\n' | '\t' => write!(out, "{c}")?,
                    c if c.is_control() => write!(out, "{}", c.escape_unicode())?,
                    c => write!(out, "{c}")?,
                }
            }
            Ok(())
        }
        _ => json(out, node, bytes, layout),
    }
}

fn write_node(
    out: &mut impl Write,
    node: &Node,
    bytes: &[u8],
    layout: Layout,
    depth: usize,
) -> io::Result<()> {
    match node {
        Node::Scalar(scalar) | Node::Atomic(scalar) => {
            out.write_all(json_number(*scalar, bytes).as_bytes())
        }
        Node::Text { .. } => write_text(out, until_nul(bytes)),
        Node::Array { of, .. } => {
            let leaf = matches!(**of, Node::Scalar(_));
            let layout_inside = if leaf { Layout::Compact } else { layout };
            let step = of.size().max(1) as usize;
            out.write_all(b"[")?;
            for (index, element) in bytes.chunks_exact(step).enumerate() {
                separate(out, index, layout_inside, layout == Layout::Lines, depth + 1)?;
                write_node(out, of, element, layout, depth + 1)?;
            }
            close(out, b"]", layout_inside, depth)
        }
        Node::Struct(node) => {
            out.write_all(b"{")?;
            for (index, field) in node.fields.iter().enumerate() {
                separate(out, index, layout, false, depth + 1)?;
                out.write_all(quoted(&field.name).as_bytes())?;
                out.write_all(if layout == Layout::Lines { b": " } else { b":" })?;
                let from = field.at as usize;
                let to = from + field.node.size() as usize;
                write_node(out, &field.node, &bytes[from..to], layout, depth + 1)?;
            }
            close(out, b"}", layout, depth)
        }
        _ => out.write_all(b"null"),
    }
}

/// What stands before an element: a comma, and a new line or a space.
fn separate(
    out: &mut impl Write,
    index: usize,
    layout: Layout,
    spaced: bool,
    depth: usize,
) -> io::Result<()> {
    if index > 0 {
        out.write_all(b",")?;
    }
    match layout {
        Layout::Lines => write!(out, "\n{:1$}", "", depth * 2),
        Layout::Compact if spaced && index > 0 => out.write_all(b" "),
        Layout::Compact => Ok(()),
    }
}

fn close(out: &mut impl Write, bracket: &[u8], layout: Layout, depth: usize) -> io::Result<()> {
    if layout == Layout::Lines {
        write!(out, "\n{:1$}", "", depth * 2)?;
    }
    out.write_all(bracket)
}

fn write_text(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    match std::str::from_utf8(bytes) {
        Ok(text) => out.write_all(quoted(text).as_bytes()),
        Err(_) => {
            let lossy = quoted(&String::from_utf8_lossy(bytes));
            let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
                // Writing to a String cannot fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            write!(out, "{{\"lossy\":{lossy},\"hex\":\"{hex}\"}}")
        }
    }
}

/// A JSON string. All control characters are escaped, also those that JSON would let pass.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a String cannot fail. All control characters are below U+10000.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A text's bytes: up to the first NUL, or all.
fn until_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == 0);
    &bytes[..end.unwrap_or(bytes.len())]
}

/// A number or bool for people.
fn number(scalar: Scalar, bytes: &[u8]) -> String {
    match scalar {
        Scalar::F32 => float(f64::from(f32_of(bytes)), || format!("{:?}", f32_of(bytes))),
        Scalar::F64 => float(f64_of(bytes), || format!("{:?}", f64_of(bytes))),
        Scalar::Bool => match bytes.first() {
            Some(0) => "false".to_owned(),
            Some(1) => "true".to_owned(),
            other => format!("invalid: {}", other.copied().unwrap_or(0)),
        },
        _ => integer(scalar, bytes).to_string(),
    }
}

fn json_number(scalar: Scalar, bytes: &[u8]) -> String {
    let plain = number(scalar, bytes);
    match scalar {
        Scalar::F32 | Scalar::F64 if plain.ends_with(|c: char| c.is_ascii_alphabetic()) => {
            format!("\"{plain}\"")
        }
        Scalar::Bool if plain.starts_with("invalid") => {
            format!("{{\"invalid\":{}}}", bytes.first().copied().unwrap_or(0))
        }
        _ => plain,
    }
}

/// A float by its shortest text, and the three that are no numbers by their names.
fn float(wide: f64, finite: impl FnOnce() -> String) -> String {
    if wide.is_nan() {
        "NaN".to_owned()
    } else if wide.is_infinite() {
        if wide > 0.0 { "inf" } else { "-inf" }.to_owned()
    } else {
        finite()
    }
}

/// The first bytes as a little-endian number, zero-extended.
fn word(bytes: &[u8]) -> u64 {
    let mut whole = [0; 8];
    let len = bytes.len().min(8);
    whole[..len].copy_from_slice(&bytes[..len]);
    u64::from_le_bytes(whole)
}

fn f32_of(bytes: &[u8]) -> f32 {
    f32::from_bits(word(bytes) as u32)
}

fn f64_of(bytes: &[u8]) -> f64 {
    f64::from_bits(word(bytes))
}

fn integer(scalar: Scalar, bytes: &[u8]) -> i128 {
    let word = word(bytes);
    match scalar {
        Scalar::I8 => i128::from(word as i8),
        Scalar::I16 => i128::from(word as i16),
        Scalar::I32 => i128::from(word as i32),
        Scalar::I64 => i128::from(word as i64),
        _ => i128::from(word),
    }
}

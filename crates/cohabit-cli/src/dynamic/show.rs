//! Bytes to text: plain for single values, JSON for all.

use std::fmt::Write as _;
use std::io::{self, Write};

use cohabit::schema::{EnumNode, Node, Scalar};

use super::image::Source;
use super::{Whole, items_at, length_of};

/// How JSON is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// In one line.
    Compact,
    /// A line for each field; lists of numbers in one line.
    Lines,
}

/// Writes `node`, whose bytes are in `source`, as JSON.
///
/// # Errors
/// Of the writer only.
pub(crate) fn json(
    out: &mut impl Write,
    node: &Node,
    source: Source<'_>,
    layout: Layout,
) -> io::Result<()> {
    write_node(out, node, source, layout, 0)
}

/// Writes a value for people: numbers and texts by themselves, lists and structs as JSON.
///
/// # Errors
/// Of the writer only.
pub(crate) fn plain(
    out: &mut impl Write,
    node: &Node,
    source: Source<'_>,
    layout: Layout,
) -> io::Result<()> {
    let Source::Bytes(bytes) = source else {
        return json(out, node, source, layout);
    };
    match node {
        _ if bytes.is_empty() => out.write_all(b"null"),
        Node::Scalar(Scalar::Char) => match char_of(bytes) {
            Ok(character) => harmless(out, std::iter::once(character)),
            Err(bits) => write!(out, "invalid: {bits}"),
        },
        Node::Scalar(scalar) | Node::Atomic(scalar) => {
            out.write_all(number(*scalar, bytes).as_bytes())
        }
        Node::Flag => out.write_all(flag(bytes).as_bytes()),
        Node::Enum(node) => match variant(node, bytes) {
            Ok(name) => harmless(out, name.chars()),
            Err(number) => write!(out, "{number}"),
        },
        Node::Text { .. } => harmless(out, String::from_utf8_lossy(until_nul(bytes)).chars()),
        Node::WideText { .. } => {
            harmless(out, String::from_utf16_lossy(&until_zero(bytes)).chars())
        }
        _ => json(out, node, source, layout),
    }
}

/// Writes what a peer wrote, which shall not steer the terminal.
fn harmless(out: &mut impl Write, characters: impl Iterator<Item = char>) -> io::Result<()> {
    for c in characters {
        match c {
            '\n' | '\t' => write!(out, "{c}")?,
            c if c.is_control() => write!(out, "{}", c.escape_unicode())?,
            c => write!(out, "{c}")?,
        }
    }
    Ok(())
}

fn write_node(
    out: &mut impl Write,
    node: &Node,
    source: Source<'_>,
    layout: Layout,
    depth: usize,
) -> io::Result<()> {
    match node {
        // A `OnceCell` that is not set.
        _ if matches!(source, Source::Bytes([])) => out.write_all(b"null"),
        Node::Array { of, len } => {
            let elements = (0..*len).map(|index| source.part(index * of.size(), of.size()));
            write_elements(out, of, elements, layout, depth)
        }
        Node::Struct(node) => {
            out.write_all(b"{")?;
            for (index, field) in node.fields.iter().enumerate() {
                separate(out, index, layout, false, depth + 1)?;
                out.write_all(quoted(&field.name).as_bytes())?;
                out.write_all(if layout == Layout::Lines { b": " } else { b":" })?;
                let inner = source.part(field.at, field.node.size());
                write_node(out, &field.node, inner, layout, depth + 1)?;
            }
            close(out, b"}", layout, depth)
        }
        _ => match (source, source.cell(node)) {
            (_, Some((contents, bytes))) => {
                write_node(out, contents, Source::Bytes(bytes), layout, depth)
            }
            (Source::Bytes(bytes), None) => write_bytes(out, node, bytes, layout, depth),
            // What is in no cell cannot be read.
            (Source::Image { .. }, None) => out.write_all(b"null"),
        },
    }
}

/// What is no struct or array, by its bytes.
fn write_bytes(
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
        Node::Flag => out.write_all(flag(bytes).as_bytes()),
        Node::Enum(node) => match variant(node, bytes) {
            Ok(name) => out.write_all(quoted(name).as_bytes()),
            Err(number) => write!(out, "{number}"),
        },
        Node::Text { .. } => write_text(out, until_nul(bytes)),
        Node::WideText { .. } => write_wide_text(out, &until_zero(bytes)),
        Node::List { of, len } => match length_of(bytes, *len) {
            Ok(len) => {
                let (first, size) = (items_at(of), of.size());
                let item = |index| Source::Bytes(bytes).part(first + index * size, size);
                write_elements(out, of, (0..len as u64).map(item), layout, depth)
            }
            Err(len) => write!(out, "{{\"invalid\":{len}}}"),
        },
        _ => out.write_all(b"null"),
    }
}

fn write_elements<'a>(
    out: &mut impl Write,
    of: &Node,
    mut elements: impl Iterator<Item = Source<'a>>,
    layout: Layout,
    depth: usize,
) -> io::Result<()> {
    out.write_all(b"[")?;
    let Some(first) = elements.next() else { return out.write_all(b"]") };
    let leaf = matches!(of, Node::Scalar(_) | Node::Atomic(_) | Node::Flag | Node::Enum(_));
    let layout_inside = if leaf { Layout::Compact } else { layout };
    for (index, element) in std::iter::once(first).chain(elements).enumerate() {
        separate(out, index, layout_inside, layout == Layout::Lines, depth + 1)?;
        write_node(out, of, element, layout, depth + 1)?;
    }
    close(out, b"]", layout_inside, depth)
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
        Err(_) => write_lossy(out, &String::from_utf8_lossy(bytes), bytes.iter().copied()),
    }
}

fn write_wide_text(out: &mut impl Write, units: &[u16]) -> io::Result<()> {
    match String::from_utf16(units) {
        Ok(text) => out.write_all(quoted(&text).as_bytes()),
        Err(_) => {
            let bytes = units.iter().flat_map(|unit| unit.to_le_bytes());
            write_lossy(out, &String::from_utf16_lossy(units), bytes)
        }
    }
}

/// A text that is none, and the bytes that are there instead.
fn write_lossy(
    out: &mut impl Write,
    text: &str,
    bytes: impl Iterator<Item = u8>,
) -> io::Result<()> {
    let lossy = quoted(text);
    let hex = bytes.fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    write!(out, "{{\"lossy\":{lossy},\"hex\":\"{hex}\"}}")
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

/// A wide text's units: up to the first 0, or all.
fn until_zero(bytes: &[u8]) -> Vec<u16> {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    units.take_while(|unit| *unit != 0).collect()
}

/// The character in these bytes, or their bits.
fn char_of(bytes: &[u8]) -> Result<char, u32> {
    let bits = word(bytes) as u32;
    char::from_u32(bits).ok_or(bits)
}

/// The name of the variant with this number, or the number.
fn variant<'n>(node: &'n EnumNode, bytes: &[u8]) -> Result<&'n str, Whole> {
    let number = Whole::of(node.repr, bytes);
    let named = node.variants.iter().find(|variant| number == Whole::from(variant.value));
    named.map(|variant| variant.name.as_str()).ok_or(number)
}

/// A flag, which any byte but 0 sets.
fn flag(bytes: &[u8]) -> &'static str {
    if word(bytes) == 0 { "false" } else { "true" }
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
        _ => Whole::of(scalar, bytes).to_string(),
    }
}

fn json_number(scalar: Scalar, bytes: &[u8]) -> String {
    let plain = number(scalar, bytes);
    match scalar {
        Scalar::F32 | Scalar::F64 if plain.ends_with(|c: char| c.is_ascii_alphabetic()) => {
            format!("\"{plain}\"")
        }
        // More digits than most readers of JSON keep of a number.
        Scalar::U128 | Scalar::I128 => format!("\"{plain}\""),
        Scalar::Char => match char_of(bytes) {
            Ok(character) => quoted(character.encode_utf8(&mut [0; 4])),
            Err(bits) => format!("{{\"invalid\":{bits}}}"),
        },
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

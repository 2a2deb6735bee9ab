//! Text to bytes: what somebody typed, checked against the schema before anything is locked.
//!
//! The result is a list of [`Patch`]es rather than a whole value, so that what is not named keeps the
//! bytes that it has at the moment of the commit.

use std::ops::Range;

use cohabit::schema::{EnumNode, Node, Scalar};
use serde_json::{Map, Value as Json};

use super::{Whole, items_at, range_of};
use crate::path::{Part, kind_of, listed};

/// Bytes, and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patch {
    /// Where in the object the cell begins.
    pub(crate) cell: u64,
    /// The offset of the first byte in what the cell holds.
    pub(crate) at: usize,
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
}

/// Why a text is no value, and which of its bytes are to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoValue {
    /// The sentence.
    pub(crate) what: String,
    /// The bytes of the text.
    pub(crate) span: Range<usize>,
}

/// What `text` makes of a part; `place` is its name in messages.
///
/// # Errors
/// What was expected of the part, and where the text is something else.
pub(crate) fn parse(part: Part<'_>, place: &str, text: &str) -> Result<Vec<Patch>, NoValue> {
    let no_value = |(problem, span)| NoValue {
        what: format!("`{place}` is {}: {problem}", expected(part.node)),
        span,
    };
    let bytes = match part.node {
        Node::Scalar(scalar) | Node::Atomic(scalar) => {
            scalar_of(*scalar, text).map_err(no_value)?
        }
        Node::Flag => scalar_of(Scalar::Bool, text).map_err(no_value)?,
        Node::Text { len } => text_of(*len, text).map_err(no_value)?,
        Node::WideText { len } => wide_text_of(*len, text).map_err(no_value)?,
        Node::Enum(node) => variant_of(node, text).map_err(no_value)?,
        _ => {
            let json = document(text).map_err(no_value)?;
            let mut patches = Vec::new();
            let all = 0..text.len();
            from_json(part, place, &json, Members::Some, &mut patches)
                .map_err(|what| NoValue { what, span: all })?;
            return Ok(patches);
        }
    };
    let patch = patch(part, place, bytes).map_err(|what| NoValue { what, span: 0..text.len() })?;
    Ok(vec![patch])
}

/// The patch of a part that is in a cell. Of what is in none, nobody knows how to write it.
fn patch(part: Part<'_>, place: &str, bytes: Vec<u8>) -> Result<Patch, String> {
    let cell = part.cell.ok_or_else(|| format!("`{place}` is in no cell, and cannot be set"))?;
    Ok(Patch { cell, at: part.at as usize, bytes })
}

/// A problem, and the bytes of the text that it is about.
type Problem = (String, Range<usize>);

/// What a part can be set to, in words, with its range.
fn expected(node: &Node) -> String {
    match node {
        Node::Scalar(Scalar::Bool) => "a bool, true or false".to_owned(),
        Node::Flag => "a flag, true or false".to_owned(),
        Node::Scalar(Scalar::Char) => "a char, one character".to_owned(),
        Node::Scalar(scalar) | Node::Atomic(scalar) if scalar.is_integer() => {
            let (below, most) = range_of(*scalar);
            let article = if matches!(scalar.name().as_bytes()[0], b'i') { "an" } else { "a" };
            let sign = if below == 0 { "" } else { "-" };
            format!("{article} {}, from {sign}{below} to {most}", scalar.name())
        }
        Node::Enum(node) => {
            let names = listed(node.variants.iter().map(|variant| variant.name.as_str()));
            format!("a {}, one of {names}", node.name)
        }
        Node::WideText { len } => format!("text of at most {} units of UTF-16", len - 1),
        Node::List { of, len } => {
            format!("a list of at most {len} × {}, written as JSON", kind_of(of))
        }
        Node::Scalar(scalar) => {
            let most = match scalar {
                Scalar::F32 => format!("{:e}", f32::MAX),
                _ => format!("{:e}", f64::MAX),
            };
            format!("an {}, from -{most} to {most}, or NaN, inf, -inf", scalar.name())
        }
        Node::Array { .. } | Node::Struct(_) => format!("{}, written as JSON", kind_of(node)),
        _ => kind_of(node),
    }
}

fn scalar_of(scalar: Scalar, text: &str) -> Result<Vec<u8>, Problem> {
    let all = 0..text.len();
    if text.is_empty() {
        return Err(("expected a value, found nothing".to_owned(), all));
    }
    match scalar {
        Scalar::Bool => match text {
            "false" => Ok(vec![0]),
            "true" => Ok(vec![1]),
            _ => Err(("it is neither".to_owned(), all)),
        },
        Scalar::F32 => {
            let number: f32 = float_of(text)?;
            refuse_rounded_away(number.is_infinite(), text)?;
            Ok(number.to_le_bytes().to_vec())
        }
        Scalar::F64 => {
            let number: f64 = float_of(text)?;
            refuse_rounded_away(number.is_infinite(), text)?;
            Ok(number.to_le_bytes().to_vec())
        }
        Scalar::Char => {
            let mut characters = text.chars();
            match (characters.next(), characters.next()) {
                (Some(character), None) => Ok(u32::from(character).to_le_bytes().to_vec()),
                _ => {
                    let from = text.chars().next().map_or(0, char::len_utf8);
                    Err((
                        format!("{} characters were given", text.chars().count()),
                        from..text.len(),
                    ))
                }
            }
        }
        _ => {
            let number = integer_of(text)?;
            let bytes = number.and_then(|number| number.to_bytes(scalar));
            bytes.ok_or_else(|| (format!("{text} is out of range"), all))
        }
    }
}

/// The number of a variant, by its name or its number.
fn variant_of(node: &EnumNode, text: &str) -> Result<Vec<u8>, Problem> {
    let problem = || (format!("there is no {text:?}"), 0..text.len());
    let number = match node.variants.iter().find(|variant| variant.name == text) {
        Some(variant) => Whole::from(variant.value),
        None => {
            let number = integer_of(text).ok().flatten().ok_or_else(problem)?;
            let mut numbers = node.variants.iter().map(|variant| Whole::from(variant.value));
            numbers.find(|known| *known == number).ok_or_else(problem)?
        }
    };
    number.to_bytes(node.repr).ok_or_else(problem)
}

/// An integer as people write it; `None` beyond 128 bits.
fn integer_of(text: &str) -> Result<Option<Whole>, Problem> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (digits, radix) = match unsigned.get(..2) {
        Some("0x") => (&unsigned[2..], 16),
        Some("0o") => (&unsigned[2..], 8),
        Some("0b") => (&unsigned[2..], 2),
        _ => (unsigned, 10),
    };
    let from = text.len() - digits.len();
    if digits.is_empty() {
        return Err(("expected digits, found the end".to_owned(), text.len()..text.len()));
    }
    if let Some(at) = digits.find(|c: char| !c.is_digit(radix)) {
        let problem = format!("expected digits, found {:?}", &digits[at..]);
        return Err((problem, from + at..text.len()));
    }
    let Ok(size) = u128::from_str_radix(digits, radix) else {
        return Ok(None);
    };
    Ok(Some(Whole { is_negative: text.starts_with('-') && size != 0, size }))
}

fn float_of<F: std::str::FromStr>(text: &str) -> Result<F, Problem> {
    text.parse().map_err(|_| ("it is no number".to_owned(), 0..text.len()))
}

/// A number that became infinite although nobody wrote `inf` is out of range.
fn refuse_rounded_away(is_infinite: bool, text: &str) -> Result<(), Problem> {
    let has_digits = text.contains(|c: char| c.is_ascii_digit());
    if is_infinite && has_digits {
        return Err((format!("{text} is out of range"), 0..text.len()));
    }
    Ok(())
}

fn text_of(len: u64, text: &str) -> Result<Vec<u8>, Problem> {
    let room = len.saturating_sub(1) as usize;
    if let Some(at) = text.find('\0') {
        return Err((format!("there is a NUL at byte {at}, where it would end"), at..at + 1));
    }
    if text.len() > room {
        let problem = format!("{} bytes were given, {room} are available", text.len());
        return Err((problem, room..text.len()));
    }
    Ok(padded(text.as_bytes(), len))
}

fn wide_text_of(len: u64, text: &str) -> Result<Vec<u8>, Problem> {
    let room = len.saturating_sub(1);
    if let Some(at) = text.find('\0') {
        return Err((format!("there is a NUL at byte {at}, where it would end"), at..at + 1));
    }
    let mut units = 0;
    for (at, character) in text.char_indices() {
        units += character.len_utf16() as u64;
        if units > room {
            let given = text.encode_utf16().count();
            let problem = format!("{given} units were given, {room} are available");
            return Err((problem, at..text.len()));
        }
    }
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    Ok(padded(&bytes, len * 2))
}

/// A text's bytes, and zeros up to the end of its array.
fn padded(text: &[u8], len: u64) -> Vec<u8> {
    let mut bytes = text.to_vec();
    bytes.resize(len as usize, 0);
    bytes
}

fn document(text: &str) -> Result<Json, Problem> {
    serde_json::from_str(text).map_err(|error| {
        let line_at = text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum::<usize>();
        let at = (line_at + error.column().saturating_sub(1)).min(text.len());
        // A text that ends too early is to blame for what does not follow.
        let at = if error.is_eof() { text.len() } else { at };
        let to = text.len().min(at + 1);
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or(&said);
        (format!("it is no JSON: {said}"), at..to)
    })
}

/// Whether a struct may leave members out, which then stay as they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Members {
    Some,
    /// Inside of a list, where an element may be new.
    All,
}

fn from_json(
    part: Part<'_>,
    place: &str,
    json: &Json,
    which: Members,
    patches: &mut Vec<Patch>,
) -> Result<(), String> {
    match (part.node, json) {
        (Node::Struct(_), Json::Object(members)) => {
            from_members(part, place, members, which, patches)
        }
        (Node::Array { .. } | Node::List { .. }, Json::Array(elements)) => {
            from_elements(part, place, elements, which, patches)
        }
        (node, json) => {
            let bytes = leaf(node, json)
                .map_err(|problem| format!("`{place}` is {}: {problem}", expected(node)))?;
            patches.push(patch(part, place, bytes)?);
            Ok(())
        }
    }
}

fn from_members(
    part: Part<'_>,
    place: &str,
    members: &Map<String, Json>,
    which: Members,
    patches: &mut Vec<Patch>,
) -> Result<(), String> {
    let Node::Struct(node) = part.node else { return Ok(()) };
    let refuse = |problem: String| format!("`{place}` is {}: {problem}", expected(part.node));
    for (name, json) in members {
        let field = node.fields.iter().find(|field| field.name == *name);
        let field = field.ok_or_else(|| {
            let fields = listed(node.fields.iter().map(|field| field.name.as_str()));
            refuse(format!("it has no field `{name}`; there are: {fields}"))
        })?;
        let inner = part.inner(&field.node, field.at);
        from_json(inner, &format!("{place}.{name}"), json, which, patches)?;
    }
    let lacking = node.fields.iter().find(|field| !members.contains_key(&field.name));
    match lacking {
        Some(field) if which == Members::All => {
            let name = &field.name;
            Err(refuse(format!("in a list every field is given, and `{name}` is missing")))
        }
        _ => Ok(()),
    }
}

fn from_elements(
    part: Part<'_>,
    place: &str,
    elements: &[Json],
    which: Members,
    patches: &mut Vec<Patch>,
) -> Result<(), String> {
    let count = elements.len() as u64;
    let (of, first, which, fits) = match part.node {
        Node::Array { of, len } => (of, 0, which, count == *len),
        Node::List { of, len } => (of, items_at(of), Members::All, count <= *len),
        _ => return Ok(()),
    };
    if !fits {
        return Err(format!("`{place}` is {}: found {count} elements", expected(part.node)));
    }
    for (index, json) in (0..).zip(elements) {
        let inner = part.inner(of, first + index * of.size());
        from_json(inner, &format!("{place}[{index}]"), json, which, patches)?;
    }
    if let Node::List { len, .. } = part.node {
        let behind = vec![0; ((len - count) * of.size()) as usize];
        let end = part.inner(of, first + count * of.size());
        patches.push(patch(end, place, behind)?);
        patches.push(patch(part, place, (count as u32).to_le_bytes().to_vec())?);
    }
    Ok(())
}

/// The bytes of what has no parts.
fn leaf(node: &Node, json: &Json) -> Result<Vec<u8>, String> {
    let found = || format!("found {}", summary(json));
    let of_text = |outcome: Result<Vec<u8>, Problem>| outcome.map_err(|(problem, _)| problem);
    match (node, json) {
        (Node::Text { len }, Json::String(text)) => of_text(text_of(*len, text)),
        (Node::WideText { len }, Json::String(text)) => of_text(wide_text_of(*len, text)),
        (Node::Text { .. } | Node::WideText { .. }, Json::Object(members)) => {
            let hex = members.get("hex").and_then(Json::as_str);
            let bytes = hex.and_then(from_hex).ok_or_else(found)?;
            if bytes.len() as u64 > node.size() {
                return Err(format!("{} bytes were given", bytes.len()));
            }
            Ok(padded(&bytes, node.size()))
        }
        (Node::Enum(node), Json::String(name)) => of_text(variant_of(node, name)),
        (Node::Enum(node), Json::Number(number)) => of_text(variant_of(node, &number.to_string())),
        (Node::Scalar(scalar) | Node::Atomic(scalar), json) => {
            let text = scalar_text(*scalar, json).ok_or_else(found)?;
            of_text(scalar_of(*scalar, &text))
        }
        (Node::Flag, Json::Bool(value)) => Ok(vec![u8::from(*value)]),
        _ => Err(found()),
    }
}

/// The text of a JSON value that can be a scalar of this kind.
fn scalar_text(scalar: Scalar, json: &Json) -> Option<String> {
    match json {
        Json::Bool(value) if scalar == Scalar::Bool => Some(value.to_string()),
        Json::Number(number) if !matches!(scalar, Scalar::Bool | Scalar::Char) => {
            Some(number.to_string())
        }
        Json::String(text) if matches!(scalar, Scalar::U128 | Scalar::I128 | Scalar::Char) => {
            Some(text.clone())
        }
        Json::String(name) if matches!(scalar, Scalar::F32 | Scalar::F64) => {
            let known = matches!(name.as_str(), "NaN" | "inf" | "-inf");
            known.then(|| name.clone())
        }
        _ => None,
    }
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = (0..hex.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}

/// What was found, in few words.
fn summary(json: &Json) -> String {
    match json {
        Json::Array(elements) => format!("a list of {}", elements.len()),
        Json::Object(_) => "an object".to_owned(),
        other => {
            let text = other.to_string();
            let cut = &text[..text.floor_char_boundary(40)];
            let dots = if cut.len() < text.len() { "…" } else { "" };
            format!("{cut}{dots}")
        }
    }
}

//! Reads a schema from its text.
//!
//! The text stands in a segment, so that a peer may have written anything. It is read from a
//! private copy, and a tree comes out only if everything that follows from it is safe to use: no
//! part lies outside its whole, offsets are aligned and in order, sizes cannot overflow, nesting
//! and counts have limits, and the text is the canonical one, letter by letter. An error names the
//! place.

use core::fmt;

use serde_json::{Map, Value as Json};

use super::tree::{FieldNode, Node, Scalar, Schema, StructNode};
use crate::plain::{Kind, MAX_DEPTH};

/// The longest text, in bytes.
pub const MAX_TEXT: usize = 1 << 20;

/// The most fields that a schema may have in all its structs together.
pub const MAX_FIELDS: usize = 16_384;

/// The largest size of anything: what an address space has room for.
const MAX_SIZE: u64 = 1 << 47;

/// The largest alignment: that of a cell.
const MAX_ALIGN: u64 = Kind::CELL_ALIGN as u64;

/// The longest name of a field or type, in bytes.
const MAX_NAME: usize = 256;

/// How many copies a `Value` may have.
const COPIES: core::ops::RangeInclusive<u64> = 3..=16;

/// Why a text is not a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    place: String,
    problem: String,
}

impl SchemaError {
    fn new(problem: impl Into<String>) -> Self {
        Self { place: String::new(), problem: problem.into() }
    }

    /// The same, seen from the object that has the place in this member.
    fn under(mut self, member: &str) -> Self {
        let dot = if self.place.is_empty() || self.place.starts_with('[') { "" } else { "." };
        self.place = format!("{member}{dot}{}", self.place);
        self
    }

    /// Where the problem is, such as `type.fields[2].at`; empty for the whole text.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => write!(f, "the schema is not valid: {}", self.problem),
            place => write!(f, "the schema is not valid at `{place}`: {}", self.problem),
        }
    }
}

impl core::error::Error for SchemaError {}

type Object = Map<String, Json>;

impl Schema {
    /// Reads a schema from its canonical text. `has_end` stands in the header of the segment.
    ///
    /// # Errors
    ///
    /// The first place at which the text is not a valid schema.
    pub fn parse(text: &[u8], has_end: bool) -> Result<Self, SchemaError> {
        if text.len() > MAX_TEXT {
            let problem = format!("expected at most {MAX_TEXT} bytes, found {}", text.len());
            return Err(SchemaError::new(problem));
        }
        let json: Json = serde_json::from_slice(text)
            .map_err(|error| SchemaError::new(format!("it is not JSON: {error}")))?;
        let Json::Object(object) = &json else {
            return Err(SchemaError::new(expected("an object", &json)));
        };
        let mut limits = Limits { fields: 0 };
        let root = limits.node(object, &[], MAX_DEPTH)?;
        let schema = Self { root, has_end };
        let canonical = schema.to_json();
        if canonical.as_bytes() != text {
            let same = canonical.bytes().zip(text).take_while(|(mine, found)| mine == *found);
            let problem = format!("it is not the canonical text from byte {} on", same.count());
            return Err(SchemaError::new(problem));
        }
        Ok(schema)
    }
}

/// What has been used up.
struct Limits {
    fields: usize,
}

impl Limits {
    /// What `object` is. It may also have the members `others`, which the caller reads.
    fn node(&mut self, object: &Object, others: &[&str], deep: usize) -> Result<Node, SchemaError> {
        if deep == 0 {
            let problem = format!("expected at most {MAX_DEPTH} levels, found more");
            return Err(SchemaError::new(problem));
        }
        let known: &[&str] = match (object.get("cell"), object.get("struct"), object.get("kind")) {
            (Some(_), None, _) => match name_of(object, "cell", MAX_NAME)? {
                "atomic" => &["cell", "kind"],
                "value" => &["cell", "copies", "stride", "type"],
                other => return Err(unknown("cell", other)),
            },
            (None, Some(_), None) => &["struct", "size", "align", "fields"],
            (None, None, Some(_)) => match name_of(object, "kind", MAX_NAME)? {
                "text" => &["kind", "len"],
                "array" => &["kind", "len", "of"],
                _ => &["kind"],
            },
            _ => {
                let problem = "expected one of the members `kind`, `struct` and `cell`";
                return Err(SchemaError::new(problem));
            }
        };
        let strange =
            |name: &&String| !known.contains(&name.as_str()) && !others.contains(&name.as_str());
        if let Some(name) = object.keys().find(strange) {
            return Err(SchemaError::new(format!("unknown member {}", shown(name))));
        }
        match known[0] {
            "struct" => self.structure(object, deep),
            "cell" if known.len() == 2 => atomic(object),
            "cell" => self.value(object, deep),
            _ => self.kind(object, deep),
        }
    }

    fn kind(&mut self, object: &Object, deep: usize) -> Result<Node, SchemaError> {
        match name_of(object, "kind", MAX_NAME)? {
            "text" => Ok(Node::Text { len: count_of(object, "len", 1, MAX_SIZE)? }),
            "array" => {
                let len = count_of(object, "len", 1, MAX_SIZE)?;
                let of = self.inner(object, "of", deep)?;
                if of.size().checked_mul(len).is_none_or(|size| size > MAX_SIZE) {
                    let problem = format!("{len} elements of {} bytes are too large", of.size());
                    return Err(SchemaError::new(problem).under("len"));
                }
                Ok(Node::Array { of: Box::new(of), len })
            }
            _ => Ok(Node::Scalar(scalar_of(object)?)),
        }
    }

    /// The object in the member `name`, one level deeper.
    fn inner(&mut self, object: &Object, name: &str, deep: usize) -> Result<Node, SchemaError> {
        let inner = match object.get(name) {
            Some(Json::Object(inner)) => inner,
            other => return Err(wrong("an object", other).under(name)),
        };
        self.node(inner, &[], deep - 1).map_err(|error| error.under(name))
    }

    fn structure(&mut self, object: &Object, deep: usize) -> Result<Node, SchemaError> {
        let name = label_of(object, "struct")?;
        let size = count_of(object, "size", 1, MAX_SIZE)?;
        let align = count_of(object, "align", 1, MAX_ALIGN)?;
        if !align.is_power_of_two() || size % align != 0 {
            let problem = format!("expected a power of two that divides {size}, found {align}");
            return Err(SchemaError::new(problem).under("align"));
        }
        let list = match object.get("fields") {
            Some(Json::Array(list)) if !list.is_empty() => list,
            other => return Err(wrong("a list with at least one field", other).under("fields")),
        };
        let mut fields: Vec<FieldNode> = Vec::new();
        let mut names = std::collections::HashSet::new();
        let mut end = 0;
        for (index, item) in list.iter().enumerate() {
            let place = format!("fields[{index}]");
            let field = self.field(item, deep).map_err(|error| error.under(&place))?;
            let fits = check_place(&field, end, size, align);
            fits.map_err(|error| error.under("at").under(&place))?;
            end = field.at + field.node.size();
            if !names.insert(field.name.clone()) {
                let problem = format!("there is another field {}", shown(&field.name));
                return Err(SchemaError::new(problem).under("name").under(&place));
            }
            fields.push(field);
        }
        Ok(Node::Struct(StructNode { name, size, align, fields }))
    }

    fn field(&mut self, item: &Json, deep: usize) -> Result<FieldNode, SchemaError> {
        self.fields += 1;
        if self.fields > MAX_FIELDS {
            let problem = format!("expected at most {MAX_FIELDS} fields in all, found more");
            return Err(SchemaError::new(problem));
        }
        let Json::Object(object) = item else {
            return Err(SchemaError::new(expected("an object", item)));
        };
        let name = label_of(object, "name")?;
        let at = count_of(object, "at", 0, MAX_SIZE)?;
        let node = self.node(object, &["name", "at"], deep - 1)?;
        Ok(FieldNode { name, at, node })
    }

    fn value(&mut self, object: &Object, deep: usize) -> Result<Node, SchemaError> {
        let copies = count_of(object, "copies", *COPIES.start(), *COPIES.end())?;
        let found = count_of(object, "stride", 1, MAX_SIZE)?;
        let of = self.inner(object, "type", deep)?;
        if !of.is_plain() {
            let problem = "expected plain data, found a cell or an atomic in it";
            return Err(SchemaError::new(problem).under("type"));
        }
        if of.align() > 8 {
            let problem = format!("expected an alignment of at most 8, found {}", of.align());
            return Err(SchemaError::new(problem).under("type"));
        }
        let expected = (8 + of.size()).next_multiple_of(64);
        if found != expected || found * copies > MAX_SIZE {
            let problem = format!("expected {expected} for {} bytes, found {found}", of.size());
            return Err(SchemaError::new(problem).under("stride"));
        }
        Ok(Node::Value { copies, stride: found, of: Box::new(of) })
    }
}

/// Whether a field lies behind the one before it, inside its struct, and aligned.
fn check_place(field: &FieldNode, end: u64, size: u64, align: u64) -> Result<(), SchemaError> {
    let (at, needs) = (field.at, field.node.align());
    let problem = if at < end {
        format!("expected {end} or more, since the field before ends there, found {at}")
    } else if needs > align {
        format!("the field is aligned to {needs}, and its struct to {align} only")
    } else if at % needs != 0 {
        format!("expected a multiple of {needs}, found {at}")
    } else if at + field.node.size() > size {
        let end = at + field.node.size();
        format!("the field ends at byte {end}, and its struct at byte {size}")
    } else {
        return Ok(());
    };
    Err(SchemaError::new(problem))
}

fn atomic(object: &Object) -> Result<Node, SchemaError> {
    let scalar = scalar_of(object)?;
    if !scalar.is_integer() {
        let problem = format!("expected an integer, found {}", scalar.name());
        return Err(SchemaError::new(problem).under("kind"));
    }
    Ok(Node::Atomic(scalar))
}

fn scalar_of(object: &Object) -> Result<Scalar, SchemaError> {
    let name = name_of(object, "kind", MAX_NAME)?;
    Scalar::from_name(name).ok_or_else(|| unknown("kind", name))
}

/// A name that may be printed: not empty, not long, and without control characters.
fn label_of(object: &Object, member: &str) -> Result<String, SchemaError> {
    let name = name_of(object, member, MAX_NAME)?;
    if name.is_empty() || name.chars().any(char::is_control) {
        let problem = format!("expected a name that can be printed, found {}", shown(name));
        return Err(SchemaError::new(problem).under(member));
    }
    Ok(name.to_owned())
}

fn name_of<'a>(object: &'a Object, member: &str, most: usize) -> Result<&'a str, SchemaError> {
    match object.get(member) {
        Some(Json::String(name)) if name.len() <= most => Ok(name),
        Some(Json::String(name)) => {
            let problem = format!("expected at most {most} bytes, found {}", name.len());
            Err(SchemaError::new(problem).under(member))
        }
        other => Err(wrong("a string", other).under(member)),
    }
}

fn count_of(object: &Object, member: &str, least: u64, most: u64) -> Result<u64, SchemaError> {
    let found = object.get(member);
    match found.and_then(Json::as_u64) {
        Some(count) if (least..=most).contains(&count) => Ok(count),
        _ => Err(wrong(&format!("a number from {least} to {most}"), found).under(member)),
    }
}

fn unknown(member: &str, name: &str) -> SchemaError {
    let problem = format!("{} is not known to this version", shown(name));
    SchemaError::new(problem).under(member)
}

fn wrong(what: &str, found: Option<&Json>) -> SchemaError {
    SchemaError::new(
        found.map_or_else(
            || format!("expected {what}, found nothing"),
            |found| expected(what, found),
        ),
    )
}

fn expected(what: &str, found: &Json) -> String {
    let found = match found {
        Json::Null => "null".to_owned(),
        Json::Bool(found) => found.to_string(),
        Json::Number(found) => shown(&found.to_string()),
        Json::String(found) => shown(found),
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
    };
    format!("expected {what}, found {found}")
}

/// A peer's text, short and escaped, so that it can be printed.
fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let cut = &text[..text.floor_char_boundary(LONGEST)];
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("`{}{dots}`", cut.escape_debug())
}

//! Reads a schema from its text.
//!
//! The text stands in a segment, so that a peer may have written anything. It is read from a
//! private copy, and a tree comes out only if everything that follows from it is safe to use: no
//! part lies outside its whole, offsets are aligned and in order, sizes cannot overflow, nesting
//! and counts have limits, and the text is the canonical one, letter by letter. An error names the
//! place.

use core::fmt;
use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use super::tree::{EnumNode, FieldNode, Node, Scalar, Schema, StructNode, VariantNode};
use crate::plain::{Kind, MAX_DEPTH, Signal};

/// The longest text, in bytes.
pub const MAX_TEXT: usize = 1 << 20;

/// The most fields that a schema may have in all its structs together.
pub const MAX_FIELDS: usize = 16_384;

/// The largest size of anything: what an address space has room for.
pub(super) const MAX_SIZE: u64 = 1 << 47;

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
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self { place: String::new(), problem: problem.into() }
    }

    /// The same, seen from the object that has the place in this member.
    pub(super) fn under(mut self, member: &str) -> Self {
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
        let root = limits.node(object, &[], Here { deep: MAX_DEPTH, last: true })?;
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

/// Where in the tree a node stands.
#[derive(Clone, Copy)]
struct Here {
    /// How many levels are left.
    deep: usize,
    /// Whether nothing of the object comes behind it, so that it may end in a tail.
    last: bool,
}

impl Here {
    fn inside(self, last: bool) -> Self {
        Self { deep: self.deep - 1, last: self.last && last }
    }
}

/// The members of each form of node; the first that is there tells the form.
fn members_of(object: &Object) -> Result<&'static [&'static str], SchemaError> {
    let has = |member| object.contains_key(member);
    if has("cell") {
        let name = name_of(object, "cell", MAX_NAME)?;
        return Ok(match name {
            _ if Signal::of_name(name).is_some() => &["cell"],
            "atomic" => &["cell", "kind"],
            "value" => &["cell", "copies", "stride", "type"],
            "flag" => &["cell"],
            "frozen" | "loose" | "mutex" | "rwlock" | "oncecell" => &["cell", "type"],
            other => return Err(unknown("cell", other)),
        });
    }
    if has("struct") {
        return Ok(&["struct", "size", "align", "appendable", "fields"]);
    }
    if has("enum") {
        return Ok(&["enum", "kind", "variants"]);
    }
    if has("kind") {
        return Ok(match name_of(object, "kind", MAX_NAME)? {
            "text" | "wide" => &["kind", "len"],
            "array" | "list" => &["kind", "len", "of"],
            "tail" => &["kind", "of"],
            _ => &["kind"],
        });
    }
    let problem = "expected one of the members `kind`, `struct`, `enum` and `cell`";
    Err(SchemaError::new(problem))
}

impl Limits {
    /// What `object` is. It may also have the members `others`, which the caller reads.
    fn node(&mut self, object: &Object, others: &[&str], here: Here) -> Result<Node, SchemaError> {
        if here.deep == 0 {
            let problem = format!("expected at most {MAX_DEPTH} levels, found more");
            return Err(SchemaError::new(problem));
        }
        let known = members_of(object)?;
        let strange =
            |name: &&String| !known.contains(&name.as_str()) && !others.contains(&name.as_str());
        if let Some(name) = object.keys().find(strange) {
            return Err(SchemaError::new(format!("unknown member {}", shown(name))));
        }
        match known[0] {
            "struct" => self.structure(object, here),
            "enum" => self.enumeration(object),
            "cell" => self.cell(object, here),
            _ => self.kind(object, here),
        }
    }

    fn kind(&mut self, object: &Object, here: Here) -> Result<Node, SchemaError> {
        match name_of(object, "kind", MAX_NAME)? {
            "text" => Ok(Node::Text { len: count_of(object, "len", 1, MAX_SIZE)? }),
            "wide" => Ok(Node::WideText { len: count_of(object, "len", 1, MAX_SIZE / 2)? }),
            "array" => {
                let (of, len) = self.elements(object, here)?;
                Ok(Node::Array { of, len })
            }
            "list" => {
                let (of, len) = self.elements(object, here)?;
                expect_plain(&of, "of")?;
                Ok(Node::List { of, len: at_most(len, u64::from(u32::MAX), "len")? })
            }
            "tail" if here.last => {
                let of = self.inner(object, "of", here.inside(false))?;
                Ok(Node::Tail { of: Box::new(of) })
            }
            "tail" => Err(SchemaError::new("a tail must be the last thing of an object")),
            _ => Ok(Node::Scalar(scalar_of(object)?)),
        }
    }

    /// What the elements of an array or list are, and how many.
    fn elements(&mut self, object: &Object, here: Here) -> Result<(Box<Node>, u64), SchemaError> {
        let len = count_of(object, "len", 1, MAX_SIZE)?;
        let of = self.inner(object, "of", here.inside(false))?;
        // Room is left for the length of a list and what aligns it.
        if of.size().checked_mul(len).is_none_or(|size| size > MAX_SIZE - 2 * MAX_ALIGN) {
            let problem = format!("{len} elements of {} bytes are too large", of.size());
            return Err(SchemaError::new(problem).under("len"));
        }
        Ok((Box::new(of), len))
    }

    /// The object in the member `name`, one level deeper.
    fn inner(&mut self, object: &Object, name: &str, here: Here) -> Result<Node, SchemaError> {
        let inner = match object.get(name) {
            Some(Json::Object(inner)) => inner,
            other => return Err(wrong("an object", other).under(name)),
        };
        self.node(inner, &[], here).map_err(|error| error.under(name))
    }

    fn structure(&mut self, object: &Object, here: Here) -> Result<Node, SchemaError> {
        let name = label_of(object, "struct")?;
        // Nothing but a tail has no bytes without its elements; every other field has some.
        let size = count_of(object, "size", 0, MAX_SIZE)?;
        let align = count_of(object, "align", 1, MAX_ALIGN)?;
        if !align.is_power_of_two() || size % align != 0 {
            let problem = format!("expected a power of two that divides {size}, found {align}");
            return Err(SchemaError::new(problem).under("align"));
        }
        let appendable = object.contains_key("appendable");
        if appendable && object.get("appendable") != Some(&Json::Bool(true)) {
            return Err(wrong("true", object.get("appendable")).under("appendable"));
        }
        let list = list_of(object, "fields", "field")?;
        let mut fields: Vec<FieldNode> = Vec::new();
        let mut names = Names::default();
        let mut end = 0;
        for (index, item) in list.iter().enumerate() {
            let place = format!("fields[{index}]");
            let is_last = index + 1 == list.len() && !appendable;
            let field = self.field(item, here.inside(is_last));
            let field = field.map_err(|error| error.under(&place))?;
            let fits = check_place(&field, end, size, align);
            fits.map_err(|error| error.under("at").under(&place))?;
            end = field.at + field.node.size();
            names.insert(&field).map_err(|error| error.under(&place))?;
            fields.push(field);
        }
        Ok(Node::Struct(StructNode { name, size, align, appendable, fields }))
    }

    fn field(&mut self, item: &Json, here: Here) -> Result<FieldNode, SchemaError> {
        self.count()?;
        let Json::Object(object) = item else {
            return Err(SchemaError::new(expected("an object", item)));
        };
        let name = label_of(object, "name")?;
        let was = object.get("was").map(|_| label_of(object, "was")).transpose()?;
        let at = count_of(object, "at", 0, MAX_SIZE)?;
        let node = self.node(object, &["name", "was", "at"], here)?;
        Ok(FieldNode { name, was, at, node })
    }

    /// One more field or variant.
    fn count(&mut self) -> Result<(), SchemaError> {
        self.fields += 1;
        if self.fields > MAX_FIELDS {
            let problem = format!("expected at most {MAX_FIELDS} fields in all, found more");
            return Err(SchemaError::new(problem));
        }
        Ok(())
    }

    fn enumeration(&mut self, object: &Object) -> Result<Node, SchemaError> {
        let name = label_of(object, "enum")?;
        let repr = word_of(object)?;
        let list = list_of(object, "variants", "variant")?;
        let mut variants: Vec<VariantNode> = Vec::new();
        let (mut names, mut values) = (HashSet::new(), HashSet::new());
        for (index, item) in list.iter().enumerate() {
            let place = format!("variants[{index}]");
            self.count()?;
            let variant = variant(item, repr).map_err(|error| error.under(&place))?;
            if !names.insert(variant.name.clone()) || !values.insert(variant.value) {
                let problem = "there is another variant with this name or number";
                return Err(SchemaError::new(problem).under(&place));
            }
            variants.push(variant);
        }
        Ok(Node::Enum(EnumNode { name, repr, variants }))
    }

    fn cell(&mut self, object: &Object, here: Here) -> Result<Node, SchemaError> {
        match name_of(object, "cell", MAX_NAME)? {
            "atomic" => Ok(Node::Atomic(word_of(object)?)),
            "flag" => Ok(Node::Flag),
            "value" => self.value(object, here),
            other if let Some(signal) = Signal::of_name(other) => Ok(Node::Signal(signal)),
            other => {
                let of = Box::new(self.inner(object, "type", here.inside(false))?);
                expect_plain(&of, "type")?;
                Ok(match other {
                    "loose" => Node::Loose { of },
                    "mutex" => Node::Mutex { of },
                    "rwlock" => Node::RwLock { of },
                    "oncecell" => Node::OnceCell { of },
                    _ => Node::Frozen { of },
                })
            }
        }
    }

    fn value(&mut self, object: &Object, here: Here) -> Result<Node, SchemaError> {
        let of = self.inner(object, "type", here.inside(true))?;
        expect_plain(&of, "type")?;
        if let Node::Tail { .. } = of {
            count_of(object, "copies", 0, 0)?;
            count_of(object, "stride", 0, 0)?;
            return Ok(Node::Value { copies: 0, stride: 0, of: Box::new(of) });
        }
        let copies = count_of(object, "copies", *COPIES.start(), *COPIES.end())?;
        let found = count_of(object, "stride", 1, MAX_SIZE)?;
        let expected = (8 + of.size()).next_multiple_of(64);
        if found != expected || found * copies > MAX_SIZE {
            let problem = format!("expected {expected} for {} bytes, found {found}", of.size());
            return Err(SchemaError::new(problem).under("stride"));
        }
        Ok(Node::Value { copies, stride: found, of: Box::new(of) })
    }
}

/// The names of the fields of one struct.
#[derive(Default)]
struct Names {
    now: HashSet<String>,
    first: HashSet<String>,
}

impl Names {
    fn insert(&mut self, field: &FieldNode) -> Result<(), SchemaError> {
        let is_new = self.now.insert(field.name.clone());
        if !is_new || !self.first.insert(field.first_name().to_owned()) {
            let problem = format!("there is another field {}", shown(&field.name));
            return Err(SchemaError::new(problem).under("name"));
        }
        Ok(())
    }
}

fn variant(item: &Json, repr: Scalar) -> Result<VariantNode, SchemaError> {
    let Json::Object(object) = item else {
        return Err(SchemaError::new(expected("an object", item)));
    };
    let name = label_of(object, "name")?;
    let found = object.get("value");
    let value = found.and_then(|value| {
        value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
    });
    let (least, most) = repr.word_range();
    match value {
        Some(value) if (least..=most).contains(&value) => Ok(VariantNode { name, value }),
        _ => Err(wrong(&format!("a number from {least} to {most}"), found).under("value")),
    }
}

fn expect_plain(of: &Node, member: &str) -> Result<(), SchemaError> {
    if of.is_plain() {
        return Ok(());
    }
    let problem = "expected plain data, found a cell or an atomic in it";
    Err(SchemaError::new(problem).under(member))
}

fn at_most(found: u64, most: u64, member: &str) -> Result<u64, SchemaError> {
    if found <= most {
        return Ok(found);
    }
    Err(SchemaError::new(format!("expected at most {most}, found {found}")).under(member))
}

fn list_of<'a>(object: &'a Object, member: &str, what: &str) -> Result<&'a [Json], SchemaError> {
    match object.get(member) {
        Some(Json::Array(list)) if !list.is_empty() => Ok(list),
        other => Err(wrong(&format!("a list with at least one {what}"), other).under(member)),
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

/// The integer in an atomic or an enum.
fn word_of(object: &Object) -> Result<Scalar, SchemaError> {
    let scalar = scalar_of(object)?;
    if !scalar.fits_a_word() {
        let problem = format!("expected an integer of at most 64 bits, found {}", scalar.name());
        return Err(SchemaError::new(problem).under("kind"));
    }
    Ok(scalar)
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

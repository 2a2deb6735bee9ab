//! Types as text: `x: i32, text: Text<256>, wheels: [Wheel { at: f64 }; 4]`.
//!
//! C's layout is computed by the library, so that the object is the one that a Rust program with this
//! type makes. A struct or enum without a label gets one from the field that it stands in.

use std::collections::HashSet;
use std::ops::Range;

use cohabit::Signal;
use cohabit::schema::{EnumNode, FieldParts, Node, Scalar, Schema, StructNode, VariantNode};

use super::lexer::{Lexer, Token, integer};
use crate::bad_text::BadText;
use crate::nearest::nearest;

/// How deep types may be nested; the schema has one more level, for the cell around them.
const DEEPEST: usize = 31;
/// The room of an appendable struct that does not say it, as `#[plain(appendable)]` has it.
const ROOM: u64 = 1024;
/// The largest size of anything.
const MOST: u64 = 1 << 46;

/// Where an array without a length may stand.
const TAIL: &str = "an array without a length is a value by itself, or the last cells of an object";

/// The schema of an object of the type that `text` says. Plain data stand in a `Value`.
///
/// # Errors
/// What is no type, with the place; `label` names the struct if it has no name.
pub(crate) fn object(text: &str, label: &str) -> Result<Schema, BadText> {
    let mut parser = Parser { lexer: Lexer::new(text)?, deep: 0, whole: 1 };
    let root = parser.object(label)?;
    if *parser.lexer.peek() != Token::End {
        return Err(parser.lexer.unexpected("expected the end of the type"));
    }
    let root = if root.is_plain() { root.into_value() } else { root };
    let schema = Schema { root, has_end: false };
    schema.checked().map_err(|error| BadText::new(text, 0..text.len(), error.to_string()))
}

/// What may stand at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The object itself, or the last field of it: cells, and an array without a length.
    Last,
    /// A part of an object that others follow: cells.
    Part,
    /// The whole inside of a value: plain data, and an array without a length.
    Whole,
    /// Anywhere else: plain data of fixed length.
    Plain,
}

impl Place {
    fn takes_cells(self) -> bool {
        matches!(self, Place::Last | Place::Part)
    }

    fn takes_tail(self) -> bool {
        matches!(self, Place::Last | Place::Whole)
    }

    /// The place of an element.
    fn inside(self) -> Place {
        if self.takes_cells() { Place::Part } else { Place::Plain }
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    /// How many types we are inside of.
    deep: usize,
    /// How many the whole of the value has that we are in, or the object.
    whole: usize,
}

/// A field, and where its type stands.
type Spanned = (FieldParts, Range<usize>);

impl Parser<'_> {
    /// A type, or the fields of a struct without braces.
    fn object(&mut self, label: &str) -> Result<Node, BadText> {
        if self.begins_with_field()? {
            self.deep = 1;
            let fields = self.fields(Place::Last, &Token::End)?;
            if *self.lexer.peek() != Token::End {
                return Err(self.lexer.unexpected("expected `,` and another field, or the end"));
            }
            return self.laid_out(label.to_owned(), fields, None);
        }
        self.node(label, Place::Last)
    }

    /// Whether a name and a colon come first, or a name and `was`.
    fn begins_with_field(&self) -> Result<bool, BadText> {
        let mut ahead = Lexer::new(self.lexer.text())?;
        let is_name = |token: &Token| matches!(token, Token::Name(_) | Token::Quoted(_));
        if !is_name(&ahead.take()?) {
            return Ok(false);
        }
        if *ahead.peek() == Token::Name("was".to_owned()) {
            // `enum was: u8 {…}` is an enum with an odd label.
            ahead.take()?;
            return Ok(is_name(ahead.peek()));
        }
        Ok(ahead.is_next(":"))
    }

    /// A type; `label` is for a struct or enum that has none.
    fn node(&mut self, label: &str, place: Place) -> Result<Node, BadText> {
        let span = self.lexer.span();
        self.deep += 1;
        if self.deep > DEEPEST {
            return Err(self.lexer.bad(span, format!("types are nested more than {DEEPEST} deep")));
        }
        let node = match self.lexer.peek().clone() {
            Token::Sign("{") => self.structure(label, None, place)?,
            Token::Sign("[") => self.array(label, place)?,
            Token::Name(name) => self.named(&name, label, place)?,
            _ => {
                return Err(self
                    .lexer
                    .unexpected("expected a type, such as i32, Text<256> or [f64; 3]"));
            }
        };
        self.deep -= 1;
        if node.size() > MOST {
            let span = span.start..self.lexer.last_end();
            return Err(self.lexer.bad(span, "that is larger than an address space"));
        }
        Ok(node)
    }

    /// A type that begins with a word.
    fn named(&mut self, name: &str, label: &str, place: Place) -> Result<Node, BadText> {
        let span = self.lexer.span();
        self.lexer.take()?;
        if let Some(scalar) = Scalar::from_name(name) {
            return Ok(Node::Scalar(scalar));
        }
        let atomic =
            name.strip_prefix("Atomic").and_then(|kind| Scalar::from_name(&kind.to_lowercase()));
        match (name, atomic) {
            ("Text", _) => Ok(Node::Text { len: self.angled_count("Text", MOST)? }),
            ("WideText", _) => Ok(Node::WideText { len: self.angled_count("WideText", MOST / 2)? }),
            ("List", _) => self.list(label),
            ("struct", _) => {
                let label = self.label(label)?;
                self.structure(&label, None, place)
            }
            ("appendable", _) => self.appendable(label, &span, place),
            ("enum", _) => self.enumeration(label),
            ("Value" | "Frozen" | "Loose" | "Mutex" | "RwLock" | "OnceCell", _) => {
                self.cell(name, &span, label, place)
            }
            ("Flag", _) => self.only_in_objects(Node::Flag, &span, place),
            _ if let Some(signal) = Signal::of_type_name(name) => {
                self.only_in_objects(Node::Signal(signal), &span, place)
            }
            (_, Some(scalar)) if scalar.fits_a_word() => {
                self.only_in_objects(Node::Atomic(scalar), &span, place)
            }
            // `Wheel { … }`: the label before its struct.
            _ if self.lexer.is_next("{") => self.structure(name, None, place),
            _ => Err(self.lexer.bad(span, unknown(name))),
        }
    }

    fn only_in_objects(
        &self,
        cell: Node,
        span: &Range<usize>,
        place: Place,
    ) -> Result<Node, BadText> {
        if place.takes_cells() {
            return Ok(cell);
        }
        let what = format!(
            "{} is a cell of an object, and cannot stand inside of a value",
            cell.type_name()
        );
        Err(self.lexer.bad(span.clone(), what))
    }

    fn cell(
        &mut self,
        name: &str,
        span: &Range<usize>,
        label: &str,
        place: Place,
    ) -> Result<Node, BadText> {
        self.lexer.expect("<", &format!("after {name}"))?;
        let of = match name {
            "Value" => {
                let around = std::mem::replace(&mut self.whole, self.deep + 1);
                let last = place == Place::Last;
                let of = self.node(label, if last { Place::Whole } else { Place::Plain })?;
                self.whole = around;
                of
            }
            _ => self.node(label, Place::Plain)?,
        };
        self.lexer.expect(">", &format!("at the end of {name}<…>"))?;
        let of = match name {
            "Value" => of.into_value(),
            "Frozen" => Node::Frozen { of: Box::new(of) },
            "Loose" => Node::Loose { of: Box::new(of) },
            "RwLock" => Node::RwLock { of: Box::new(of) },
            "OnceCell" => Node::OnceCell { of: Box::new(of) },
            _ => Node::Mutex { of: Box::new(of) },
        };
        let whole = span.start..self.lexer.last_end();
        self.only_in_objects(of, &whole, place)
    }

    fn list(&mut self, label: &str) -> Result<Node, BadText> {
        self.lexer.expect("<", "after List, such as List<f64, 100>")?;
        let of = Box::new(self.node(label, Place::Plain)?);
        self.lexer
            .expect(",", "and how many elements there is room for, such as List<f64, 100>")?;
        let len = self.count(u64::from(u32::MAX))?;
        self.lexer.expect(">", "at the end of List<…>")?;
        Ok(Node::List { of, len })
    }

    fn array(&mut self, label: &str, place: Place) -> Result<Node, BadText> {
        let start = self.lexer.span().start;
        self.lexer.take()?;
        let of = Box::new(self.node(label, place.inside())?);
        if self.lexer.accept(";")? {
            let len = self.count(MOST)?;
            self.lexer.expect("]", "at the end of the array")?;
            return Ok(Node::Array { of, len });
        }
        self.lexer.expect("]", "at the end, or `;` and how many elements, such as [f64; 3]")?;
        if place.takes_tail() {
            return Ok(Node::Tail { of });
        }
        Err(self.lexer.bad(start..self.lexer.last_end(), TAIL))
    }

    fn appendable(
        &mut self,
        label: &str,
        span: &Range<usize>,
        place: Place,
    ) -> Result<Node, BadText> {
        let mut room = ROOM;
        if self.lexer.accept("(")? {
            let at = self.lexer.span();
            room = self.count(1 << 30)?;
            if !room.is_multiple_of(16) {
                return Err(self.lexer.bad(at, "the room is a multiple of 16 bytes"));
            }
            self.lexer.expect(")", "after the room")?;
        }
        if *self.lexer.peek() != Token::Name("struct".to_owned()) {
            return Err(self.lexer.unexpected("expected `struct` after appendable"));
        }
        self.lexer.take()?;
        let label = self.label(label)?;
        if self.deep != self.whole {
            let what = "an appendable struct is a value by itself, not a part of other data";
            return Err(self.lexer.bad(span.clone(), what));
        }
        self.structure(&label, Some(room), place)
    }

    /// The label of a struct or enum, if it has one, else what its field says.
    fn label(&mut self, label: &str) -> Result<String, BadText> {
        match self.lexer.peek() {
            Token::Name(_) | Token::Quoted(_) => self.name("label"),
            _ => Ok(label.to_owned()),
        }
    }

    /// `{ fields }`.
    fn structure(&mut self, label: &str, room: Option<u64>, place: Place) -> Result<Node, BadText> {
        let start = self.lexer.span().start;
        self.lexer.expect("{", "before the fields")?;
        // A value of run-time length is an array by itself.
        let place = if room.is_some() || place == Place::Whole { Place::Plain } else { place };
        let fields = self.fields(place, &Token::Sign("}"))?;
        self.lexer.expect("}", "at the end of the struct, or `,` and another field")?;
        let node = self.laid_out(label.to_owned(), fields, room)?;
        if let (Node::Struct(node), Some(room)) = (&node, room) {
            let needed =
                node.fields.last().map_or(0, |last| last.at.saturating_add(last.node.size()));
            if needed > room {
                let what = format!("the fields need {needed} bytes, and there is room for {room}");
                return Err(self.lexer.bad(start..self.lexer.last_end(), what));
            }
        }
        Ok(node)
    }

    fn laid_out(
        &self,
        label: String,
        fields: Vec<Spanned>,
        room: Option<u64>,
    ) -> Result<Node, BadText> {
        let plain = fields.iter().find(|(field, _)| field.node.is_plain());
        if let Some((_, span)) =
            plain.filter(|_| fields.iter().any(|(field, _)| !field.node.is_plain()))
        {
            let what = "beside cells, plain data stand in a cell: Value<…>, Frozen<…>, Loose<…>, Mutex<…>, RwLock<…> or OnceCell<…>";
            return Err(self.lexer.bad(span.clone(), what));
        }
        if let Some((_, span)) =
            plain.and_then(|_| fields.iter().find(|(field, _)| field.node.has_tail()))
        {
            return Err(self.lexer.bad(span.clone(), TAIL));
        }
        let fields = fields.into_iter().map(|(field, _)| field).collect();
        Ok(Node::Struct(StructNode::laid_out(label, fields, room)))
    }

    /// `name: type, …` up to `end`.
    fn fields(&mut self, place: Place, end: &Token) -> Result<Vec<Spanned>, BadText> {
        let mut fields: Vec<Spanned> = Vec::new();
        let mut names = HashSet::new();
        while self.lexer.peek() != end {
            if let Some((_, span)) = fields.last().filter(|(field, _)| field.node.has_tail()) {
                return Err(self.lexer.bad(span.clone(), TAIL));
            }
            let span = self.lexer.span();
            let name = self.name("field")?;
            let was = self.first_name()?;
            let is_new = names.insert(was.clone().unwrap_or_else(|| name.clone()));
            if !is_new || fields.iter().any(|(field, _)| field.name == name) {
                return Err(self.lexer.bad(span, format!("there is another field `{name}`")));
            }
            self.lexer.expect(":", "and a type after the field's name")?;
            let at = self.lexer.span().start;
            let node = self.node(&camel_case(&name), place)?;
            fields.push((FieldParts { name, was, node }, at..self.lexer.last_end()));
            if !self.lexer.accept(",")? {
                break;
            }
        }
        if fields.is_empty() {
            return Err(self.lexer.unexpected("expected a field, such as x: i32"));
        }
        Ok(fields)
    }

    /// `was old`, if it is there.
    fn first_name(&mut self) -> Result<Option<String>, BadText> {
        if *self.lexer.peek() != Token::Name("was".to_owned()) {
            return Ok(None);
        }
        self.lexer.take()?;
        self.name("first name").map(Some)
    }

    fn enumeration(&mut self, label: &str) -> Result<Node, BadText> {
        let name = self.label(label)?;
        let repr = if self.lexer.accept(":")? { self.repr()? } else { Scalar::U8 };
        self.lexer.expect("{", "before the variants")?;
        let mut variants: Vec<VariantNode> = Vec::new();
        let mut next: i128 = 0;
        while !self.lexer.is_next("}") {
            let span = self.lexer.span();
            let name = self.name("variant")?;
            let value = if self.lexer.accept("=")? { self.integer()? } else { next };
            let (least, most) = repr.word_range();
            let span = span.start..self.lexer.last_end();
            if !(least..=most).contains(&value) {
                let what =
                    format!("{value} is no {}: these are from {least} to {most}", repr.name());
                return Err(self.lexer.bad(span, what));
            }
            if variants.iter().any(|other| other.name == name || other.value == value) {
                let what =
                    format!("there is another variant `{name}`, or one with the number {value}");
                return Err(self.lexer.bad(span, what));
            }
            variants.push(VariantNode { name, value });
            next = value + 1;
            if !self.lexer.accept(",")? {
                break;
            }
        }
        if variants.is_empty() {
            return Err(self.lexer.unexpected("expected a variant, such as Off = 0"));
        }
        self.lexer.expect("}", "at the end of the enum, or `,` and another variant")?;
        Ok(Node::Enum(EnumNode { name, repr, variants }))
    }

    /// The integer that an enum is kept in.
    fn repr(&mut self) -> Result<Scalar, BadText> {
        let known = match self.lexer.peek() {
            Token::Name(name) => Scalar::from_name(name).filter(|scalar| scalar.fits_a_word()),
            _ => None,
        };
        let expected = "expected an integer of at most 64 bits, such as u8";
        let repr = known.ok_or_else(|| self.lexer.unexpected(expected))?;
        self.lexer.take()?;
        Ok(repr)
    }

    /// A name, in quotes if it has other characters than a name in Rust.
    fn name(&mut self, what: &str) -> Result<String, BadText> {
        let span = self.lexer.span();
        let name = match self.lexer.peek() {
            Token::Name(name) | Token::Quoted(name) => name.clone(),
            _ => return Err(self.lexer.unexpected(&format!("expected the name of a {what}"))),
        };
        if name.is_empty() || name.len() > 256 || name.chars().any(char::is_control) {
            let what = "a name has 1 to 256 bytes, and no control characters";
            return Err(self.lexer.bad(span, what));
        }
        self.lexer.take()?;
        Ok(name)
    }

    /// `<count>`.
    fn angled_count(&mut self, name: &str, most: u64) -> Result<u64, BadText> {
        self.lexer.expect("<", &format!("and a length after {name}, such as {name}<64>"))?;
        let count = self.count(most)?;
        self.lexer.expect(">", &format!("at the end of {name}<…>"))?;
        Ok(count)
    }

    /// A count of at least 1.
    fn count(&mut self, most: u64) -> Result<u64, BadText> {
        let span = self.lexer.span();
        let expected = || format!("expected a count from 1 to {most}");
        let Token::Number(text) = self.lexer.peek() else {
            return Err(self.lexer.unexpected(&expected()));
        };
        match integer(text) {
            Some(count) if (1..=u128::from(most)).contains(&count) => {
                self.lexer.take()?;
                Ok(count as u64)
            }
            _ => Err(self.lexer.bad(span, format!("{}, found {text}", expected()))),
        }
    }

    /// An integer with its sign.
    fn integer(&mut self) -> Result<i128, BadText> {
        let negative = self.lexer.accept("-")?;
        let found = match self.lexer.peek() {
            Token::Number(text) => integer(text).and_then(|size| i128::try_from(size).ok()),
            _ => None,
        };
        let number = found.ok_or_else(|| self.lexer.unexpected("expected an integer"))?;
        self.lexer.take()?;
        Ok(if negative { -number } else { number })
    }
}

/// `wheel_left` as the label of a type: `WheelLeft`.
fn camel_case(name: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().into_iter().flat_map(char::to_uppercase);
        first.chain(chars).collect::<String>()
    };
    let label: String = name.split('_').map(word).collect();
    if label.is_empty() { name.to_owned() } else { label }
}

/// All that begins a type.
const KNOWN: [&str; 39] = [
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "f32",
    "f64",
    "bool",
    "char",
    "Text",
    "WideText",
    "List",
    "struct",
    "enum",
    "appendable",
    "Value",
    "Frozen",
    "Loose",
    "Mutex",
    "RwLock",
    "OnceCell",
    "Barrier",
    "Condvar",
    "Event",
    "Once",
    "Semaphore",
    "Flag",
    "AtomicU8",
    "AtomicU16",
    "AtomicU32",
    "AtomicU64",
    "AtomicI32",
    "AtomicI64",
    "AtomicI16",
];

/// What to write instead of a type that there is not.
fn unknown(name: &str) -> String {
    let instead = match name {
        "String" | "str" | "string" | "std" => "Text<N>, with room for N - 1 bytes",
        "wstring" | "wchar_t" => "WideText<N>",
        "Vec" | "vector" => "List<T, N>, with room for N elements",
        "usize" | "size_t" | "uintptr_t" | "ulong" | "uint64_t" => {
            "u64, which is the same on every target"
        }
        "isize" | "ssize_t" | "long" | "int64_t" => "i64, which is the same on every target",
        "int" | "int32_t" => "i32",
        "unsigned" | "uint" | "uint32_t" => "u32",
        "short" | "int16_t" => "i16",
        "byte" | "uint8_t" => "u8",
        "float" => "f32",
        "double" => "f64",
        "AtomicBool" => "Flag",
        "Option" => "a bool beside the value",
        "tuple" => "a struct with named fields",
        _ => "",
    };
    if !instead.is_empty() {
        return format!("there is no type `{name}`: use {instead}");
    }
    match nearest(name, KNOWN.into_iter()).as_slice() {
        [] => format!("there is no type `{name}`; a struct is written {name} {{ x: i32 }}"),
        near => format!("there is no type `{name}`: did you mean {}?", near.join(" or ")),
    }
}

//! A condition that was fitted to an object: paths are places, literals are values of their types.
//!
//! Bits that are no value of their type, which a peer may have written, are equal to nothing, neither
//! less nor greater than anything, and not true. So is NaN.

use std::cmp::Ordering;
use std::ops::Range;

use cohabit::schema::{EnumNode, Node, Scalar};

use super::condition::{Condition, Path, Sign, Term, What};
use super::number::Number;
use crate::bad_text::BadText;
use crate::path::{kind_of, listed};

/// A part of an object: in which of its cells, where, and what it is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) cell: usize,
    pub(crate) at: Range<usize>,
    pub(crate) node: Node,
}

/// A condition that can be asked.
#[derive(Clone, Debug)]
pub(crate) enum Check {
    Any(Vec<Check>),
    All(Vec<Check>),
    Not(Box<Check>),
    True(Place),
    Compare(Place, Sign, Other),
}

/// What a part is compared with.
#[derive(Clone, Debug)]
pub(crate) enum Other {
    Value(Value),
    Part(Place),
}

/// A value that can be compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(Number),
    Bool(bool),
    Char(char),
    Text(Vec<u8>),
    Wide(Vec<u16>),
    Variant(i128),
}

/// Fits a condition that was read from `text`. `find` says where a path in it leads; `watched` is the
/// part that a comparison without a left side is about.
///
/// # Errors
/// What cannot be compared so, with the place in the text.
pub(crate) fn fit(
    condition: &Condition,
    text: &str,
    watched: &Place,
    find: &dyn Fn(Range<usize>) -> Result<Place, BadText>,
) -> Result<Check, BadText> {
    Fitter { text, watched, find }.fit(condition)
}

struct Fitter<'f> {
    text: &'f str,
    watched: &'f Place,
    find: &'f dyn Fn(Range<usize>) -> Result<Place, BadText>,
}

impl Fitter<'_> {
    fn fit(&self, condition: &Condition) -> Result<Check, BadText> {
        let all =
            |list: &[Condition]| list.iter().map(|one| self.fit(one)).collect::<Result<_, _>>();
        Ok(match condition {
            Condition::Any(list) => Check::Any(all(list)?),
            Condition::All(list) => Check::All(all(list)?),
            Condition::Not(inner) => Check::Not(Box::new(self.fit(inner)?)),
            Condition::Part(path) => Check::True(self.truth(path)?),
            Condition::Compare(path, sign, term) => {
                let place = match path {
                    Some(path) => (self.find)(path.span.clone())?,
                    None => self.watched.clone(),
                };
                let span = path.as_ref().map_or(term.span.clone(), |path| path.span.clone());
                let name = path.as_ref().map_or("it", |path| &path.text);
                self.comparable(&place, *sign, name, span)?;
                let other = self.other(&place.node, name, term)?;
                Check::Compare(place, *sign, other)
            }
        })
    }

    fn bad(&self, span: Range<usize>, what: impl Into<String>) -> BadText {
        BadText::new(self.text, span, what)
    }

    fn truth(&self, path: &Path) -> Result<Place, BadText> {
        let place = (self.find)(path.span.clone())?;
        match place.node {
            Node::Scalar(Scalar::Bool) | Node::Flag => Ok(place),
            _ => {
                let what = format!(
                    "`{}` is {}: compare it, such as {} == …",
                    path.text,
                    kind_of(&place.node),
                    path.text
                );
                Err(self.bad(path.span.clone(), what))
            }
        }
    }

    fn comparable(
        &self,
        place: &Place,
        sign: Sign,
        name: &str,
        span: Range<usize>,
    ) -> Result<(), BadText> {
        let has_order = match &place.node {
            Node::Scalar(Scalar::Bool) | Node::Flag | Node::Enum(_) => false,
            Node::Scalar(_) | Node::Atomic(_) | Node::Text { .. } | Node::WideText { .. } => true,
            whole => {
                let what = format!(
                    "`{name}` is {}, which cannot be compared: name a part of it",
                    kind_of(whole)
                );
                return Err(self.bad(span, what));
            }
        };
        if has_order || matches!(sign, Sign::Equal | Sign::NotEqual) {
            return Ok(());
        }
        let what = format!(
            "`{name}` is {}, which is only equal or not: use == or !=",
            kind_of(&place.node)
        );
        Err(self.bad(span, what))
    }

    /// The right side as a value of the left one's type, or as another part.
    fn other(&self, left: &Node, name: &str, term: &Term) -> Result<Other, BadText> {
        let expected = |of: &str| {
            let what = format!("`{name}` is {}: compare it with {of}", kind_of(left));
            self.bad(term.span.clone(), what)
        };
        let value = match (left, &term.what) {
            (Node::Enum(node), What::Word(word)) => {
                Value::Variant(variant(node, word).ok_or_else(|| {
                    let names = listed(node.variants.iter().map(|variant| variant.name.as_str()));
                    expected(&format!("one of {names}"))
                })?)
            }
            (Node::Enum(_), _) => return Err(expected("the name of a variant, without quotes")),
            (Node::Scalar(Scalar::Bool) | Node::Flag, What::Word(word))
                if word == "true" || word == "false" =>
            {
                Value::Bool(word == "true")
            }
            (Node::Scalar(Scalar::Char), What::Text(text)) => {
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(only), None) => Value::Char(only),
                    _ => return Err(expected(value_of(left))),
                }
            }
            (Node::Text { .. }, What::Text(text)) => Value::Text(text.clone().into_bytes()),
            (Node::WideText { .. }, What::Text(text)) => Value::Wide(text.encode_utf16().collect()),
            (Node::Scalar(scalar) | Node::Atomic(scalar), What::Number(text))
                if is_number(*scalar) =>
            {
                Value::Number(Number::literal(*scalar, text).map_err(|why| {
                    let what = format!("`{name}` is {}: {why}", kind_of(left));
                    self.bad(term.span.clone(), what)
                })?)
            }
            (Node::Scalar(Scalar::F32 | Scalar::F64), What::Word(word)) if word == "inf" => {
                Value::Number(Number::Float(f64::INFINITY))
            }
            (Node::Scalar(Scalar::F32 | Scalar::F64), What::Word(word)) if word == "NaN" => {
                return Err(expected("a number: nothing is equal to NaN"));
            }
            (_, What::Word(word)) => {
                // A word that is no field was meant for a value.
                let is_path = word.contains(['.', '[']);
                let found = (self.find)(term.span.clone());
                return match found {
                    Err(bad) if is_path => Err(bad),
                    Err(_) => Err(expected(value_of(left))),
                    Ok(place) => self.other_part(left, place, name, term),
                };
            }
            _ => return Err(expected(value_of(left))),
        };
        Ok(Other::Value(value))
    }

    fn other_part(
        &self,
        left: &Node,
        place: Place,
        name: &str,
        term: &Term,
    ) -> Result<Other, BadText> {
        if kind(left) == kind(&place.node) {
            return Ok(Other::Part(place));
        }
        let what = format!(
            "`{name}` is {}, and `{}` is {}: these cannot be compared",
            kind_of(left),
            &self.text[term.span.clone()],
            kind_of(&place.node)
        );
        Err(self.bad(term.span.clone(), what))
    }
}

/// What a part can be compared with, in words.
fn value_of(node: &Node) -> &'static str {
    match node {
        Node::Text { .. } | Node::WideText { .. } => "a text in quotes",
        Node::Scalar(Scalar::Bool) | Node::Flag => "true or false",
        Node::Scalar(Scalar::Char) => "one character in quotes",
        _ => "a number",
    }
}

/// What can be compared with each other.
fn kind(node: &Node) -> u8 {
    match node {
        Node::Scalar(Scalar::Bool) | Node::Flag => 1,
        Node::Scalar(Scalar::Char) => 2,
        Node::Scalar(_) | Node::Atomic(_) => 3,
        Node::Text { .. } => 4,
        Node::WideText { .. } => 5,
        _ => 0,
    }
}

fn is_number(scalar: Scalar) -> bool {
    !matches!(scalar, Scalar::Bool | Scalar::Char)
}

fn variant(node: &EnumNode, name: &str) -> Option<i128> {
    node.variants.iter().find(|variant| variant.name == name).map(|variant| variant.value)
}

impl Check {
    /// Whether it holds of an object whose cells have these bytes.
    pub(crate) fn holds(&self, cells: &[Vec<u8>]) -> bool {
        match self {
            Check::Any(list) => list.iter().any(|check| check.holds(cells)),
            Check::All(list) => list.iter().all(|check| check.holds(cells)),
            Check::Not(inner) => !inner.holds(cells),
            Check::True(place) => place.value(cells) == Some(Value::Bool(true)),
            Check::Compare(left, sign, other) => {
                let other = match other {
                    Other::Value(value) => Some(value.clone()),
                    Other::Part(place) => place.value(cells),
                };
                let order =
                    left.value(cells).zip(other).and_then(|(left, right)| left.compare(&right));
                match sign {
                    Sign::Equal => order == Some(Ordering::Equal),
                    Sign::NotEqual => order != Some(Ordering::Equal),
                    Sign::Less => order == Some(Ordering::Less),
                    Sign::AtMost => order.is_some_and(Ordering::is_le),
                    Sign::Greater => order == Some(Ordering::Greater),
                    Sign::AtLeast => order.is_some_and(Ordering::is_ge),
                }
            }
        }
    }
}

impl Place {
    /// What stands there, if its bits are a value.
    fn value(&self, cells: &[Vec<u8>]) -> Option<Value> {
        let bytes = cells.get(self.cell)?.get(self.at.clone())?;
        match &self.node {
            Node::Scalar(Scalar::Bool) => match bytes {
                [0] => Some(Value::Bool(false)),
                [1] => Some(Value::Bool(true)),
                _ => None,
            },
            Node::Flag => Some(Value::Bool(bytes != [0])),
            Node::Scalar(Scalar::Char) => {
                let code = u32::from_le_bytes(bytes.try_into().ok()?);
                char::from_u32(code).map(Value::Char)
            }
            Node::Scalar(scalar) | Node::Atomic(scalar) => {
                Some(Value::Number(Number::of(*scalar, bytes)))
            }
            Node::Text { .. } => {
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                Some(Value::Text(bytes[..end].to_vec()))
            }
            Node::WideText { .. } => {
                let units =
                    bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
                Some(Value::Wide(units.take_while(|unit| *unit != 0).collect()))
            }
            Node::Enum(node) => {
                let number = Number::of(node.repr, bytes).to_i128()?;
                let is_one = node.variants.iter().any(|variant| variant.value == number);
                is_one.then_some(Value::Variant(number))
            }
            _ => None,
        }
    }
}

impl Value {
    fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Number(left), Value::Number(right)) => left.compare(*right),
            (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
            (Value::Char(left), Value::Char(right)) => Some(left.cmp(right)),
            (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
            (Value::Wide(left), Value::Wide(right)) => Some(left.cmp(right)),
            (Value::Variant(left), Value::Variant(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{condition, types};
    use super::*;
    use crate::dynamic::parse::parse;
    use crate::path::{Part, Start, walk};

    const OBJECT: &str = "x: i32, wide: u128, ratio: f64, small: f32, on: bool, off: bool,
        mode: enum Mode { Off, On = 7 }, text: Text<8>, same: Text<4>, units: WideText<8>, letter: char,
        list: [u16; 3], inner: [Inner { a: i8 }; 2]";

    const VALUE: &str = r#"{"x": -5, "wide": "340282366920938463463374607431768211455", "ratio": 0.5,
        "small": 0.1, "on": true, "off": false, "mode": "On", "text": "go", "same": "go",
        "units": "grün", "letter": "ß", "list": [1, 2, 3], "inner": [{"a": -1}, {"a": 1}]}"#;

    /// The object's bytes, and those of a text asked of them.
    fn holds(text: &str, bytes: &[u8]) -> bool {
        let object = types::object(OBJECT, "Object").unwrap();
        let place = |part: Part<'_>| Place { cell: 0, at: part.range(), node: part.node.clone() };
        let find =
            |span: Range<usize>| walk(Part::whole(&object), text, span, Start::Bare).map(place);
        let watched = find(0..0).unwrap();
        let found = condition::parse(text).unwrap_or_else(|bad| panic!("{bad}"));
        let check = fit(&found, text, &watched, &find).unwrap_or_else(|bad| panic!("{bad}"));
        check.holds(&[bytes.to_vec()])
    }

    fn sample() -> Vec<u8> {
        let object = types::object(OBJECT, "Object").unwrap();
        let Node::Value { of: root, .. } = &object.root else { unreachable!("plain data") };
        let mut bytes = vec![0; root.size() as usize];
        for patch in parse(Part::whole(&object), "it", VALUE).unwrap() {
            bytes[patch.at..patch.at + patch.bytes.len()].copy_from_slice(&patch.bytes);
        }
        bytes
    }

    #[test]
    fn conditions_hold_or_not() {
        let bytes = sample();
        for text in [
            "x == -5",
            "x < 0 && x >= -5 && x <= -5 && x != 5",
            "x < 0.5",
            "x == -5.0",
            "wide == 0xffffffff_ffffffff_ffffffff_ffffffff",
            "wide > ratio",
            "ratio == 0.5 && ratio < inf && ratio > -inf",
            "small == 0.1",
            "ratio > x",
            "on && !off && on == true && on != off && off == false",
            "!(x > 5) && !!on",
            "off || on && x == -5",
            "mode == On && mode != Off",
            "text == \"go\" && text < \"goo\" && text > 'f' && text == same",
            "units == \"grün\" && units != \"gr\"",
            "letter == 'ß' && letter > 'a'",
            "list[2] == 3 && list[0] < list[1]",
            "inner[0].a < inner[1].a && inner[1].a == 1",
        ] {
            assert!(holds(text, &bytes), "{text}");
            assert!(!holds(&format!("!({text})"), &bytes), "{text}");
        }
    }

    #[test]
    fn bits_that_are_no_value_are_equal_to_nothing_and_not_true() {
        // 255 in each byte: no bool, no variant, no character, NaN.
        let bytes = vec![255; sample().len()];
        for text in [
            "on",
            "on == true",
            "mode == Off",
            "mode == On",
            "letter == 'a'",
            "letter > 'a'",
            "ratio == 1",
            "ratio <= 1",
            "on == off",
        ] {
            assert!(!holds(text, &bytes), "{text}");
        }
        for text in
            ["on != true", "on != false", "mode != On", "letter != 'a'", "ratio != 1", "!on"]
        {
            assert!(holds(text, &bytes), "{text}");
        }
        // A text without its end ends with its array.
        assert!(holds("text != 'go'", &bytes));
    }
}

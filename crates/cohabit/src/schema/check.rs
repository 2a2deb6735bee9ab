//! Whether bytes are a value, asked of a schema instead of a type.

use super::tree::{EnumNode, Node, Scalar, items_at};
use crate::plain::{BadBits, Kind};

impl Node {
    /// Whether these canonical bytes are a value of this plain data, as a program that has the type
    /// would judge them. Padding, and what lies behind the end of a text or list, is not looked at.
    ///
    /// # Errors
    /// The first place at which they are not.
    pub fn check(&self, bytes: &[u8]) -> Result<(), BadBits> {
        if bytes.len() as u64 != self.size() {
            let expected = format!("{} bytes", self.size());
            return Err(BadBits::new(self.type_name(), expected, bytes.len() as i128));
        }
        if self.is_any_bits() {
            return Ok(());
        }
        match self {
            Node::Scalar(Scalar::Bool) => match bytes[0] {
                0 | 1 => Ok(()),
                found => Err(BadBits::new("bool", "0 or 1", found.into())),
            },
            Node::Scalar(Scalar::Char) => {
                let found = number(bytes) as u32;
                let is_char = char::from_u32(found).is_some();
                let bad = || BadBits::new("char", "a Unicode scalar value", found.into());
                is_char.then_some(()).ok_or_else(bad)
            }
            Node::Enum(node) => check_enum(node, bytes),
            Node::List { of, len } => {
                let found = number(&bytes[..Kind::LIST_LEN]) as u64;
                if found > *len {
                    let expected = format!("a length of at most {len}");
                    return Err(BadBits::new("the list", expected, found.into()));
                }
                let items = &bytes[items_at(of) as usize..];
                check_elements(of, &items[..(found * of.size()) as usize])
            }
            Node::Array { of, .. } => check_elements(of, bytes),
            // What nobody has appended yet is no value, and need not be one.
            Node::Struct(node) if node.is_appended() && bytes[0] == 0 => Ok(()),
            Node::Struct(node) => node.fields.iter().try_for_each(|field| {
                let from = field.at as usize;
                let inside = &bytes[from..from + field.node.size() as usize];
                field.node.check(inside).map_err(|bad| bad.in_field(&field.name))
            }),
            _ => Ok(()),
        }
    }

    /// Whether every bit pattern is a value.
    fn is_any_bits(&self) -> bool {
        match self {
            Node::Scalar(scalar) => !matches!(scalar, Scalar::Bool | Scalar::Char),
            Node::Text { .. } | Node::WideText { .. } => true,
            Node::Array { of, .. } => of.is_any_bits(),
            Node::Struct(node) => node.fields.iter().all(|field| field.node.is_any_bits()),
            _ => false,
        }
    }
}

fn check_elements(of: &Node, bytes: &[u8]) -> Result<(), BadBits> {
    let elements = bytes.chunks_exact(of.size().max(1) as usize).enumerate();
    let mut checked =
        elements.map(|(index, element)| of.check(element).map_err(|bad| bad.at_index(index)));
    checked.find(Result::is_err).unwrap_or(Ok(()))
}

fn check_enum(node: &EnumNode, bytes: &[u8]) -> Result<(), BadBits> {
    let (least, _) = node.repr.word_range();
    let unused = 128 - 8 * node.repr.size() as u32;
    // The sign, if it has one, is the highest bit of those that there are.
    let found = match least {
        0 => number(bytes) as i128,
        _ => ((number(bytes) << unused) as i128) >> unused,
    };
    if node.variants.iter().any(|variant| variant.value == found) {
        return Ok(());
    }
    let variants = node.variants.iter().map(|variant| (variant.value, variant.name.as_str()));
    Err(BadBits::none_of(&node.name, variants, found))
}

/// At most 16 bytes as a little-endian number.
fn number(bytes: &[u8]) -> u128 {
    let mut whole = [0; 16];
    whole[..bytes.len()].copy_from_slice(bytes);
    u128::from_le_bytes(whole)
}

//! What is said of bits that are not a value of their type.

use core::fmt;

use super::EnumKind;

/// How many variants a message names.
const NAMED_MAX: usize = 12;

/// Bits in shared memory that are not a value of their type, such as a 7 for a `bool`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadBits {
    path: String,
    kind: String,
    expected: String,
    found: i128,
}

impl BadBits {
    #[cold]
    pub(crate) fn new(kind: impl Into<String>, expected: impl Into<String>, found: i128) -> Self {
        Self { path: String::new(), kind: kind.into(), expected: expected.into(), found }
    }

    /// A number that none of the variants has.
    #[doc(hidden)]
    #[cold]
    #[must_use]
    pub fn no_variant(kind: &EnumKind, found: i128) -> Self {
        let variants = kind.variants.iter().map(|variant| (variant.value, variant.name));
        Self::none_of(kind.name, variants, found)
    }

    /// The same, for an enum whose variants are known by their numbers and names only.
    pub(crate) fn none_of<'a>(
        kind: &str,
        variants: impl ExactSizeIterator<Item = (i128, &'a str)>,
        found: i128,
    ) -> Self {
        let count = variants.len();
        let named = variants.take(NAMED_MAX);
        let mut named: Vec<_> = named.map(|(value, name)| format!("{value} ({name})")).collect();
        match count - named.len() {
            0 => {}
            more => named.push(format!("{more} more")),
        }
        let last = named.pop().unwrap_or_default();
        let expected =
            if named.is_empty() { last } else { format!("{} or {last}", named.join(", ")) };
        Self::new(kind, expected, found)
    }

    /// The same, seen from the struct that has the value in this field.
    #[doc(hidden)]
    #[must_use]
    pub fn in_field(mut self, name: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{name}{dot}{}", self.path);
        self
    }

    /// The same, seen from the array that has the value at this index.
    pub(crate) fn at_index(self, index: usize) -> Self {
        self.in_field(&format!("[{index}]"))
    }

    /// Where the bits are, such as `wheels[2].on`; empty if they are the whole value.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The kind of the value, such as `bool`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The number that was found.
    pub fn found(&self) -> i128 {
        self.found
    }
}

impl fmt::Display for BadBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "field `{}`: ", self.path)?;
        }
        write!(f, "expected {} for {}, found {}", self.expected, self.kind, self.found)
    }
}

impl core::error::Error for BadBits {}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Variant};
    use super::*;

    #[test]
    fn the_path_reads_like_code() {
        let bad = BadBits::new("bool", "0 or 1", 7);
        assert_eq!(bad.to_string(), "expected 0 or 1 for bool, found 7");
        let bad = bad.in_field("on");
        assert_eq!(bad.to_string(), "field `on`: expected 0 or 1 for bool, found 7");
        let bad = bad.at_index(2).in_field("wheels").at_index(0);
        assert_eq!(bad.path(), "[0].wheels[2].on");
    }

    #[test]
    fn variants_are_named() {
        let variants = |count| -> &'static [Variant] {
            let of = |value| Variant { name: "V", value };
            (0..count).map(of).collect::<Vec<_>>().leak()
        };
        let said = |count| {
            let kind = EnumKind { name: "Mode", repr: &Kind::I8, variants: variants(count) };
            BadBits::no_variant(&kind, -1).to_string()
        };
        assert_eq!(said(1), "expected 0 (V) for Mode, found -1");
        assert_eq!(said(3), "expected 0 (V), 1 (V) or 2 (V) for Mode, found -1");
        assert!(said(14).contains("11 (V) or 2 more for Mode"), "{}", said(14));
    }
}

//! What is said of bits that are not a value of their type.

use core::fmt;

/// Bits in shared memory that are not a value of their type, such as a 7 for a `bool`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadBits {
    path: String,
    kind: &'static str,
    expected: &'static str,
    found: u64,
}

impl BadBits {
    pub(crate) fn new(kind: &'static str, expected: &'static str, found: u64) -> Self {
        Self { path: String::new(), kind, expected, found }
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
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The bits that were found.
    pub fn found(&self) -> u64 {
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
}

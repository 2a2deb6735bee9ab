//! `WideText<N>`: UTF-16 text in an array of 16-bit units, as Windows' `wchar_t[N]`.
//!
//! Every pattern of units is a `WideText`, so that nothing a peer writes can make it invalid: the text
//! ends at the first 0, or at `N`, and what follows is ignored. Surrogates without their other half are
//! replaced when text is wanted.

use core::cmp::Ordering;
use core::fmt::{self, Write};
use core::hash::{Hash, Hasher};
use core::str::FromStr;
use std::string::FromUtf16Error;

use super::{BadBits, CopyOf, Kind, Plain, TextError};
use crate::words::{WordSink, WordSource, put};

/// UTF-16 text of at most `N − 1` units of 16 bits, in an array of `N` as Windows has it.
///
/// For objects that are shared with programs that have such text; else use [`Text`](crate::Text).
/// Texts are compared, ordered and hashed by their text; the units behind its end do not count.
///
/// ```
/// use cohabit::WideText;
///
/// let name = WideText::<16>::try_from("Größe")?;
/// assert_eq!(name.len(), 5);
/// assert_eq!(name.to_string(), "Größe");
/// # Ok::<(), cohabit::TextError>(())
/// ```
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct WideText<const N: usize>([u16; N]);

impl<const N: usize> WideText<N> {
    /// How many units of text there is room for. A character takes one or two.
    pub const CAPACITY: usize = {
        assert!(N > 0, "a WideText needs at least one unit, for the 0");
        N - 1
    };

    /// The empty text.
    pub const EMPTY: Self = Self([0; N]);

    /// As much of `text` as fits, cut in front of a character; it also ends at the first NUL.
    #[must_use]
    pub fn truncated(text: &str) -> Self {
        let mut wide = Self::EMPTY;
        let mut len = 0;
        for character in text.chars().take_while(|&character| character != '\0') {
            let end = len + character.len_utf16();
            if end > Self::CAPACITY {
                break;
            }
            character.encode_utf16(&mut wide.0[len..end]);
            len = end;
        }
        wide
    }

    /// The text of these units, up to the first 0, as Windows gives it.
    ///
    /// # Errors
    ///
    /// If it does not fit.
    pub fn from_units(units: &[u16]) -> Result<Self, TextError> {
        let units = until_zero(units);
        if units.len() > Self::CAPACITY {
            let (needed, available) = (units.len(), Self::CAPACITY);
            return Err(TextError::TooManyUnits { needed, available });
        }
        let mut wide = Self::EMPTY;
        wide.0[..units.len()].copy_from_slice(units);
        Ok(wide)
    }

    /// The units of the text, without the 0 and what follows it.
    pub fn as_units(&self) -> &[u16] {
        until_zero(&self.0)
    }

    /// All `N` units, also those behind the end of the text.
    pub const fn as_array(&self) -> &[u16; N] {
        &self.0
    }

    /// The text.
    ///
    /// # Errors
    ///
    /// If the units are not UTF-16: a surrogate lacks its other half.
    pub fn to_string_strict(&self) -> Result<String, FromUtf16Error> {
        String::from_utf16(self.as_units())
    }

    /// The text, with U+FFFD in place of what is not UTF-16.
    pub fn to_string_lossy(&self) -> String {
        String::from_utf16_lossy(self.as_units())
    }

    /// How many units the text has.
    pub fn len(&self) -> usize {
        self.as_units().len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.as_units().is_empty()
    }

    /// The characters, with U+FFFD in place of what is not UTF-16.
    fn chars(&self) -> impl Iterator<Item = char> + '_ {
        let decoded = char::decode_utf16(self.as_units().iter().copied());
        decoded.map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The characters as numbers, in which different texts differ.
    fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        let decoded = char::decode_utf16(self.as_units().iter().copied());
        decoded.map(|character| {
            character.map_or_else(|lone| u32::from(lone.unpaired_surrogate()), u32::from)
        })
    }
}

fn until_zero(units: &[u16]) -> &[u16] {
    let end = units.iter().position(|&unit| unit == 0);
    &units[..end.unwrap_or(units.len())]
}

impl<const N: usize> TryFrom<&str> for WideText<N> {
    type Error = TextError;

    fn try_from(text: &str) -> Result<Self, TextError> {
        if let Some(at) = text.bytes().position(|byte| byte == 0) {
            return Err(TextError::Nul { at });
        }
        let needed = text.encode_utf16().count();
        if needed > Self::CAPACITY {
            return Err(TextError::TooManyUnits { needed, available: Self::CAPACITY });
        }
        Ok(Self::truncated(text))
    }
}

impl<const N: usize> FromStr for WideText<N> {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::try_from(text)
    }
}

impl<const N: usize> Default for WideText<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> PartialEq for WideText<N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_units() == other.as_units()
    }
}

impl<const N: usize> Eq for WideText<N> {}

impl<const N: usize> PartialEq<str> for WideText<N> {
    fn eq(&self, other: &str) -> bool {
        other.encode_utf16().eq(self.as_units().iter().copied())
    }
}

impl<const N: usize> PartialEq<&str> for WideText<N> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl<const N: usize> PartialOrd for WideText<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Ord for WideText<N> {
    /// By characters, as `str` does; the units of UTF-16 have another order.
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers().cmp(other.numbers())
    }
}

impl<const N: usize> Hash for WideText<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_units().hash(state);
    }
}

impl<const N: usize> fmt::Debug for WideText<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string_lossy(), f)
    }
}

impl<const N: usize> fmt::Display for WideText<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.width().is_some() || f.precision().is_some() {
            return f.pad(&self.to_string_lossy());
        }
        self.chars().try_for_each(|character| f.write_char(character))
    }
}

// SAFETY: An array of integers, which is its own image: any bits, no padding; `load` writes all.
unsafe impl<const N: usize> Plain for WideText<N> {
    type Stored = [u16; N];
    type Copies = [CopyOf<[u16; N]>; 4];
    const KIND: Kind = Kind::WideText { len: N };
    const SAME_LAYOUT: bool = true;
    const DENSE: bool = true;
    const ANY_BITS: bool = true;
    const ZERO_IS_VALUE: bool = true;

    #[inline]
    fn store(&self, sink: &mut WordSink<'_>, at: usize) {
        put(&self.0, sink, at);
    }

    #[inline]
    unsafe fn load(source: &mut WordSource<'_>, at: usize, into: *mut Self) {
        // SAFETY: The caller's contract.
        source.take(at, unsafe { super::prims::bytes_of(into) });
    }

    #[inline]
    unsafe fn check(_value: *const Self) -> Result<(), BadBits> {
        Ok(())
    }

    fn only_derive_may_implement() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_the_first_zero_or_at_the_end() {
        let mut text = WideText::<8>::try_from("a\u{1F600}b").unwrap();
        assert_eq!(text.as_units(), [0x61, 0xD83D, 0xDE00, 0x62]);
        assert_eq!((text.len(), text.is_empty()), (4, false));
        text.0[6] = 7;
        assert_eq!(text, "a\u{1F600}b");
        assert_eq!(text, WideText::truncated("a\u{1F600}b"));
        text.0 = [0x7A; 8];
        assert_eq!(text.to_string(), "zzzzzzzz");
        assert!(WideText::<1>::EMPTY.is_empty());
        assert_eq!(WideText::<4>::from_units(&[0x61, 0, 0x62, 0x62, 0x62]).unwrap(), "a");
    }

    #[test]
    fn what_is_not_utf16_is_an_error_or_replaced() {
        let text = WideText::<4>([0x61, 0xD83D, 0x62, 0]);
        assert!(text.to_string_strict().is_err());
        assert_eq!(text.to_string(), "a\u{FFFD}b");
        assert_eq!(format!("{text:?} {text:>5}"), "\"a\u{FFFD}b\"   a\u{FFFD}b");
        assert_ne!(text, WideText([0x61, 0xFFFD, 0x62, 0]));
    }

    #[test]
    fn refusals_say_how_much() {
        let error = "abcdefg\u{1F600}".parse::<WideText<8>>().unwrap_err();
        assert_eq!(error, TextError::TooManyUnits { needed: 9, available: 7 });
        let said = "the text needs 9 units of UTF-16, and there is room for 7";
        assert_eq!(error.to_string(), said);
        assert_eq!(WideText::<8>::try_from("a\0b"), Err(TextError::Nul { at: 1 }));
        assert_eq!(WideText::<8>::from_units(&[1; 8]).unwrap_err().to_string().len(), said.len());
    }

    #[test]
    fn truncation_respects_characters() {
        assert_eq!(WideText::<4>::truncated("ab\u{1F600}"), "ab");
        assert_eq!(WideText::<5>::truncated("ab\u{1F600}c"), "ab\u{1F600}");
        assert_eq!(WideText::<64>::truncated("ab\0c"), "ab");
    }

    #[test]
    fn order_is_that_of_the_characters() {
        let [low, high] = ["\u{FF5E}", "\u{1F600}"].map(WideText::<8>::truncated);
        assert!(low < high, "as str has it");
        assert!(low.as_units() > high.as_units());
        let mut other = WideText::<8>::truncated("ab");
        other.0[5] = 1;
        let set = std::collections::HashSet::from([WideText::<8>::truncated("ab"), other]);
        assert_eq!(set.len(), 1);
    }
}

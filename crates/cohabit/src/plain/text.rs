//! `Text<N>`: text in an array of bytes, C's `char[N]`.
//!
//! Every pattern of bytes is a `Text`, so that nothing a peer writes can make it invalid: the text
//! ends at the first NUL, or at `N`, and what follows is ignored. Whether the bytes are UTF-8 is
//! asked when a `str` is wanted.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::{FromStr, Utf8Error};
use std::borrow::Cow;

use super::{BadBits, CopyOf, Kind, Plain};
use crate::words::{WordSink, WordSource};

/// Text of at most `N − 1` bytes, in an array of `N` bytes as C has it.
///
/// Texts are compared, ordered and hashed by their text; the bytes behind its end do not count.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Text<const N: usize>([u8; N]);

impl<const N: usize> Text<N> {
    /// How many bytes of text there is room for.
    pub const CAPACITY: usize = {
        assert!(N > 0, "a Text needs at least one byte, for the NUL");
        N - 1
    };

    /// The empty text.
    pub const EMPTY: Self = Self([0; N]);

    /// The first bytes of `text`. The caller has checked that they fit.
    const fn from_prefix(text: &str, len: usize) -> Self {
        let mut bytes = [0; N];
        let (into, _) = bytes.split_at_mut(len);
        let (from, _) = text.as_bytes().split_at(len);
        into.copy_from_slice(from);
        Self(bytes)
    }

    /// The text of a literal; `text!` calls it at compile time.
    ///
    /// # Panics
    ///
    /// If it does not fit, or has a NUL inside.
    #[must_use]
    pub const fn from_checked(text: &str) -> Self {
        let bytes = text.as_bytes();
        assert!(
            bytes.len() <= Self::CAPACITY,
            "the text is too long: a Text<N> holds N - 1 bytes; use a larger N, or Text::truncated"
        );
        let mut index = 0;
        while index < bytes.len() {
            assert!(bytes[index] != 0, "the text has a NUL inside, where a Text would end");
            index += 1;
        }
        Self::from_prefix(text, bytes.len())
    }

    /// As much of `text` as fits, cut in front of a character; it also ends at the first NUL.
    #[must_use]
    pub fn truncated(text: &str) -> Self {
        let text = text.split('\0').next().unwrap_or_default();
        Self::from_prefix(text, text.floor_char_boundary(Self::CAPACITY))
    }

    /// The bytes of the text, without the NUL and what follows it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0[..self.len()]
    }

    /// All `N` bytes, also those behind the end of the text.
    pub const fn as_array(&self) -> &[u8; N] {
        &self.0
    }

    /// The text.
    ///
    /// # Errors
    ///
    /// If the bytes are not UTF-8, as a peer in another language may have written them.
    pub fn as_str(&self) -> Result<&str, Utf8Error> {
        core::str::from_utf8(self.as_bytes())
    }

    /// The text, with U+FFFD in place of what is not UTF-8.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// How many bytes the text has.
    pub fn len(&self) -> usize {
        self.0.iter().position(|&byte| byte == 0).unwrap_or(N)
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.first().is_none_or(|&byte| byte == 0)
    }
}

/// Why a `str` is not a [`Text`] or a [`WideText`](crate::WideText).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextError {
    /// The text does not fit.
    TooLong {
        /// The bytes of the text.
        needed: usize,
        /// The bytes there is room for.
        available: usize,
    },
    /// The text does not fit a [`WideText`](crate::WideText).
    TooManyUnits {
        /// The units of UTF-16 of the text.
        needed: usize,
        /// The units there is room for.
        available: usize,
    },
    /// There is a NUL at this byte, where the text would end.
    Nul {
        /// The byte offset of the NUL.
        at: usize,
    },
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { needed, available } => {
                write!(f, "the text needs {needed} bytes, and there is room for {available}")
            }
            Self::TooManyUnits { needed, available } => write!(
                f,
                "the text needs {needed} units of UTF-16, and there is room for {available}"
            ),
            Self::Nul { at } => write!(f, "the text has a NUL at byte {at}, where it would end"),
        }
    }
}

impl core::error::Error for TextError {}

impl<const N: usize> TryFrom<&str> for Text<N> {
    type Error = TextError;

    fn try_from(text: &str) -> Result<Self, TextError> {
        if let Some(at) = text.bytes().position(|byte| byte == 0) {
            return Err(TextError::Nul { at });
        }
        if text.len() > Self::CAPACITY {
            return Err(TextError::TooLong { needed: text.len(), available: Self::CAPACITY });
        }
        Ok(Self::from_prefix(text, text.len()))
    }
}

impl<const N: usize> FromStr for Text<N> {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::try_from(text)
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> PartialEq for Text<N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<const N: usize> Eq for Text<N> {}

impl<const N: usize> PartialEq<str> for Text<N> {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<const N: usize> PartialEq<&str> for Text<N> {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<const N: usize> PartialOrd for Text<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Ord for Text<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl<const N: usize> Hash for Text<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string_lossy(), f)
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_string_lossy(), f)
    }
}

// SAFETY: An array of bytes, which is its own image: any bits, no padding; `load` writes all.
unsafe impl<const N: usize> Plain for Text<N> {
    type Stored = [u8; N];
    type Copies = [CopyOf<[u8; N]>; 4];
    const KIND: Kind = Kind::Text { len: N };
    const SAME_LAYOUT: bool = true;
    const DENSE: bool = true;
    const ANY_BITS: bool = true;
    const ZERO_IS_VALUE: bool = true;

    #[inline]
    fn store(&self, sink: &mut WordSink<'_>, at: usize) {
        sink.put(at, &self.0);
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

/// A [`Text`] of a literal, whose length is inferred and checked at compile time.
///
/// ```
/// use cohabit::{Text, text};
///
/// let greeting: Text<32> = text!("Hello Shared World!");
/// assert_eq!(greeting, "Hello Shared World!");
/// ```
///
/// A text that does not fit is refused by the compiler:
///
/// ```compile_fail,E0080
/// # use cohabit::{Text, text};
/// let greeting: Text<8> = text!("Hello Shared World!");
/// ```
///
/// and so is one with a NUL inside, where it would end:
///
/// ```compile_fail,E0080
/// # use cohabit::{Text, text};
/// let greeting: Text<8> = text!("a\0b");
/// ```
#[macro_export]
macro_rules! text {
    ($text:expr $(,)?) => {
        const { $crate::Text::from_checked($text) }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_the_first_nul_or_at_the_end() {
        let mut text = Text::<8>::try_from("abc").unwrap();
        assert_eq!((text.as_bytes(), text.len(), text.is_empty()), (&b"abc"[..], 3, false));
        assert_eq!(text.as_array(), b"abc\0\0\0\0\0");
        text.0[4] = b'x';
        assert_eq!(text, "abc");
        assert_eq!(text, Text::truncated("abc"));
        text.0 = *b"abcdefgh";
        assert_eq!(text.as_str(), Ok("abcdefgh"));
        assert_eq!(Text::<8>::default(), "");
        assert!(Text::<1>::EMPTY.is_empty());
    }

    #[test]
    fn what_is_not_utf8_is_an_error_or_replaced() {
        let text = Text::<4>(*b"a\xFFb\0");
        assert!(text.as_str().is_err());
        assert_eq!(text.to_string(), "a\u{FFFD}b");
        assert_eq!(format!("{text:?}"), "\"a\u{FFFD}b\"");
    }

    #[test]
    fn refusals_say_how_much() {
        let error = "12345678".parse::<Text<8>>().unwrap_err();
        assert_eq!(error, TextError::TooLong { needed: 8, available: 7 });
        assert_eq!(error.to_string(), "the text needs 8 bytes, and there is room for 7");
        assert_eq!(Text::<8>::try_from("a\0b"), Err(TextError::Nul { at: 1 }));
        assert_eq!(Text::<8>::try_from("1234567").unwrap(), "1234567");
    }

    #[test]
    fn truncation_respects_characters() {
        assert_eq!(Text::<5>::truncated("abc\u{E4}\u{F6}"), "abc");
        assert_eq!(Text::<6>::truncated("abc\u{E4}\u{F6}"), "abc\u{E4}");
        assert_eq!(Text::<64>::truncated("ab\0c"), "ab");
        assert_eq!(Text::<1>::truncated("abc"), "");
    }

    #[test]
    fn order_and_hash_are_those_of_the_text() {
        let mut other = Text::<8>::truncated("ab");
        other.0[5] = 1;
        let set = std::collections::HashSet::from([Text::<8>::truncated("ab"), other]);
        assert_eq!(set.len(), 1);
        assert!(Text::<8>::truncated("ab") < Text::truncated("abc"));
    }
}

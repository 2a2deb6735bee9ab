//! A text that somebody typed and that means nothing: what was expected, and where, by a caret.
//!
//! ```text
//! `x` is an i32, from -2147483648 to 2147483647: 3000000000 is out of range
//!   x=3000000000
//!     ^^^^^^^^^^
//! ```

use std::fmt;
use std::ops::Range;

/// How many characters of a long text are shown.
const SHOWN_MAX: usize = 100;

/// How many characters stand before the caret in a text that was cut.
const BEFORE: usize = 40;

/// A text that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadText {
    text: String,
    span: Range<usize>,
    what: String,
}

impl BadText {
    /// `what` is wrong with the bytes `span` of `text`; an empty span stands before its start.
    pub(crate) fn new(text: &str, span: Range<usize>, what: impl Into<String>) -> Self {
        Self { text: text.to_owned(), span, what: what.into() }
    }

    /// The text in one line of bounded length, and the columns of the caret in it.
    fn excerpt(&self) -> (String, Range<usize>) {
        let start = self.text.floor_char_boundary(self.span.start);
        let end = self.text.ceil_char_boundary(self.span.end).max(start);
        let column = self.text[..start].chars().count();
        let width = self.text[start..end].chars().count().max(1);
        // One column for each character, so that the caret stands below its own.
        let flat = |c: char| if c.is_control() { '\u{FFFD}' } else { c };
        let all: Vec<char> = self.text.chars().map(flat).collect();
        if all.len() <= SHOWN_MAX {
            return (all.into_iter().collect(), column..column + width);
        }
        let from = column.saturating_sub(BEFORE);
        let to = all.len().min(from + SHOWN_MAX);
        let mut shown: String = all[from..to].iter().collect();
        let mut left = column - from;
        if from > 0 {
            shown.insert(0, '…');
            left += 1;
        }
        if to < all.len() {
            shown.push('…');
        }
        let right = (left + width).min(shown.chars().count()).max(left + 1);
        (shown, left..right)
    }
}

impl fmt::Display for BadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, caret) = self.excerpt();
        writeln!(f, "{}", self.what)?;
        writeln!(f, "  {shown}")?;
        let width = caret.len();
        write!(f, "  {:left$}{:^<width$}", "", "", left = caret.start)
    }
}

impl std::error::Error for BadText {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_below_characters_not_bytes() {
        let bad = BadText::new("grün=rot", 6..9, "no number");
        assert_eq!(bad.to_string(), "no number\n  grün=rot\n       ^^^");
    }

    #[test]
    fn an_empty_span_gets_one_caret() {
        let bad = BadText::new("x=", 2..2, "nothing");
        assert_eq!(bad.to_string(), "nothing\n  x=\n    ^");
    }

    #[test]
    fn a_long_text_is_cut_around_the_caret() {
        let text = "a".repeat(500);
        let shown = BadText::new(&text, 300..500, "too long").to_string();
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[1].chars().count(), 2 + 1 + SHOWN_MAX + 1);
        assert_eq!(lines[2].find('^'), Some(2 + 1 + BEFORE));
        assert_eq!(lines[2].chars().count(), lines[1].chars().count());
    }

    #[test]
    fn a_line_break_in_the_text_keeps_the_caret_in_its_place() {
        let bad = BadText::new("a\nb", 2..3, "bad");
        assert_eq!(bad.to_string(), "bad\n  a\u{FFFD}b\n    ^");
    }
}

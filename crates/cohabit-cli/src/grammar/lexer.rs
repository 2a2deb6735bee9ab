//! Text to tokens, one ahead: what types and conditions have in common.

use std::ops::Range;

use crate::bad_text::BadText;

/// The signs, longer ones before those that they begin with.
const SIGNS: [&str; 21] = [
    "==", "!=", "<=", ">=", "&&", "||", "{", "}", "[", "]", "<", ">", "(", ")", ",", ":", ";", "=",
    "-", ".", "!",
];

/// The smallest thing that means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word of letters, digits and `_`, not beginning with a digit.
    Name(String),
    /// A text between quotes, without them, its escapes resolved.
    Quoted(String),
    /// A number as it stands there.
    Number(String),
    /// One of [`SIGNS`].
    Sign(&'static str),
    /// Nothing more.
    End,
}

/// The tokens of a text, and the next one of them.
#[derive(Debug)]
pub(super) struct Lexer<'t> {
    text: &'t str,
    next: Token,
    span: Range<usize>,
    /// Where the token before ended.
    last_end: usize,
}

impl<'t> Lexer<'t> {
    /// Begins, and finds the first token.
    ///
    /// # Errors
    /// What is no token.
    pub(super) fn new(text: &'t str) -> Result<Self, BadText> {
        let mut lexer = Self { text, next: Token::End, span: 0..0, last_end: 0 };
        lexer.advance()?;
        Ok(lexer)
    }

    /// The next token.
    pub(super) fn peek(&self) -> &Token {
        &self.next
    }

    /// Where the next token stands.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where the token before it ended.
    pub(super) fn last_end(&self) -> usize {
        self.last_end
    }

    /// The whole text.
    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// Takes the next token.
    ///
    /// # Errors
    /// What follows is no token.
    pub(super) fn take(&mut self) -> Result<Token, BadText> {
        let token = std::mem::replace(&mut self.next, Token::End);
        self.advance()?;
        Ok(token)
    }

    /// Takes the sign, if it is next.
    ///
    /// # Errors
    /// As [`Lexer::take`].
    pub(super) fn accept(&mut self, sign: &str) -> Result<bool, BadText> {
        let is_next = self.is_next(sign);
        if is_next {
            self.take()?;
        }
        Ok(is_next)
    }

    /// Whether the sign is next.
    pub(super) fn is_next(&self, sign: &str) -> bool {
        matches!(&self.next, Token::Sign(found) if *found == sign)
    }

    /// Takes the sign, which must be next; `why` completes "expected `,` ".
    ///
    /// # Errors
    /// Another token is next.
    pub(super) fn expect(&mut self, sign: &str, why: &str) -> Result<(), BadText> {
        if self.accept(sign)? {
            return Ok(());
        }
        Err(self.unexpected(&format!("expected `{sign}` {why}")))
    }

    /// That the next token is not what was expected.
    pub(super) fn unexpected(&self, expected: &str) -> BadText {
        let found = match &self.next {
            Token::End => "the end".to_owned(),
            _ => format!("`{}`", &self.text[self.span()]),
        };
        self.bad(self.span(), format!("{expected}, found {found}"))
    }

    /// A sentence about a place of the text.
    pub(super) fn bad(&self, span: Range<usize>, what: impl Into<String>) -> BadText {
        BadText::new(self.text, span, what)
    }

    fn advance(&mut self) -> Result<(), BadText> {
        self.last_end = self.span.end;
        let rest = &self.text[self.span.end..];
        let start = self.text.len() - rest.trim_start().len();
        let rest = &self.text[start..];
        let (token, length) = match rest.chars().next() {
            None => (Token::End, 0),
            Some(first @ ('"' | '\'')) => self.quoted(start, first)?,
            Some(first) if first.is_ascii_digit() => {
                let length = number_length(rest);
                (Token::Number(rest[..length].to_owned()), length)
            }
            Some(first) if is_in_name(first) => {
                let length = rest.find(|c| !is_in_name(c)).unwrap_or(rest.len());
                (Token::Name(rest[..length].to_owned()), length)
            }
            Some(first) => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => {
                    let what = match first {
                        '&' | '|' => {
                            format!("`{first}` stands for nothing here: write `{first}{first}`")
                        }
                        _ => format!("{first:?} means nothing here"),
                    };
                    return Err(self.bad(start..start + first.len_utf8(), what));
                }
            },
        };
        self.next = token;
        self.span = start..start + length;
        Ok(())
    }

    /// A text in quotes from `start` on, and its length with the quotes.
    fn quoted(&self, start: usize, quote: char) -> Result<(Token, usize), BadText> {
        let mut value = String::new();
        let mut chars = self.text[start..].char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                _ if c == quote => return Ok((Token::Quoted(value), at + 1)),
                '\\' => {
                    let escape = self.text[start + at..].chars().nth(1);
                    let (meant, length) = self.escape(start + at, escape)?;
                    value.push(meant);
                    // The backslash was taken already.
                    chars.nth(length - 2);
                }
                _ => value.push(c),
            }
        }
        let what = format!("the text that begins here has no {quote} at its end");
        Err(self.bad(start..start + 1, what))
    }

    /// What an escape at `at` means, and how many characters it has.
    fn escape(&self, at: usize, escape: Option<char>) -> Result<(char, usize), BadText> {
        let meant = match escape {
            Some(c @ ('"' | '\'' | '\\')) => c,
            Some('n') => '\n',
            Some('t') => '\t',
            Some('u') => return self.code_point(at),
            _ => {
                let end = at + 1 + escape.map_or(0, char::len_utf8);
                let what = r#"expected one of \" \' \\ \n \t \u{…}"#;
                return Err(self.bad(at..end, what));
            }
        };
        Ok((meant, 2))
    }

    fn code_point(&self, at: usize) -> Result<(char, usize), BadText> {
        let rest = &self.text[at..];
        let end = rest.find('}').unwrap_or(rest.len().min(2));
        let digits = rest.get(3..end).filter(|_| rest.starts_with("\\u{"));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match code.and_then(char::from_u32) {
            // All of it is ASCII.
            Some(meant) => Ok((meant, end + 1)),
            None => {
                let what = r"expected \u{…} with the number of a character in hexadecimal";
                Err(self.bad(at..(at + end + 1).min(self.text.len()), what))
            }
        }
    }
}

/// Whether a character may stand in a name.
pub(super) fn is_in_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Whether a text is a name that needs no quotes.
pub(super) fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(is_in_name)
}

/// A number goes on with letters, digits and `_`, with a dot that a digit follows, and with the sign of
/// its exponent.
fn number_length(text: &str) -> usize {
    let is_decimal = !text.starts_with("0x") && !text.starts_with("0X");
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1);
        let before = at.checked_sub(1).map(|at| bytes[at]);
        let goes_on = match byte {
            b'.' => is_decimal && next.is_some_and(u8::is_ascii_digit),
            b'+' | b'-' => is_decimal && matches!(before, Some(b'e' | b'E')),
            _ => byte.is_ascii_alphanumeric() || *byte == b'_',
        };
        if !goes_on {
            break;
        }
        at += 1;
    }
    at
}

/// An integer as it is written in Rust, without its sign.
pub(super) fn integer(text: &str) -> Option<u128> {
    let text = text.replace('_', "");
    match text.get(..2) {
        Some("0x" | "0X") => u128::from_str_radix(&text[2..], 16).ok(),
        Some("0o") => u128::from_str_radix(&text[2..], 8).ok(),
        Some("0b") => u128::from_str_radix(&text[2..], 2).ok(),
        _ => text.parse().ok(),
    }
}

/// A text in quotes, so that the lexer reads it back.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted += &format!("\\u{{{:x}}}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        let mut lexer = Lexer::new(text).unwrap();
        let mut tokens = Vec::new();
        loop {
            match lexer.take().unwrap() {
                Token::End => return tokens,
                token => tokens.push(token),
            }
        }
    }

    fn number(text: &str) -> Token {
        Token::Number(text.to_owned())
    }

    #[test]
    fn numbers_end_where_they_must() {
        assert_eq!(tokens("1.5e-3"), [number("1.5e-3")]);
        assert_eq!(tokens("0xe-3"), [number("0xe"), Token::Sign("-"), number("3")]);
        assert_eq!(tokens("1..2")[0], number("1"));
        assert_eq!(tokens("4_000;"), [number("4_000"), Token::Sign(";")]);
    }

    #[test]
    fn quotes_come_back() {
        for text in ["", "a", "ä\"\\\n\t\u{1b}'x", "\u{FFFD}\u{10FFFF}"] {
            assert_eq!(tokens(&quote(text)), [Token::Quoted(text.to_owned())]);
        }
        assert_eq!(tokens(r"'\u{e4}\''"), [Token::Quoted("ä'".to_owned())]);
    }
}

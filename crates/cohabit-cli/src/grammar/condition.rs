//! Conditions as people type them: `x > 5 && (text == "go" || !on)`.
//!
//! The tree knows no types: whether `x` is there, and can be compared with 5, is for
//! [`check`](super::check) to say. Printed, a condition is read back as the same tree.

use std::fmt;
use std::ops::Range;

use super::lexer::{Lexer, Token, quote};
use crate::bad_text::BadText;

/// How deep conditions may be nested.
const DEEPEST: usize = 32;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// One of them holds.
    Any(Vec<Condition>),
    /// All of them hold.
    All(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A part that is a bool, and true.
    Part(Path),
    /// Two things compared; without a left side, the part that is watched.
    Compare(Option<Path>, Sign, Term),
}

/// A path as it stands in the text, such as `wheels[2].on`. Equal to any that reads the same.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Path {}

/// How two things are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

const SIGNS: [(Sign, &str); 6] = [
    (Sign::Equal, "=="),
    (Sign::NotEqual, "!="),
    (Sign::Less, "<"),
    (Sign::AtMost, "<="),
    (Sign::Greater, ">"),
    (Sign::AtLeast, ">="),
];

impl Sign {
    pub(crate) fn as_str(self) -> &'static str {
        SIGNS.iter().find(|(sign, _)| *sign == self).map_or("", |(_, text)| text)
    }
}

/// What stands on the right side of a comparison. Equal to any that reads the same.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) what: What,
    pub(crate) span: Range<usize>,
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what
    }
}

impl Eq for Term {}

/// What a term is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A number as it stands there, with its sign.
    Number(String),
    /// A text or character.
    Text(String),
    /// A variant of an enum, `true` or `false`, or another part.
    Word(String),
}

/// Reads a condition.
///
/// # Errors
/// What is none, with the place.
pub(crate) fn parse(text: &str) -> Result<Condition, BadText> {
    let mut parser = Parser { lexer: Lexer::new(text)?, deep: 0 };
    let condition = parser.any()?;
    match parser.lexer.peek() {
        Token::End => Ok(condition),
        Token::Name(word) if ["and", "or", "not"].contains(&word.as_str()) => {
            let sign = match word.as_str() {
                "and" => "&&",
                "or" => "||",
                _ => "!",
            };
            Err(parser.lexer.bad(parser.lexer.span(), format!("write `{sign}` for `{word}`")))
        }
        Token::Sign(sign) if SIGNS.iter().any(|(_, known)| known == sign) => {
            let what = "comparisons do not follow each other: join two by `&&`";
            Err(parser.lexer.bad(parser.lexer.span(), what))
        }
        Token::Sign("=") => {
            Err(parser.lexer.bad(parser.lexer.span(), "a condition compares with `==`"))
        }
        _ => Err(parser.lexer.unexpected("expected `&&`, `||` or the end")),
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    deep: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Condition, BadText> {
        let mut list = vec![self.all()?];
        while self.lexer.accept("||")? {
            list.push(self.all()?);
        }
        Ok(joined(list, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, BadText> {
        let mut list = vec![self.one()?];
        while self.lexer.accept("&&")? {
            list.push(self.one()?);
        }
        Ok(joined(list, Condition::All))
    }

    fn one(&mut self) -> Result<Condition, BadText> {
        self.deep += 1;
        if self.deep > DEEPEST {
            let what = format!("conditions are nested more than {DEEPEST} deep");
            return Err(self.lexer.bad(self.lexer.span(), what));
        }
        let condition = if self.lexer.accept("!")? {
            self.negated()?
        } else if self.lexer.accept("(")? {
            let inner = self.any()?;
            self.lexer.expect(")", "at the end of the group")?;
            inner
        } else {
            self.comparison()?
        };
        self.deep -= 1;
        Ok(condition)
    }

    /// What follows a `!`: a bool, a group, or another `!`.
    fn negated(&mut self) -> Result<Condition, BadText> {
        let start = self.lexer.span().start;
        let is_bare = !self.lexer.is_next("(") && !self.lexer.is_next("!");
        let inner = self.one()?;
        if is_bare && matches!(inner, Condition::Compare(..)) {
            let span = start..self.lexer.last_end();
            let what = "`!` stands before a part that is a bool, or before parentheses";
            return Err(self.lexer.bad(span, what));
        }
        Ok(Condition::Not(Box::new(inner)))
    }

    fn comparison(&mut self) -> Result<Condition, BadText> {
        let path = match self.lexer.peek() {
            Token::Name(_) | Token::Sign("[") => Some(self.path()?),
            Token::Sign(sign) if SIGNS.iter().any(|(_, known)| known == sign) => None,
            Token::Number(_) | Token::Quoted(_) | Token::Sign("-") => {
                let what = "a part of the object stands on the left side, such as x > 5";
                return Err(self.lexer.bad(self.lexer.span(), what));
            }
            _ => return Err(self.lexer.unexpected("expected a condition, such as x > 5")),
        };
        let sign = SIGNS.iter().find(|(_, sign)| self.lexer.is_next(sign));
        match (path, sign) {
            (path, Some((sign, _))) => {
                self.lexer.take()?;
                Ok(Condition::Compare(path, *sign, self.term()?))
            }
            (Some(path), None) => Ok(Condition::Part(path)),
            (None, None) => Err(self.lexer.unexpected("expected a condition, such as x > 5")),
        }
    }

    /// Names, dots and indexes that stand together.
    fn path(&mut self) -> Result<Path, BadText> {
        let start = self.lexer.span().start;
        if let Token::Name(_) = self.lexer.peek() {
            self.lexer.take()?;
        }
        loop {
            if self.lexer.accept(".")? {
                match self.lexer.peek() {
                    Token::Name(_) => drop(self.lexer.take()?),
                    _ => {
                        return Err(self
                            .lexer
                            .unexpected("expected the name of a field after the dot"));
                    }
                }
            } else if self.lexer.accept("[")? {
                match self.lexer.peek() {
                    Token::Number(_) => drop(self.lexer.take()?),
                    _ => return Err(self.lexer.unexpected("expected an index, such as [2]")),
                }
                self.lexer.expect("]", "after the index")?;
            } else {
                break;
            }
        }
        let span = start..self.lexer.last_end();
        let text = self.lexer.text()[span.clone()].to_owned();
        if text.contains(char::is_whitespace) {
            return Err(self.lexer.bad(span, "a path has no white space in it"));
        }
        Ok(Path { text, span })
    }

    fn term(&mut self) -> Result<Term, BadText> {
        let start = self.lexer.span().start;
        let minus = if self.lexer.accept("-")? { "-" } else { "" };
        let is_signed = self.lexer.span().start > start;
        let what = match self.lexer.peek().clone() {
            Token::Number(text) => {
                self.lexer.take()?;
                What::Number(format!("{minus}{text}"))
            }
            Token::Name(word) if is_signed && word == "inf" => {
                self.lexer.take()?;
                What::Number(format!("{minus}{word}"))
            }
            Token::Quoted(text) if !is_signed => {
                self.lexer.take()?;
                What::Text(text)
            }
            Token::Name(_) if !is_signed => What::Word(self.path()?.text),
            _ => {
                let expected = "expected a number, a text in quotes, or a word";
                return Err(self.lexer.unexpected(expected));
            }
        };
        Ok(Term { what, span: start..self.lexer.last_end() })
    }
}

/// One alone is itself.
fn joined(mut list: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match list.pop() {
        Some(only) if list.is_empty() => only,
        last => {
            list.extend(last);
            join(list)
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Any(list) => write_list(f, list, " || "),
            Condition::All(list) => write_list(f, list, " && "),
            Condition::Not(inner) => {
                f.write_str("!")?;
                match **inner {
                    Condition::Compare(..) => write!(f, "({inner})"),
                    _ => write_grouped(f, inner),
                }
            }
            Condition::Part(path) => f.write_str(&path.text),
            Condition::Compare(path, sign, term) => {
                if let Some(path) = path {
                    write!(f, "{} ", path.text)?;
                }
                write!(f, "{} ", sign.as_str())?;
                match &term.what {
                    What::Number(text) | What::Word(text) => f.write_str(text),
                    What::Text(text) => f.write_str(&quote(text)),
                }
            }
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, list: &[Condition], between: &str) -> fmt::Result {
    for (index, condition) in list.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        write_grouped(f, condition)?;
    }
    Ok(())
}

/// In parentheses, if it is of several.
fn write_grouped(f: &mut fmt::Formatter<'_>, condition: &Condition) -> fmt::Result {
    match condition {
        Condition::Any(_) | Condition::All(_) => write!(f, "({condition})"),
        _ => write!(f, "{condition}"),
    }
}

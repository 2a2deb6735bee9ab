//! Rust source as a flat list of tokens with places, so that rules also see into macros.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use std::str::FromStr as _;

/// An identifier, literal, sign, or one side of a pair of brackets.
#[derive(Debug)]
pub(super) struct Token {
    /// As written.
    pub(super) text: String,
    /// The line of its first character, from 1.
    pub(super) line: usize,
    /// The line of its last character.
    pub(super) end_line: usize,
    /// The column after its last character, from 0, in characters.
    pub(super) end_column: usize,
    /// The token that opens the brackets in which this one stands.
    pub(super) parent: Option<usize>,
    /// Of an opening bracket: the token that closes it.
    pub(super) close: Option<usize>,
}

/// The tokens of a Rust file, opening and closing brackets included.
///
/// # Errors
/// The text is no sequence of Rust tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let stream = TokenStream::from_str(text).map_err(|e| e.to_string())?;
    let mut list = Vec::new();
    flatten(stream, None, &mut list);
    Ok(list)
}

fn flatten(stream: TokenStream, parent: Option<usize>, list: &mut Vec<Token>) {
    for tree in stream {
        let TokenTree::Group(group) = tree else {
            list.push(token(tree.to_string(), tree.span(), parent));
            continue;
        };
        let (open, close) = match group.delimiter() {
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::Parenthesis | Delimiter::None => ("(", ")"),
        };
        let opening = list.len();
        list.push(token(open.to_owned(), group.span_open(), parent));
        flatten(group.stream(), Some(opening), list);
        list[opening].close = Some(list.len());
        list.push(token(close.to_owned(), group.span_close(), parent));
    }
}

fn token(text: String, span: Span, parent: Option<usize>) -> Token {
    let (start, end) = (span.start(), span.end());
    let (end_line, end_column) = (end.line, end.column);
    Token { text, line: start.line, end_line, end_column, parent, close: None }
}

/// Whether the tokens from `at` on are these.
pub(super) fn reads(tokens: &[Token], at: usize, words: &[&str]) -> bool {
    let Some(here) = tokens.get(at..at + words.len()) else {
        return false;
    };
    here.iter().zip(words).all(|(token, word)| token.text == *word)
}

/// Whether the token stands in a `mod tests` or another module that is only built for tests.
pub(super) fn in_tests(tokens: &[Token], at: usize) -> bool {
    let mut inner = at;
    while let Some(open) = tokens[inner].parent {
        let is_module = open >= 2 && tokens[open - 2].text == "mod";
        if is_module {
            let before = open - 2;
            let for_tests =
                before >= 7 && reads(tokens, before - 7, &["#", "[", "cfg", "(", "test", ")", "]"]);
            if for_tests || tokens[open - 1].text == "tests" {
                return true;
            }
        }
        inner = open;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_know_their_other_side_and_tokens_their_brackets() {
        let list = tokens("fn a() { b(c) }").unwrap();
        let brace = list.iter().position(|t| t.text == "{").unwrap();
        assert_eq!(list[brace].close, Some(list.len() - 1));
        let c = list.iter().position(|t| t.text == "c").unwrap();
        assert_eq!(list[list[c].parent.unwrap()].text, "(");
        assert!(tokens("fn a( {").is_err());
    }

    #[test]
    fn test_modules_are_known() {
        let text = "fn a() { x } #[cfg(test)] mod more { fn b() { y } } mod tests { z }";
        let list = tokens(text).unwrap();
        let at = |word: &str| list.iter().position(|t| t.text == word).unwrap();
        assert!(!in_tests(&list, at("x")));
        assert!(in_tests(&list, at("y")) && in_tests(&list, at("z")));
    }
}

//! The public functions of inherent implementations, also where a macro declares them.
//!
//! Two kinds of macro are read: one whose body holds whole implementations, and one that is called
//! inside of an implementation and is declared in the same file, with the names of the functions
//! as its first arguments. Anything else is reported, so that no operation can hide.

use super::token::{Token, reads};

/// What the implementations of a file declare.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Public {
    /// `Type::name`, and the line that names it.
    pub(super) functions: Vec<(String, usize)>,
    /// What cannot be read: its line and the macro's or variable's name.
    pub(super) unreadable: Vec<(usize, String)>,
}

/// Reads the inherent implementations of these types.
pub(super) fn of_types(tokens: &[Token], types: &[&str]) -> Public {
    let mut public = Public::default();
    for at in (0..tokens.len()).filter(|at| tokens[*at].text == "impl") {
        if let Some((owner, open)) = inherent(tokens, at)
            && types.contains(&owner)
        {
            of_body(tokens, owner, open, &mut public);
        }
    }
    public
}

/// The public functions that stand outside of everything, with their lines.
pub(super) fn free_functions(tokens: &[Token]) -> Vec<(&str, usize)> {
    let names = (0..tokens.len())
        .filter(|at| tokens[*at].parent.is_none())
        .filter_map(|at| function_name(tokens, at));
    names.map(|at| (tokens[at].text.as_str(), tokens[at].line)).collect()
}

/// The type of an inherent implementation, and the brace that opens its body.
fn inherent(tokens: &[Token], start: usize) -> Option<(&str, usize)> {
    let (mut at, mut depth, mut owner, mut in_where) = (start + 1, 0_usize, None, false);
    while let Some(token) = tokens.get(at).filter(|token| token.parent == tokens[start].parent) {
        match token.text.as_str() {
            "{" => return Some((owner?, at)),
            ";" => return None,
            "for" if depth == 0 && !in_where => return None,
            "where" => in_where = true,
            "<" => depth += 1,
            // The sign of a return type is no bracket.
            ">" if tokens[at - 1].text != "-" => depth = depth.saturating_sub(1),
            word if depth == 0 && !in_where && is_name(word) => owner = Some(word),
            _ => {}
        }
        at = token.close.unwrap_or(at) + 1;
    }
    None
}

fn is_name(word: &str) -> bool {
    word.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
}

/// The name after `pub fn`, with or without words such as `const` between; for a `pub` at `at`.
fn function_name(tokens: &[Token], at: usize) -> Option<usize> {
    if tokens[at].text != "pub" {
        return None;
    }
    let is_between = |text: &str| {
        matches!(text, "const" | "unsafe" | "async" | "extern") || text.starts_with('"')
    };
    let mut next = at + 1;
    while is_between(&tokens.get(next)?.text) {
        next += 1;
    }
    (tokens[next].text == "fn" && next + 1 < tokens.len()).then_some(next + 1)
}

/// The functions in one body: those that stand there, and those that macros declare.
fn of_body(tokens: &[Token], owner: &str, open: usize, public: &mut Public) {
    let close = tokens[open].close.unwrap_or(open);
    let mut at = open + 1;
    while at < close {
        if let Some(name) = function_name(tokens, at) {
            let Token { text, line, .. } = &tokens[name];
            if text == "$" {
                public.unreadable.push((*line, tokens[name + 1].text.clone()));
            } else {
                public.functions.push((format!("{owner}::{text}"), *line));
            }
        }
        let is_call = is_name(&tokens[at].text) && reads(tokens, at + 1, &["!"]);
        if is_call && tokens.get(at + 2).is_some_and(|token| token.close.is_some()) {
            match declared_by(tokens, &tokens[at].text, at + 2) {
                Some(names) => public.functions.extend(
                    names
                        .into_iter()
                        .map(|name| (format!("{owner}::{}", tokens[name].text), tokens[name].line)),
                ),
                None => public.unreadable.push((tokens[at].line, tokens[at].text.clone())),
            }
        }
        at = tokens[at].close.unwrap_or(at) + 1;
    }
}

/// The tokens that name what a call of this macro declares; None if that cannot be told.
fn declared_by(tokens: &[Token], name: &str, call: usize) -> Option<Vec<usize>> {
    let start = ["macro_rules", "!", name];
    let rules = (0..tokens.len()).find(|at| reads(tokens, *at, &start))? + 3;
    let matcher = rules + 1;
    let body = tokens.get(matcher)?.close? + 3;
    let body_close = tokens.get(body)?.close?;
    // A second arm would need the choice that the compiler makes.
    if body_close + 2 < tokens[rules].close? {
        return None;
    }
    let parameters = leading(tokens, matcher, |at| {
        let is_name = reads(tokens, at, &["$"]) && reads(tokens, at + 2, &[":", "ident", ","]);
        is_name.then_some((at + 1, at + 5))
    });
    let arguments = leading(tokens, call, |at| {
        let is_name = is_name(&tokens[at].text) && reads(tokens, at + 1, &[","]);
        is_name.then_some((at, at + 2))
    });
    let mut names = Vec::new();
    for function in (body..body_close).filter_map(|at| function_name(tokens, at)) {
        if tokens[function].text != "$" {
            names.push(function);
            continue;
        }
        let variable = &tokens[function + 1].text;
        let place = parameters.iter().position(|at| tokens[*at].text == *variable)?;
        names.push(*arguments.get(place)?);
    }
    Some(names)
}

/// The names with which the brackets begin, after attributes; `read` finds one and what follows.
fn leading(
    tokens: &[Token],
    open: usize,
    read: impl Fn(usize) -> Option<(usize, usize)>,
) -> Vec<usize> {
    let close = tokens[open].close.unwrap_or(open);
    let mut at = open + 1;
    loop {
        let group = tokens.get(at + 1).and_then(|token| token.close).unwrap_or(close);
        if reads(tokens, at, &["#", "["]) {
            at = group + 1;
        } else if reads(tokens, at, &["$", "("]) {
            at = group + 2;
        } else {
            break;
        }
    }
    let mut names = Vec::new();
    while at < close
        && let Some((name, next)) = read(at)
    {
        names.push(name);
        at = next;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;

    fn read(text: &str) -> Public {
        of_types(&tokens(text).unwrap(), &["Value"])
    }

    fn names(text: &str) -> Vec<String> {
        let public = read(text);
        assert_eq!(public.unreadable, [], "{text}");
        public.functions.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn public_functions_of_inherent_implementations_are_read() {
        let body = "{ pub fn a() {} pub const unsafe fn b() {} fn c() {} pub(crate) fn d() {} }";
        for head in [
            "impl Value",
            "impl<T: Plain> Value<T>",
            "impl<F> x::Value<F> where F: for<'a> Fn(&'a u8) -> u8",
        ] {
            assert_eq!(names(&format!("{head} {body}")), ["Value::a", "Value::b"], "{head}");
        }
        for head in ["impl Clone for Value<u8>", "impl Other<Value>", "impl<T> From<T> for Value"] {
            assert_eq!(names(&format!("{head} {body}")), [""; 0], "{head}");
        }
        assert_eq!(names("fn a() -> impl Into<Value> { pub_fn() }"), [""; 0]);
    }

    #[test]
    fn an_implementation_in_a_macro_is_read() {
        let text = "macro_rules! m { ($a:ty) => { impl Value<$a> { pub fn load() {} } } }";
        assert_eq!(names(text), ["Value::load"]);
    }

    const FORMS: &str = "macro_rules! forms { ($(#[$d:meta])* $a:ident, $b:ident, |$c:ident| $e:expr)\
         => { $(#[$d])* pub fn $a() { $e } pub fn $b<T>() { $e } pub fn also() {} }; }\n";

    #[test]
    fn functions_that_a_macro_names_by_its_arguments_are_read() {
        let text = format!("{FORMS}impl Value {{ forms! {{\n/// Doc.\nset, try_set, |x| y }} }}");
        assert_eq!(names(&text), ["Value::set", "Value::try_set", "Value::also"]);
        assert_eq!(read(&text).functions[0].1, 4);
    }

    #[test]
    fn what_cannot_be_read_is_reported() {
        let unknown = read("\nimpl Value { elsewhere!(set); }");
        assert_eq!(unknown.unreadable, [(2, "elsewhere".to_owned())]);
        let short = read(&format!("{FORMS}impl Value {{ forms!(set, |x| y); }}"));
        assert_eq!(short.unreadable.len(), 1);
        let two = "macro_rules! m { () => {}; (a) => { pub fn a() {} }; } impl Value { m!(a); }";
        assert_eq!(read(two).unreadable.len(), 1);
        let variable = "macro_rules! m { ($a:ident) => { impl Value { pub fn $a() {} } } }";
        assert_eq!(read(variable).unreadable, [(1, "a".to_owned())]);
    }
}

//! The output of a command: written in large pieces, flushed at its end, and errors told.
//!
//! `println!` panics when the reader of a pipe goes away; here that is an error like another, which
//! [`finish`](crate::exit::finish) takes for success.

use std::io::{self, BufWriter, StdoutLock, Write};

use serde_json::Value as Json;

/// The standard output.
pub(crate) type Out = BufWriter<StdoutLock<'static>>;

/// The standard output of this command.
pub(crate) fn stdout() -> Out {
    BufWriter::with_capacity(64 * 1024, io::stdout().lock())
}

/// Prints a whole JSON document for programs, in lines that people can read too.
pub(crate) fn json(document: &Json) -> io::Result<()> {
    let mut out = stdout();
    writeln!(out, "{}", escaped(&format!("{document:#}")))?;
    out.flush()
}

/// JSON lets some control characters pass that could steer a terminal: what peers wrote may have them.
/// Outside of its texts it has none but line ends.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control() && c != '\n' {
            // All control characters are below U+10000.
            text += &format!("\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

/// What peers wrote of themselves, such as command lines, for a terminal that they shall not steer.
pub(crate) fn flat(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{FFFD}' } else { c }).collect()
}

/// Prints a text, ready for the screen.
pub(crate) fn text(text: &str) -> io::Result<()> {
    bytes(text.as_bytes())
}

/// Prints bytes as they are.
pub(crate) fn bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = stdout();
    out.write_all(bytes)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_reaches_the_terminal() {
        let json = format!("{:#}", serde_json::json!({"a": "\u{9b}2J\u{7f}\u{1b}\n"}));
        let text = escaped(&json);
        assert_eq!(text, "{\n  \"a\": \"\\u009b2J\\u007f\\u001b\\n\"\n}");
        assert_eq!(
            serde_json::from_str::<Json>(&text).unwrap(),
            serde_json::from_str::<Json>(&json).unwrap()
        );
        assert_eq!(flat("a\u{9b}\u{1b}[2J\n"), "a\u{FFFD}\u{FFFD}[2J\n");
    }
}

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
    writeln!(out, "{document:#}")?;
    out.flush()
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

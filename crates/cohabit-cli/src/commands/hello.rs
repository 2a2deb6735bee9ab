//! `cohabit` alone: three commands to try.

use std::io::Write;

use crate::exit::Outcome;
use crate::out;

const HELLO: &str = "\
cohabit: objects that live in several processes at once. Three commands to try:

  cohabit demo         real processes share an object, and one of them is killed
  cohabit ls           the objects there are
  cohabit show NAME    an object's value, in a terminal that has never heard of its type

cohabit --help lists all commands.
";

/// Prints them.
pub(crate) fn run() -> Outcome {
    let mut out = out::stdout();
    out.write_all(HELLO.as_bytes())?;
    out.flush()?;
    Ok(())
}

//! What `#[plain]` and `#[shareable]` refuse, and in which words: each file in `refusals/` must not compile, with the text
//! in the `.stderr` beside it, which points at the very field.
//!
//! `TRYBUILD=overwrite cargo test -p cohabit --test refusals` writes the texts anew.

use std::process::Command;

/// Some texts hold the compiler's own words, which are those of this version.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn every_refusal_says_what_to_do() {
    let compiler = Command::new("rustc").arg("--version").output().expect("a compiler");
    let compiler = String::from_utf8_lossy(&compiler.stdout).into_owned();
    if compiler.starts_with(COMPILER) {
        trybuild::TestCases::new().compile_fail("tests/refusals/*.rs");
    } else {
        println!("skipped: the texts are those of {COMPILER}, and this is {compiler}");
    }
}

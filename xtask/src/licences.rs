//! `cargo xtask licences`: every dependency has a licence and a source that we accept.
//!
//! The same rules stand in deny.toml for users of cargo-deny. A licence is an SPDX expression;
//! it is accepted if we may choose accepted licences only: `MIT OR GPL-3.0` is, `… AND …` is not.

use crate::tools::{Outcome, cargo, root};
use serde_json::Value;
use std::path::Path;

/// Nothing to choose.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// The licences that ask for no more than their text beside the program; deny.toml has the same.
const ACCEPTED: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
];

/// What cargo calls crates.io, whatever mirror stands in for it.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Prints the count, or every dependency that is not accepted.
pub(crate) fn run(_: Args) -> Outcome {
    println!("{}", check()?);
    Ok(())
}

/// The count in words.
///
/// # Errors
/// One line for each dependency that is not accepted.
pub(crate) fn check() -> Result<String, String> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--quiet"]);
    // Its warnings go to stderr, and are no part of the JSON.
    let output = command.output().map_err(|e| format!("cannot run cargo metadata: {e}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|e| format!("cargo metadata printed no JSON: {e}"))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let refusals: Vec<String> = packages.iter().filter_map(|p| refused(p, &root())).collect();
    match refusals.as_slice() {
        [] => Ok(format!("{} packages, each with an accepted licence and source", packages.len())),
        lines => Err(lines.join("\n")),
    }
}

/// Why we do not accept this package, if so.
fn refused(package: &Value, root: &Path) -> Option<String> {
    let name = format!("{} {}", word(&package["name"]), word(&package["version"]));
    let from_here = Path::new(word(&package["manifest_path"])).starts_with(root);
    match package["source"].as_str() {
        Some(CRATES_IO) => {}
        None if from_here => {}
        None => {
            return Some(format!("{name}: a path outside of the workspace; move it inside"));
        }
        Some(other) => return Some(format!("{name}: comes from {other}; use one of crates.io")),
    }
    let licence = package["license"].as_str().unwrap_or("");
    match accepted(licence) {
        Ok(true) => None,
        Ok(false) => Some(format!("{name}: licence `{licence}` is not accepted; do without it")),
        Err(why) => Some(format!("{name}: licence `{licence}` cannot be read: {why}")),
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

/// Whether the SPDX expression can be satisfied by accepted licences.
fn accepted(expression: &str) -> Result<bool, String> {
    // The slash is how crates wrote OR before there was a rule.
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let holds = any_of(&mut rest)?;
    if rest.is_empty() { Ok(holds) } else { Err(format!("`{}` is left over", rest.join(" "))) }
}

fn any_of(rest: &mut &[&str]) -> Result<bool, String> {
    let mut holds = all_of(rest)?;
    while take(rest, "OR") {
        holds |= all_of(rest)?;
    }
    Ok(holds)
}

fn all_of(rest: &mut &[&str]) -> Result<bool, String> {
    let mut holds = one(rest)?;
    while take(rest, "AND") {
        holds &= one(rest)?;
    }
    Ok(holds)
}

fn one(rest: &mut &[&str]) -> Result<bool, String> {
    if take(rest, "(") {
        let holds = any_of(rest)?;
        return if take(rest, ")") { Ok(holds) } else { Err("`)` is missing".into()) };
    }
    let mut licence = next(rest)?.to_owned();
    if take(rest, "WITH") {
        licence = format!("{licence} WITH {}", next(rest)?);
    }
    Ok(ACCEPTED.contains(&licence.as_str()))
}

fn next<'a>(rest: &mut &[&'a str]) -> Result<&'a str, String> {
    let (first, others) = rest.split_first().ok_or("a licence is missing")?;
    *rest = others;
    Ok(first)
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    let found = rest.first() == Some(&word);
    if found {
        *rest = &rest[1..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn expressions_are_accepted_if_we_may_choose() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "MIT OR GPL-3.0",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert_eq!(accepted(good), Ok(true), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0 WITH Something", "(MIT) AND LGPL-2.1"]
        {
            assert_eq!(accepted(bad), Ok(false), "{bad}");
        }
        for broken in ["", "MIT OR", "(MIT", "MIT MIT"] {
            assert!(accepted(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_package_needs_a_known_source_and_a_licence() {
        let package = |source: Option<&str>, path: &str, licence: Option<&str>| {
            let package = json!({ "name": "a", "version": "1.0.0", "source": source,
                "manifest_path": path, "license": licence });
            refused(&package, Path::new("/ws"))
        };
        assert_eq!(package(Some(CRATES_IO), "/elsewhere/Cargo.toml", Some("ISC")), None);
        assert_eq!(package(None, "/ws/crates/a/Cargo.toml", Some("MIT")), None);
        let outside = package(None, "/elsewhere/Cargo.toml", Some("MIT"));
        assert!(outside.unwrap().contains("outside"));
        let git = package(Some("git+https://example.org/a"), "/elsewhere/Cargo.toml", Some("MIT"));
        assert!(git.unwrap().contains("example.org"));
        assert!(package(Some(CRATES_IO), "/x", None).unwrap().contains("cannot be read"));
    }

    #[test]
    fn deny_toml_accepts_the_same_licences() {
        let deny = std::fs::read_to_string(root().join("deny.toml")).unwrap();
        let list = deny.split_once("allow = [").unwrap().1.split_once(']').unwrap().0;
        let theirs: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
        assert_eq!(theirs, ACCEPTED);
    }
}

//! Every mechanism of a concern has the same functions in the same order.
//!
//! What is the same on every Unix stands in `posix.rs`; a system without a mechanism has all of it in
//! `stub.rs`, first what is the same everywhere else.

/// The signatures in a mechanism's source, in order, without the underscores of unused arguments.
fn signatures(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find("\npub(") {
        rest = &rest[start + 1..];
        let end = rest.find(['{', ';']).unwrap_or(rest.len());
        let signature = rest[..end].split_whitespace().collect::<Vec<_>>().join(" ");
        if signature.contains(" fn ") {
            found.push(signature.replace("(_", "(").replace(", _", ", "));
        }
    }
    found
}

/// The signatures of one mechanism's file in a folder.
macro_rules! of {
    ($concern:literal, $file:literal) => {
        signatures(include_str!(concat!($concern, "/", $file, ".rs")))
    };
}

macro_rules! same {
    ($one:literal, $other:literal: $($concern:literal),+) => {$(
        let (one, other) = (of!($concern, $one), of!($concern, $other));
        assert!(!one.is_empty(), "{} has functions", $concern);
        assert_eq!(one, other, "{}: {} (left) and {} (right)", $concern, $one, $other);
    )+};
}

#[test]
fn every_mechanism_has_the_same_functions_in_the_same_order() {
    same!("posix", "stub": "accounts", "reactor", "thread");
    same!("linux", "portable": "event", "wait");
    same!("portable", "macos": "wait");
    same!("linux", "stub": "event", "fork", "handle", "health", "liveness", "mapping", "place");
    same!("linux", "stub": "process", "wait");
}

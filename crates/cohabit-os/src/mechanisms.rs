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
            found.push(signature.replace("(_", "(").replace("( _", "( ").replace(", _", ", "));
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

/// A stub has what the mechanisms differ in and what is the same on every Unix, each in its order.
macro_rules! stub {
    ($($concern:literal: $($file:literal)+),+) => {$(
        let stub = of!($concern, "stub");
        let mut count = 0;
        $(
            let of_file = of!($concern, $file);
            let in_stub: Vec<_> = stub.iter().filter(|one| of_file.contains(one)).cloned().collect();
            assert_eq!(of_file, in_stub, "{}: {} (left) and stub (right)", $concern, $file);
            count += of_file.len();
        )+
        // A few of `posix.rs` are for its neighbours only.
        assert_eq!(stub.len(), count, "{}: {stub:#?}", $concern);
    )+};
}

#[test]
fn every_mechanism_has_the_same_functions_in_the_same_order() {
    same!("linux", "portable": "event", "fork", "handle", "liveness", "mapping", "place", "process");
    same!("linux", "portable": "wait");
    same!("portable", "macos": "wait");
    same!("linux", "windows": "event", "handle", "health", "liveness", "place", "process", "wait");
    same!("posix", "windows": "accounts", "thread");
    same!("stub", "windows": "fork", "mapping");
    stub!("event": "linux", "handle": "linux", "health": "linux", "liveness": "linux");
    stub!("place": "linux", "process": "linux", "wait": "linux");
    stub!("accounts": "posix", "reactor": "posix", "thread": "posix");
    stub!("fork": "linux" "posix", "mapping": "linux" "posix");
}

//! Every mechanism of a concern has the same functions in the same order.

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

macro_rules! same {
    ($($concern:literal),+) => {$(
        let linux = signatures(include_str!(concat!($concern, "/linux.rs")));
        let stub = signatures(include_str!(concat!($concern, "/stub.rs")));
        assert!(!linux.is_empty(), "{} has functions", $concern);
        assert_eq!(linux, stub, "{}/linux.rs (left) and {}/stub.rs (right)", $concern, $concern);
    )+};
}

#[test]
fn every_mechanism_has_the_same_functions_in_the_same_order() {
    same!("accounts", "event", "fork", "handle", "health", "liveness", "mapping", "place");
    same!("process", "reactor", "thread", "wait");
}

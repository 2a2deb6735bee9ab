//! A field that is `std::string::String`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::string::String,
}

fn main() {}

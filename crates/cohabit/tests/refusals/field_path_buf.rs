//! A field that is `std::path::PathBuf`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::path::PathBuf,
}

fn main() {}

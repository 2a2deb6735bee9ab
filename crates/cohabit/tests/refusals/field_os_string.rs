//! A field that is `std::ffi::OsString`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::ffi::OsString,
}

fn main() {}

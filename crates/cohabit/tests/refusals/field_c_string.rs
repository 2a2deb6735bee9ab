//! A field that is `std::ffi::CString`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::ffi::CString,
}

fn main() {}

//! A field that is `Result<u32, u8>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: Result<u32, u8>,
}

fn main() {}

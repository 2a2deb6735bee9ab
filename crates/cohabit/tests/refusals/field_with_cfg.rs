//! A field that is there in some programs only.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    #[cfg(debug_assertions)]
    bad: u32,
}

fn main() {}

//! A field that is `[String; 4]`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: [String; 4],
}

fn main() {}

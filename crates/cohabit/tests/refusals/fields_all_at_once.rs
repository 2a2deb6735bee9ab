//! All bad fields are named at once.
use cohabit::plain;

#[plain]
struct Bad {
    name: String,
    ok: u32,
    count: usize,
    list: Vec<u8>,
}

fn main() {}

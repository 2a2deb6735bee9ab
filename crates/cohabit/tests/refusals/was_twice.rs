//! Two old names for one field.
use cohabit::plain;

#[plain]
struct Bad {
    #[plain(was = "a", was = "b")]
    x: u32,
}

fn main() {}

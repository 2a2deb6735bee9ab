//! The same old name for two fields.
use cohabit::plain;

#[plain]
struct Bad {
    #[plain(was = "z")]
    x: u32,
    #[plain(was = "z")]
    y: u32,
}

fn main() {}

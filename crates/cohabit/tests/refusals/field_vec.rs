//! A field that is `Vec<f32>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: Vec<f32>,
}

fn main() {}

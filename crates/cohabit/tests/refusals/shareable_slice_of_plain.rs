//! A slice of plain data that is in no cell.
use cohabit::{Flag, shareable};

#[shareable]
struct Bad {
    ok: Flag,
    bad: [f32],
}

fn main() {}

//! A field that is `std::rc::Rc<u32>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::rc::Rc<u32>,
}

fn main() {}

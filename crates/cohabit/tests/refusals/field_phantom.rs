//! A field that is `std::marker::PhantomData<u32>`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::marker::PhantomData<u32>,
}

fn main() {}

//! An enum with data in some variants.
use cohabit::plain;

#[plain]
#[repr(u8)]
enum Bad {
    Off,
    Speed(u32),
    Place { x: f32 },
}

fn main() {}

//! A variant that is there in some programs only.
use cohabit::plain;

#[plain]
#[repr(u8)]
enum Bad {
    Off,
    #[cfg(debug_assertions)]
    On,
}

fn main() {}

//! A field that is `std::net::Ipv4Addr`.
use cohabit::plain;

#[plain]
struct Bad {
    ok: u32,
    bad: std::net::Ipv4Addr,
}

fn main() {}

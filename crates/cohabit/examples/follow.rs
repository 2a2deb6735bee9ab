//! A service that may be restarted at any time, and a client that follows it from life to life.
//!
//! In one terminal:  `cargo run -p cohabit --example follow client`
//! In another one:   `cargo run -p cohabit --example follow service`
//!
//! End the service with Ctrl-C or with kill -9, and start it again, as often as you like.

use std::time::Duration;

use cohabit::{ErrorKind, Result, SharedValue};

const NAME: &str = "example-rpm";

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("service") => service(),
        Some("client") => client(),
        _ => {
            eprintln!("usage: follow service|client");
            Ok(())
        }
    }
}

/// Knows nothing of its clients.
pub(crate) fn service() -> Result<()> {
    let rpm = SharedValue::<u32>::open_or_create(NAME, || 800)?;
    loop {
        rpm.update(|rpm| *rpm += 1)?;
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Begins before, after or between the lives of the service, and outlives them all.
pub(crate) fn client() -> Result<()> {
    let mut rpm = SharedValue::<u32>::follow(NAME)?;
    let mut life = 0;
    loop {
        match rpm.next(Duration::from_secs(2)) {
            Ok((value, _version)) => {
                if rpm.life() != life {
                    life = rpm.life();
                    println!("the service has started: life {life}");
                }
                println!("{value} rpm");
            }
            Err(error) if error.kind() == ErrorKind::TimedOut => println!("no news: {error}"),
            Err(error) => return Err(error),
        }
    }
}

//! One process measures, others watch it asynchronously, in tokio. In two terminals, in any order:
//!
//! ```sh
//! cargo run -p cohabit --example async_watch measure
//! cargo run -p cohabit --example async_watch watch
//! ```

use std::time::Duration;

use cohabit::{ErrorKind, Result, SharedValue, plain};
use tokio::time::sleep;

#[plain]
#[derive(Debug, Default)]
struct Engine {
    rpm: u32,
    celsius: f32,
}

const NAME: &str = "async-watch-engine";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("measure") => measure().await,
        Some("watch") => watch().await,
        _ => {
            eprintln!("usage: async_watch measure|watch");
            std::process::exit(2)
        }
    }
}

/// Writes ten values a second, for ten seconds. A write waits for nobody but another writer.
async fn measure() -> Result<()> {
    let engine = SharedValue::<Engine>::open_or_create(NAME, Engine::default)?;
    for step in 1..=100_u16 {
        engine.update(|engine| {
            engine.rpm = 900 + u32::from(step);
            engine.celsius = 20.0 + f32::from(step) / 2.0;
        })?;
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Prints every value that it is told of, until the process that measures has left.
async fn watch() -> Result<()> {
    // A view keeps nothing alive and can disturb nobody.
    let engine = loop {
        match SharedValue::<Engine>::open_read_only(NAME) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                sleep(Duration::from_millis(100)).await;
            }
            opened => break opened?,
        }
    };
    let (mut now, mut seen) = engine.read()?;
    loop {
        println!("{seen}: {now:?}");
        tokio::select! {
            changed = engine.changed(seen) => match changed {
                Ok(newer) => (now, seen) = newer,
                Err(error) if error.kind() == ErrorKind::Ended => return Ok(()),
                Err(error) => return Err(error),
            },
            () = sleep(Duration::from_secs(3)) => println!("nothing new for 3 s"),
        }
    }
}

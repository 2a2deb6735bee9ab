//! A service, and the programs of whoever sits at the machine, share one object: everyone reads it, the
//! members of one group write it.
//!
//! On Windows the service manager starts the service. As an administrator, and then as any user:
//!
//! ```text
//! service install Operators      the group whose members write
//! service start
//! service watch                  anybody: reads, until the service ends
//! service want 24                a member of the group: writes
//! service stop
//! service remove
//! ```
//!
//! Elsewhere the service is started by what starts services there: `service run GROUP`. It ends with its
//! standard input, so that it can be tried in a terminal.

pub(crate) mod heater;
#[cfg(windows)]
mod manager;

use std::error::Error;

const USAGE: &str = "usage: service install|run GROUP, or start|stop|remove|watch, or want CELSIUS";

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["run", group] => Ok(run(group)?),
        ["watch"] => Ok(heater::watch()?),
        ["want", celsius] => Ok(heater::want(celsius.parse()?)?),
        #[cfg(windows)]
        ["install", group] => manager::install(group),
        #[cfg(windows)]
        ["start"] => manager::start(),
        #[cfg(windows)]
        ["stop"] => manager::stop(),
        #[cfg(windows)]
        ["remove"] => manager::remove(),
        // What the manager starts.
        #[cfg(windows)]
        ["serve", _group] => manager::dispatch(),
        _ => Err(USAGE.into()),
    }
}

/// The service, under whatever starts services here.
pub(crate) fn run(group: &str) -> cohabit::Result<()> {
    heater::serve(group, &heater::until_input_ends(), || println!("ready"))
}

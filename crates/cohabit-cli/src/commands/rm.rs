//! `cohabit rm`: takes a name away.

use cohabit::{ErrorKind, Scope};

use crate::exit::{Failure, Outcome};
use crate::path::hint_at_names;

/// What can be typed behind `rm`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The object
    name: String,

    /// Also when it is in use: its users go on among themselves, and nobody new finds it
    #[arg(long)]
    force: bool,
}

/// Removes the object, if nobody uses it or `--force` was given.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    cohabit::remove(scope, &args.name, args.force).map_err(|error| {
        let in_use = error.kind() == ErrorKind::Busy && !args.force;
        let failure = hint_at_names(Failure::from(error), scope);
        if in_use {
            failure.with_hint("With --force the name is taken from its users.")
        } else {
            failure
        }
    })
}

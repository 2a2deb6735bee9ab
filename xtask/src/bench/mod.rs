//! `cargo xtask bench`: not written yet; it says so and fails.

use crate::tools::Outcome;

/// What is to be measured.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fewer and shorter rounds
    #[arg(long)]
    quick: bool,
}

/// Says that there is nothing to run yet.
pub(crate) fn run(args: Args) -> Outcome {
    let rounds = if args.quick { "quick rounds" } else { "full rounds" };
    Err(format!("no benchmark is written yet: nothing was measured ({rounds} were asked for)"))
}

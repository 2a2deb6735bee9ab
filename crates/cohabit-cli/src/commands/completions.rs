//! `cohabit completions`: what a shell needs in order to complete our commands, options and codes.

use clap_complete::Shell;

use crate::cli::visible_commands;
use crate::exit::Outcome;
use crate::out;

/// What can be typed behind `completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// For which shell
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(args: &Args) -> Outcome {
    let mut script = Vec::new();
    // Into memory first: the generator takes a broken pipe for a reason to panic.
    clap_complete::generate(args.shell, &mut visible_commands(), "cohabit", &mut script);
    out::bytes(&script)?;
    Ok(())
}

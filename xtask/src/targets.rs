//! `cargo xtask check-targets`: the library and its command line, checked by the compiler for systems that
//! cannot be run here. What they use is run on Linux, by `COHABIT_OS=portable`.

use crate::second;
use crate::tools::{Outcome, cargo, quietly, step, target_dir};

/// The systems, by their targets.
const TARGETS: [&str; 2] = ["aarch64-apple-darwin", "x86_64-unknown-freebsd"];

/// Which targets, and whether to install.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Install what is missing with apt-get (as root, on Debian)
    #[arg(long)]
    install: bool,
    /// Only this target, whichever it is
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
}

/// Checks each target; the standard library is built for it, once.
pub(crate) fn run(args: Args) -> Outcome {
    let packages = second::PACKAGES;
    step("tools", || second::tools("check-targets", packages, second::missing, args.install))?;
    let all = TARGETS.map(str::to_owned).to_vec();
    for target in args.target.map_or(all, |one| vec![one]) {
        step(&target, || check(&target))?;
    }
    Ok(())
}

fn check(target: &str) -> Result<String, String> {
    let mut command = cargo();
    command.args(["check", "--quiet", "--package", "cohabit-cli"]);
    command.args(["--package", "cohabit", "--features", "cohabit/tokio"]);
    command.arg("--target-dir").arg(target_dir().join("targets"));
    second::build_for(target, &mut command);
    // What is not used there, or not reached, is a fault too.
    match quietly(command)?.trim() {
        "" => Ok("checked by the compiler".into()),
        warnings => Err(format!("the compiler warns:\n{warnings}")),
    }
}

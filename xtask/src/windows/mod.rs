//! `cargo xtask test-windows`: the library, built by a cross compiler and run under Wine.
//!
//! Two programs under one Wine prefix are two Windows processes of one session. The prefix is made anew
//! each time. What is not run is printed with the reason; docs of the mechanism say what Wine does not
//! enforce.

mod prefix;
mod programs;
mod shown;
mod suite;

use crate::second::{self, with};
use crate::tools::{Outcome, cargo, quietly, step, target_dir};
use prefix::Prefix;
use std::path::PathBuf;
use std::process::Command;

const TARGET: &str = "x86_64-pc-windows-gnu";
const LINKER: &str = "x86_64-w64-mingw32-gcc";
/// Beside those of the compiler.
const PACKAGES: [&str; 3] = ["gcc-mingw-w64-x86-64", "wine64", "wine"];

/// Whether to install.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Install what is missing with apt-get (as root, on Debian)
    #[arg(long)]
    install: bool,
}

/// Builds the tests and runs them under Wine.
pub(crate) fn run(args: Args) -> Outcome {
    step("tools", || {
        let packages = [second::PACKAGES, &PACKAGES].concat();
        second::tools("test-windows", &packages, missing, args.install)
    })?;
    step("build", suite::build)?;
    step("build what is used", programs::build)?;
    step("random numbers for Wine", prefix::random_dll)?;
    let prefix = Prefix::new();
    step("wine prefix", || prefix.make())?;
    step("demo under Wine", || programs::demo(&prefix))?;
    step("a service and its users", || programs::service(&prefix))?;
    step("what tests print", || shown::run(&prefix))?;
    suite::run(&prefix)
}

/// What is needed and not there, in words.
fn missing() -> Vec<String> {
    let mut missing = second::missing();
    for (program, what) in [(LINKER, "the linker for Windows"), ("wine", "what runs its programs")]
    {
        if quietly(with(program, &["--version"])).is_err() {
            missing.push(format!("{program}: {what}"));
        }
    }
    missing
}

/// Where all of it is.
fn folder() -> PathBuf {
    target_dir().join("windows")
}

/// Where the programs are.
fn programs() -> PathBuf {
    folder().join(TARGET).join("debug")
}

/// A cargo command that builds for Windows.
fn cargo_for_windows(verb: &str) -> Command {
    let mut command = cargo();
    command.arg(verb).arg("--target-dir").arg(folder());
    second::build_for(TARGET, &mut command);
    command.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", LINKER);
    command.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", "wine");
    command
}

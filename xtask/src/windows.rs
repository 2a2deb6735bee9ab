//! `cargo xtask test-windows`: the Windows mechanism, built by a cross compiler and run under Wine.
//!
//! Two programs under one Wine prefix are two Windows processes of one session. The prefix is made anew
//! each time. What is not run is printed with the reason; docs of the mechanism say what Wine does not
//! enforce.

use crate::second::{self, with};
use crate::tools::{Outcome, cargo, quietly, step, target_dir};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "x86_64-pc-windows-gnu";
const LINKER: &str = "x86_64-w64-mingw32-gcc";
/// Beside those of the compiler.
const PACKAGES: [&str; 3] = ["gcc-mingw-w64-x86-64", "wine64", "wine"];

/// What every Rust program imports and Wine 8 lacks. Where Wine has it, this one does as well.
const RANDOM_DLL: &str = "bcryptprimitives.dll";
const RANDOM_SOURCE: &str = "
#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {
    return RtlGenRandom(data, size);
}
";

/// The test programs, as cargo names them.
const TESTS: [&str; 5] = ["--package", "cohabit-os", "--lib", "--test", "everywhere"];

/// What is left out, and why.
const NOT_RUN: [(&str, &str); 4] = [
    (
        "cohabit-os, tests/contract",
        "its peers are forked, and it is about what Linux has: descriptors, byte locks, links, limits",
    ),
    ("cohabit, cohabit-cli", "their tests fork, and the library is not tried on Windows yet"),
    ("objects of several users", "folders that several users share are Unsupported on Windows yet"),
    ("the feature `tokio`", "its reactor has no way to wait for an event object: Unsupported"),
];

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
    step("build", build)?;
    step("random numbers for Wine", random_dll)?;
    let prefix = Prefix::new();
    step("wine prefix", || prefix.make())?;
    step("cohabit-os under Wine", || run_tests(&prefix))?;
    for (what, why) in NOT_RUN {
        println!("not run: {what}: {why}");
    }
    Ok(())
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

fn folder() -> PathBuf {
    target_dir().join("windows")
}

/// Where the test programs are.
fn programs() -> PathBuf {
    folder().join(TARGET).join("debug/deps")
}

fn cargo_test() -> Command {
    let mut command = cargo();
    command.arg("test").args(TESTS).arg("--target-dir").arg(folder());
    second::build_for(TARGET, &mut command);
    command.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", LINKER);
    command
}

fn build() -> Result<String, String> {
    let mut command = cargo_test();
    command.arg("--no-run");
    let said = quietly(command)?;
    // Only this build compiles these lines, so only it can hold them free of warnings.
    match said.lines().find(|line| line.starts_with("warning")) {
        Some(_) => Err(format!("{said}\nthe Windows build has warnings")),
        None => Ok(String::new()),
    }
}

/// Puts the library beside the programs.
fn random_dll() -> Result<String, String> {
    let (source, made) = (folder().join("random.c"), programs().join(RANDOM_DLL));
    let failed = |e| format!("cannot write {}: {e}", source.display());
    fs::write(&source, RANDOM_SOURCE).map_err(failed)?;
    let mut compiler = with(LINKER, &["-shared", "-o"]);
    compiler.arg(made).arg(&source).arg("-ladvapi32");
    quietly(compiler).map(|_| RANDOM_DLL.into())
}

/// A Windows of its own; what runs in it is ended when this is dropped.
struct Prefix {
    path: PathBuf,
}

impl Prefix {
    fn new() -> Self {
        Self { path: folder().join("prefix") }
    }

    /// Lets a program run in it.
    fn applied(&self, mut command: Command) -> Command {
        command.env("WINEPREFIX", &self.path).env("WINEDEBUG", "-all").env_remove("DISPLAY");
        command
    }

    fn make(&self) -> Result<String, String> {
        let failed = |e| format!("cannot remove {}: {e}", self.path.display());
        if Path::new(&self.path).exists() {
            fs::remove_dir_all(&self.path).map_err(failed)?;
        }
        quietly(self.applied(with("wine", &["wineboot", "--init"])))?;
        let version = quietly(self.applied(with("wine", &["--version"])))?;
        Ok(version.trim().into())
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        // Nothing but this prefix's programs. If there are none, that is as good.
        let _ = quietly(self.applied(with("wine", &["wineboot", "--kill"])));
    }
}

fn run_tests(prefix: &Prefix) -> Result<String, String> {
    let mut command = prefix.applied(cargo_test());
    command.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", "wine").arg("--no-fail-fast");
    let said = quietly(command)?;
    match passed(&said) {
        0 => Err(format!("{said}\nno test was run")),
        count => Ok(format!("{count} tests passed")),
    }
}

/// How many tests passed, by the harness's own words.
fn passed(said: &str) -> usize {
    let results = said.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    results.filter_map(|rest| rest.split(' ').next()?.parse::<usize>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_tests_are_counted() {
        let said = "test a ... ok\ntest result: ok. 11 passed; 0 failed\n\n\
                    test result: ok. 30 passed; 0 failed\n";
        assert_eq!(passed(said), 41);
        assert_eq!(passed("test result: FAILED. 3 passed; 1 failed"), 0);
    }
}

//! Crates outside of the workspace that are compiled with AddressSanitizer: `hostile` and `fuzz`.
//!
//! Every toolchain of rustup for x86_64 Linux has the sanitizer's runtime; only the switch is kept for
//! nightly ones. `RUSTC_BOOTSTRAP` turns it, so that no second compiler is needed and what is tried is
//! what the compiler of `rust-version` makes. Where there is no runtime, the crate is compiled without
//! it, and that is said.

use crate::tools::{cargo, openly, quietly, root, target_dir};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The only target that the laboratory's machine code is for.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What stands on standard error where there is no sanitizer.
const MISSING: &str = "this toolchain has no AddressSanitizer (librustc*_rt.asan.a is not in its library folder): \
    install Rust by rustup, whose toolchains for x86_64-unknown-linux-gnu have it. \
    Going on WITHOUT it, with overflow checks and debug assertions only";

/// A program that was compiled.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// Whether AddressSanitizer is in it.
    pub(crate) is_sanitized: bool,
}

impl Program {
    /// To be started. What leaks is no finding here, and a SIGBUS is one by itself.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.env("ASAN_OPTIONS", "detect_leaks=0:handle_sigbus=0").env("RUST_BACKTRACE", "1");
        command
    }

    /// What it was compiled with, for people.
    pub(crate) fn checks(&self) -> &'static str {
        match self.is_sanitized {
            true => "AddressSanitizer, overflow checks, debug assertions",
            false => "overflow checks, debug assertions; no AddressSanitizer here",
        }
    }
}

/// Compiles the program of a crate in `crates/` that is a workspace of its own, with more flags.
///
/// # Errors
/// It does not compile.
pub(crate) fn compile(name: &str, flags: &str) -> Result<Program, String> {
    let is_sanitized = has_runtime()?;
    if !is_sanitized {
        eprintln!("{MISSING}");
    }
    let sanitizer =
        if is_sanitized { "-Zsanitizer=address -Cforce-frame-pointers=yes" } else { "" };
    let folder = target_dir().join(name);
    let manifest = root().join("crates").join(name).join("Cargo.toml");
    let mut command = cargo();
    command.args(["build", "--locked", "--quiet", "--target", TARGET, "--manifest-path"]);
    command.arg(manifest).arg("--target-dir").arg(&folder);
    command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", format!("{sanitizer} {flags}"));
    openly(&mut command)?;
    Ok(Program { path: folder.join(TARGET).join("debug").join(name), is_sanitized })
}

/// Whether the sanitizer's runtime is among the libraries of the toolchain.
fn has_runtime() -> Result<bool, String> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(root());
    let folder = quietly(rustc)?;
    let entries = fs::read_dir(Path::new(folder.trim())).into_iter().flatten().flatten();
    let is_runtime = |name: &str| name.starts_with("librustc") && name.ends_with("_rt.asan.a");
    Ok(entries.map(|entry| entry.file_name()).any(|name| is_runtime(&name.to_string_lossy())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who changes a dependency in the workspace does not see them: their lock files are their own.
    #[test]
    fn the_lock_files_of_crates_outside_of_the_workspace_are_current() {
        for name in ["cohabit-fuzz", "cohabit-hostile", "cohabit-models"] {
            let manifest = root().join("crates").join(name).join("Cargo.toml");
            let mut command = cargo();
            // Without a network: what cannot be told then is told by cargo when the crate is compiled.
            command.args(["update", "--workspace", "--locked", "--offline", "--manifest-path"]);
            command.arg(manifest);
            let said = quietly(command);
            let is_stale = said.as_ref().is_err_and(|text| text.contains("--locked was passed"));
            assert!(
                !is_stale,
                "run `cargo metadata` in crates/{name}, and commit its Cargo.lock: {said:?}"
            );
        }
    }
}

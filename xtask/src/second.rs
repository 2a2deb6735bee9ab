//! The second compiler: one that brings the source of its standard library, and so builds for targets that
//! the toolchain in use has no library for.

use crate::tools::quietly;
use std::path::Path;
use std::process::Command;

/// A compiler that brings the source of its standard library, beside the toolchain in use.
const RUSTC: &str = "/usr/bin/rustc";
/// What of Debian brings it.
pub(crate) const PACKAGES: &[&str] = &["rustc-web", "rust-web-src"];

/// What of it is not there, in words.
pub(crate) fn missing() -> Vec<String> {
    let sysroot = quietly(with(RUSTC, &["--print", "sysroot"])).unwrap_or_default();
    if sysroot.is_empty() {
        return vec![format!("{RUSTC}: a compiler that can build its standard library")];
    }
    let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/std");
    if library.is_dir() {
        return Vec::new();
    }
    vec![format!("{}: the source of the standard library", library.display())]
}

/// Has a cargo command use it, for a target whose standard library it builds too.
pub(crate) fn build_for(target: &str, command: &mut Command) {
    command.args(["-Zbuild-std", "--target", target]);
    command.env("RUSTC", RUSTC).env("RUSTC_BOOTSTRAP", "1");
}

pub(crate) fn with(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Says what is missing for a command of this tool, or installs it.
pub(crate) fn tools(
    command: &str,
    packages: &[&str],
    missing: fn() -> Vec<String>,
    install: bool,
) -> Result<String, String> {
    if missing().is_empty() {
        return Ok("all there".into());
    }
    let names = packages.join(" ");
    if !install {
        return Err(format!(
            "missing: {}\nrun `cargo xtask {command} --install`, or as root on Debian: \
             apt-get update && apt-get install -y --no-install-recommends {names}",
            missing().join("; ")
        ));
    }
    quietly(with("apt-get", &["update"]))?;
    let mut apt = with("apt-get", &["install", "-y", "--no-install-recommends"]);
    apt.args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    quietly(apt)?;
    match missing().as_slice() {
        [] => Ok(format!("installed {names}")),
        still => Err(format!("still missing after the installation: {}", still.join("; "))),
    }
}

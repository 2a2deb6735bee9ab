//! `cargo xtask lab models`: the protocols under every schedule that the memory model allows.
//!
//! The models are a workspace of their own (`crates/cohabit-models`), since the same files are compiled
//! there with loom's atomics.

use crate::tools::{cargo, openly, root, target_dir};

/// Builds and runs the models; all are run, also after one failed.
pub(super) fn run() -> Result<(), String> {
    let manifest = root().join("crates/cohabit-models/Cargo.toml");
    let mut command = cargo();
    command.args(["test", "--release", "--no-fail-fast", "--locked", "--manifest-path"]);
    command.arg(manifest).arg("--target-dir").arg(target_dir().join("models"));
    command.env("RUSTFLAGS", "--cfg loom -Dwarnings").env("RUST_BACKTRACE", "0");
    openly(&mut command)
}

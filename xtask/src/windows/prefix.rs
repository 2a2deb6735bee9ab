//! A Windows of our own: a Wine prefix that is made anew, and what runs in it is ended with it.

use super::{folder, programs};
use crate::second::with;
use crate::tools::quietly;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What every Rust program imports and Wine 8 lacks. Where Wine has it, this one does as well.
const RANDOM_DLL: &str = "bcryptprimitives.dll";
const RANDOM_SOURCE: &str = "
#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {
    return RtlGenRandom(data, size);
}
";

/// Puts the library beside the programs.
pub(crate) fn random_dll() -> Result<String, String> {
    let source = folder().join("random.c");
    let failed = |e| format!("cannot write {}: {e}", source.display());
    fs::write(&source, RANDOM_SOURCE).map_err(failed)?;
    // Test programs, the program that they start, and examples are in folders of their own.
    for made in [programs().join("deps"), programs(), programs().join("examples")] {
        let mut compiler = with(super::LINKER, &["-shared", "-o"]);
        compiler.arg(made.join(RANDOM_DLL)).arg(&source).arg("-ladvapi32");
        quietly(compiler)?;
    }
    Ok(RANDOM_DLL.into())
}

/// A Windows of its own; what runs in it is ended when this is dropped.
pub(crate) struct Prefix {
    path: PathBuf,
}

impl Prefix {
    pub(crate) fn new() -> Self {
        Self { path: folder().join("prefix") }
    }

    /// Lets a program run in it.
    pub(crate) fn applied(&self, mut command: Command) -> Command {
        command.env("WINEPREFIX", &self.path).env("WINEDEBUG", "-all").env_remove("DISPLAY");
        command
    }

    pub(crate) fn make(&self) -> Result<String, String> {
        let failed = |e| format!("cannot remove {}: {e}", self.path.display());
        if self.path.exists() {
            fs::remove_dir_all(&self.path).map_err(failed)?;
        }
        quietly(self.applied(with("wine", &["wineboot", "--init"])))?;
        let version = quietly(self.applied(with("wine", &["--version"])))?;
        Ok(version.trim().into())
    }
}

impl Prefix {
    /// Ends what runs in it, Wine's own processes too. If there are none, that is as good.
    pub(crate) fn end(&self) {
        for what in ["--kill", "--wait"] {
            let _ = quietly(self.applied(with("wineserver", &[what])));
        }
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        self.end();
    }
}

//! A copy of the tree to put mutants into, in `target/mutants/tree`.
//!
//! It holds what git knows of, as it is now, committed or not. A file is written only where it differs,
//! so that cargo builds anew only what depends on it.

use crate::tools::{Outcome, root, target_dir};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::table::{Mutant, applied};

/// The copy.
#[derive(Debug)]
pub(super) struct Tree {
    path: PathBuf,
}

impl Tree {
    /// Brings the copy to what the tree is now.
    pub(super) fn copied() -> Result<Self, String> {
        let tree = Self { path: target_dir().join("mutants/tree") };
        let names = tracked()?;
        for name in &names {
            let bytes = match fs::read(root().join(name)) {
                Ok(bytes) => bytes,
                // Removed, and git not yet told.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(e) => return Err(format!("cannot read {name}: {e}")),
            };
            tree.put(name, &bytes)?;
        }
        tree.forget_others(&names)?;
        Ok(tree)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a fault in; it is taken out again when what is returned is dropped.
    pub(super) fn mutated(&self, mutant: &Mutant) -> Result<Mutated<'_>, String> {
        let path = self.path.join(mutant.file);
        let source = fs::read_to_string(&path)
            .map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let (name, change) = ((mutant.name, mutant.file), (mutant.find, mutant.put));
        let faulty = applied(&source, name, change)?;
        self.put(mutant.file, faulty.as_bytes())?;
        Ok(Mutated { tree: self, file: mutant.file, source })
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Outcome {
        let path = self.path.join(name);
        if fs::read(&path).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(&self.path);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, bytes));
        written.map_err(|e| format!("cannot write {}: {e}", path.display()))
    }

    /// Removes what an earlier copy had and this one has not: cargo finds tests by their files.
    fn forget_others(&self, names: &BTreeSet<String>) -> Outcome {
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(&self.path).unwrap_or(&path).to_string_lossy();
                if !names.contains(name.as_ref()) {
                    fs::remove_file(&path)
                        .map_err(|e| format!("cannot remove {}: {e}", path.display()))?;
                }
            }
        }
        Ok(())
    }
}

/// The files that git knows of, and those that it would be told of.
fn tracked() -> Result<BTreeSet<String>, String> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root());
    let output = git.output().map_err(|e| format!("cannot start git: {e}"))?;
    if !output.status.success() {
        return Err(format!("git: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let names = String::from_utf8_lossy(&output.stdout);
    Ok(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// A tree with a fault in it.
#[derive(Debug)]
pub(super) struct Mutated<'a> {
    tree: &'a Tree,
    file: &'static str,
    source: String,
}

impl Drop for Mutated<'_> {
    fn drop(&mut self) {
        // The next run copies what could not be written now.
        let _ = self.tree.put(self.file, self.source.as_bytes());
    }
}

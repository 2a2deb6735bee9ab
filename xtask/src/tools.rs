//! What several commands need: the root, running a program, a sandbox folder, printing.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// How every command ends: nothing to say, or one sentence for a person.
pub(crate) type Outcome = Result<(), String>;

/// The workspace's folder.
///
/// What `cargo run` says comes first: two checkouts that share a target folder may share a binary.
pub(crate) fn root() -> PathBuf {
    let said = std::env::var_os("CARGO_MANIFEST_DIR");
    let here = said.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().unwrap_or(&here).to_path_buf()
}

/// The folder that holds what cargo builds.
pub(crate) fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The cargo that runs us, to be run in the workspace's folder.
///
/// `cargo run` tells its child about the package that is run; another cargo must not hear it.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let program_only = |word: &OsStr| word.to_string_lossy().into_owned();
    let mut text: Vec<String> = words.map(program_only).collect();
    if let Some(name) = Path::new(&text[0]).file_name() {
        text[0] = name.to_string_lossy().into_owned();
    }
    text.join(" ")
}

/// Runs a program to its end and returns all that it wrote, in the order in which it was written.
///
/// # Errors
/// The program cannot be started, or does not end with 0: then with what it wrote.
pub(crate) fn quietly(mut command: Command) -> Result<String, String> {
    let name = shown(&command);
    let (mut reader, writer) = std::io::pipe().map_err(|e| format!("cannot make a pipe: {e}"))?;
    let second = writer.try_clone().map_err(|e| format!("cannot copy a pipe's end: {e}"))?;
    command.stdin(Stdio::null()).stdout(writer).stderr(second);
    let mut child = command.spawn().map_err(|e| format!("cannot start {name}: {e}"))?;
    // The command holds our copies of the writing end: the reader sees the end only without them.
    drop(command);
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|e| format!("cannot read from {name}: {e}"))?;
    let status = child.wait().map_err(|e| format!("cannot wait for {name}: {e}"))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if status.success() { Ok(text) } else { Err(format!("{text}\n`{name}` ended with {status}")) }
}

/// Runs a program whose output the person watches.
///
/// # Errors
/// The program cannot be started, or does not end with 0.
pub(crate) fn openly(command: &mut Command) -> Outcome {
    let name = shown(command);
    let status = command.status().map_err(|e| format!("cannot start {name}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{name}` ended with {status}")) }
}

/// Runs one step and prints one line: its name, how it ended, its seconds.
///
/// # Errors
/// Those of the step, after its line was printed.
pub(crate) fn step(name: &str, work: impl FnOnce() -> Result<String, String>) -> Outcome {
    let start = Instant::now();
    let outcome = work();
    let seconds = start.elapsed().as_secs_f64();
    let (word, remark) = match &outcome {
        Ok(remark) => ("ok", remark.as_str()),
        Err(_) => ("FAILED", ""),
    };
    println!("{}", format!("{name:<24} {word:<6} {seconds:>7.1} s  {remark}").trim_end());
    outcome.map(drop)
}

/// A folder of our own that is removed at the end; in shared memory where there is such a place.
pub(crate) struct Sandbox {
    path: PathBuf,
}

impl Sandbox {
    /// A sandbox for shared objects: where objects live in practice.
    pub(crate) fn for_objects(purpose: &str) -> Result<Self, String> {
        let shared = Path::new("/dev/shm");
        let parent = if shared.is_dir() { shared.to_path_buf() } else { std::env::temp_dir() };
        Self::within(&parent, purpose)
    }

    /// A sandbox for source and other files.
    pub(crate) fn for_files(purpose: &str) -> Result<Self, String> {
        Self::within(&std::env::temp_dir(), purpose)
    }

    /// A sandbox in a folder.
    pub(crate) fn within(parent: &Path, purpose: &str) -> Result<Self, String> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let id = std::process::id();
        let name = format!("cohabit-{purpose}-{id}-{}", since_epoch.subsec_nanos());
        let path = parent.join(name);
        let failed = |e| format!("cannot make the folder {}: {e}", path.display());
        fs::create_dir(&path).map_err(failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        }
        Ok(Self { path })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The files (not the folders) that are in it now, at any depth.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_folder { &mut folders } else { &mut files }.push(entry.path());
            }
        }
        files
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // A folder that stays behind is a nuisance, not a failure of what was tested.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_wrote_is_returned_or_is_in_the_error() {
        let mut good = Command::new("sh");
        good.args(["-c", "echo one; echo two >&2; echo three"]);
        assert_eq!(quietly(good).as_deref(), Ok("one\ntwo\nthree\n"));
        let mut bad = Command::new("sh");
        bad.args(["-c", "echo why; exit 3"]);
        let error = quietly(bad).unwrap_err();
        assert!(error.contains("why") && error.contains("exit status: 3"), "{error}");
    }

    #[test]
    fn a_sandbox_lists_its_files_and_goes_away() {
        let sandbox = Sandbox::for_files("test").unwrap();
        let inner = sandbox.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("c"), "x").unwrap();
        assert_eq!(sandbox.files(), [inner.join("c")]);
        let path = sandbox.path().to_path_buf();
        drop(sandbox);
        assert!(!path.exists());
    }
}

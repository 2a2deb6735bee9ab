//! Building a test in the copied tree, and running it with a watchdog.

use super::table::Test;
use super::tree::Tree;
use crate::tools::{cargo, target_dir};
use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It passed.
    Well,
    /// It failed, and said so: its last lines.
    Badly(String),
    /// It did not end in this time, and was killed.
    Never(Duration),
}

/// A test that was built.
#[derive(Debug)]
pub(super) struct Built {
    program: PathBuf,
    test: Test,
    /// Where an `xtask` of the copy finds itself.
    home: PathBuf,
}

/// Builds what the test is in, with the tree as it is now.
///
/// # Errors
/// It does not build: what the compiler says.
pub(super) fn build(tree: &Tree, test: Test) -> Result<Built, String> {
    let mut command = command(tree, test);
    let output = command.stdin(Stdio::null()).output().map_err(|e| format!("cargo: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(errors(&text, &String::from_utf8_lossy(&output.stderr)));
    }
    let program = text.lines().filter_map(executable).next_back();
    let program = program.ok_or_else(|| format!("cargo built no program for {test:?}"))?;
    Ok(Built { program, test, home: tree.path().join("xtask") })
}

fn command(tree: &Tree, test: Test) -> Command {
    let mut command = cargo();
    command.current_dir(tree.path());
    match test {
        Test::Unit { package, .. } => {
            command.args(["test", "--no-run", "--package", package, "--lib"]);
        }
        Test::Integration { package, binary, .. } => {
            command.args(["test", "--no-run", "--package", package, "--test", binary]);
        }
        Test::Loom(_) | Test::Shuttle(_) => {
            command.args(["test", "--no-run", "--release", "--manifest-path"]);
            let flags = format!("--cfg {}", folder(test));
            command.arg("crates/cohabit-models/Cargo.toml").env("RUSTFLAGS", flags);
        }
        Test::Step { .. } => {
            command.args(["build", "--package", "xtask"]);
        }
    }
    let target = target_dir().join("mutants").join(folder(test));
    command.args(["--locked", "--message-format", "json", "--target-dir"]).arg(target);
    // What a debugger would read takes half of the time to build, and nobody reads it.
    command.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_PROFILE_RELEASE_DEBUG", "0");
    command.env("CARGO_INCREMENTAL", "1");
    command
}

/// Where it is built: flags that differ would build everything anew in one folder.
fn folder(test: Test) -> &'static str {
    match test {
        Test::Loom(_) => "loom",
        Test::Shuttle(_) => "shuttle",
        _ => "build",
    }
}

/// The program that a line of cargo's tells of.
fn executable(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    message.get("executable")?.as_str().map(PathBuf::from)
}

/// The compiler's errors, out of cargo's messages; else what cargo itself said.
fn errors(messages: &str, said: &str) -> String {
    let rendered = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let message = message.get("message")?;
        let is_error = message.get("level")?.as_str()? == "error";
        is_error.then(|| message.get("rendered")?.as_str().map(str::to_owned)).flatten()
    });
    let rendered: String = rendered.take(3).collect();
    if rendered.is_empty() { said.trim().to_owned() } else { rendered }
}

impl Built {
    /// Runs the test alone, for at most so long.
    ///
    /// # Errors
    /// It cannot be started, or it is no test.
    pub(super) fn run(&self, watchdog: Duration) -> Result<Ended, String> {
        let mut command = Command::new(&self.program);
        match self.test {
            Test::Unit { name, .. }
            | Test::Integration { name, .. }
            | Test::Loom(name)
            | Test::Shuttle(name) => {
                command.args(["--exact", name]);
            }
            Test::Step { what, operation } => {
                command.args(["lab", "step", what, "--operation", operation]);
                command.env("CARGO_MANIFEST_DIR", &self.home);
            }
        }
        command.current_dir(&self.home).env("RUST_BACKTRACE", "0");
        let (ended, said) = watched(command, watchdog)?;
        if ended == Ended::Well && !has_run(self.test, &said) {
            return Err(format!("there is no test {:?}", self.test));
        }
        Ok(ended)
    }
}

/// Whether the test was there: a name that fits nothing passes too, and so do no kills.
fn has_run(test: Test, said: &str) -> bool {
    match test {
        Test::Step { .. } => {
            let mut totals = said.lines().filter(|line| line.contains(" kills, 0 violations, 0 "));
            totals.any(|line| !line.starts_with("0 "))
        }
        _ => said.contains("test result: ok. 1 passed"),
    }
}

/// Runs a command and all that it starts, for at most so long.
fn watched(mut command: Command, watchdog: Duration) -> Result<(Ended, String), String> {
    let (mut reader, writer) = std::io::pipe().map_err(|e| format!("cannot make a pipe: {e}"))?;
    let second = writer.try_clone().map_err(|e| format!("cannot copy a pipe's end: {e}"))?;
    command.stdin(Stdio::null()).stdout(writer).stderr(second);
    in_a_group(&mut command);
    let mut child = command.spawn().map_err(|e| format!("cannot start the test: {e}"))?;
    drop(command);
    let listener = thread::spawn(move || {
        let mut said = Vec::new();
        // What came until then is what there is to tell.
        let _ = reader.read_to_end(&mut said);
        String::from_utf8_lossy(&said).into_owned()
    });
    let start = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|e| format!("cannot wait for the test: {e}"))? {
            Some(status) => break Some(status),
            None if start.elapsed() > watchdog => break None,
            None => thread::sleep(Duration::from_millis(20)),
        }
    };
    kill_group(&mut child);
    let said = listener.join().unwrap_or_default();
    remove_left(child.id());
    let ended = match status {
        None => Ended::Never(watchdog),
        Some(status) if status.success() => Ended::Well,
        Some(status) => Ended::Badly(reason(&said).unwrap_or_else(|| status.to_string())),
    };
    Ok((ended, said))
}

#[cfg(unix)]
fn in_a_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn in_a_group(_: &mut Command) {}

/// Ends the test and what it started: nobody else is in its group.
fn kill_group(child: &mut Child) {
    #[cfg(unix)]
    if let Ok(group) = i32::try_from(child.id()) {
        // SAFETY: kill(2) touches no memory.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
    // Gone already, or killed above.
    let _ = child.kill();
    let _ = child.wait();
}

/// Folders of objects that a killed test left; they are named after its process.
fn remove_left(pid: u32) {
    let prefix = format!("cohabit-test-{pid}-");
    for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            // One that stays is a nuisance, not a failure.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The first sentence that says why.
fn reason(said: &str) -> Option<String> {
    let mut lines = said.lines().map(str::trim);
    let telling = lines.find(|line| line.contains("panicked at") || line.contains("VIOLATION"))?;
    let next = lines.next().filter(|_| telling.contains("panicked at"));
    let text = next.unwrap_or(telling);
    Some(text.chars().take(100).collect())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, watchdog: Duration) -> Ended {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        watched(command, watchdog).unwrap().0
    }

    #[test]
    fn what_ran_nothing_has_not_passed() {
        let step = Test::Step { what: "value", operation: "set" };
        assert!(has_run(step, "set: 8\n30 kills, 0 violations, 0 states missed, 1 s\n"));
        assert!(!has_run(step, "0 kills, 0 violations, 0 states missed, 1 s\n"));
        assert!(!has_run(step, ""));
        let unit = Test::Unit { package: "cohabit", name: "a::b" };
        assert!(has_run(unit, "test result: ok. 1 passed; 0 failed"));
        assert!(!has_run(unit, "test result: ok. 0 passed; 0 failed"));
    }

    #[test]
    fn a_test_ends_well_or_badly_or_is_ended_with_all_that_it_started() {
        let long = Duration::from_secs(600);
        assert_eq!(shell("exit 0", long), Ended::Well);
        let said = "echo \"thread 'a' panicked at a.rs:1:\"; echo torn; exit 101";
        assert_eq!(shell(said, long), Ended::Badly("torn".into()));
        let short = Duration::from_millis(100);
        // Were its child alive, the pipe would not end, and neither would this.
        assert_eq!(shell("sleep 1000 & wait", short), Ended::Never(short));
    }
}

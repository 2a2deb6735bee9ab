//! What a user would do under Wine: the demo, and the example `service` with Wine's service manager.

use super::prefix::Prefix;
use super::{cargo_for_windows, programs};
use crate::second::with;
use crate::tools::quietly;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Builds both.
pub(super) fn build() -> Result<String, String> {
    for what in
        [["--package", "cohabit-cli"].as_slice(), &["--package", "cohabit", "--example", "service"]]
    {
        let mut command = cargo_for_windows("build");
        command.args(what);
        quietly(command)?;
    }
    Ok(String::new())
}

/// Real Windows processes share one object, and one of them is ended by TerminateProcess.
pub(super) fn demo(prefix: &Prefix) -> Result<String, String> {
    let said = quietly(prefix.applied(program("cohabit.exe", &["demo"])))?;
    let told = |what: &str| said.lines().find(|line| line.contains(what)).map(str::trim);
    match (told("All 5 steps held"), told("after the kill")) {
        (Some(held), Some(next)) => Ok(format!("{held} {next}")),
        _ => Err(said),
    }
}

/// The service is installed, started, read, written, stopped and removed.
pub(super) fn service(prefix: &Prefix) -> Result<String, String> {
    let _session = Session::begin(prefix)?;
    let does = |words: &[&str], answer: &str| {
        let said = quietly(prefix.applied(program("examples/service.exe", words)))?;
        if said.contains(answer) { Ok(()) } else { Err(format!("{words:?}, not {answer}: {said}")) }
    };
    does(&["install", "Users"], "installed")?;
    does(&["start"], "Running")?;
    let mut watch = prefix.applied(program("examples/service.exe", &["watch"]));
    let failed = |error| format!("the watching program: {error}");
    let mut watch = watch.stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut lines = BufReader::new(watch.stdout.take().expect("a pipe of ours")).lines();
    let mut hears = |answer: &str| {
        let heard = lines.by_ref().map_while(Result::ok).any(|line| line.contains(answer));
        heard.then_some(()).ok_or_else(|| format!("the watching program never said {answer}"))
    };
    hears("degrees")?;
    does(&["want", "24"], "soon 24.00")?;
    hears("24.00 degrees")?;
    does(&["stop"], "Stopped")?;
    hears("the service has ended")?;
    drop(lines);
    let status = watch.wait().map_err(failed)?;
    does(&["remove"], "removed")?;
    if does(&["start"], "Running").is_ok() {
        return Err("it starts after it was removed".into());
    }
    if status.success() {
        Ok("installed, started, read, written, stopped, removed".into())
    } else {
        Err(format!("the watching program: {status}"))
    }
}

fn program(name: &str, words: &[&str]) -> Command {
    let mut command = with("wine", &[]);
    command.arg(programs().join(name)).args(words);
    command
}

/// Wine ends its services with the last program that is none: so one is kept until this is dropped.
struct Session {
    program: Child,
    said: BufReader<ChildStdout>,
}

impl Session {
    /// Begins it, and returns once it has begun: a program that came first would start Wine's own processes,
    /// which keep its output open as long as the session goes on.
    fn begin(prefix: &Prefix) -> Result<Session, String> {
        let failed = |error| format!("cannot begin a session of Wine: {error}");
        let mut command = prefix.applied(with("wine", &["cmd", "/k", "echo begun"]));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = command.spawn().map_err(failed)?;
        let said = BufReader::new(program.stdout.take().expect("a pipe of ours"));
        let mut session = Session { program, said };
        let mut line = String::new();
        while !line.contains("begun") {
            line.clear();
            if session.said.read_line(&mut line).map_err(failed)? == 0 {
                return Err("Wine's cmd ended without a word".into());
            }
        }
        Ok(session)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.program.stdin.take());
        let _ = self.program.wait();
    }
}

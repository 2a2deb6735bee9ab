//! Children that play roles, and their side of the talk.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use super::sys;

const ROLE: &str = "COHABIT_TEST_ROLE";
const ARGUMENTS: &str = "COHABIT_TEST_ARGUMENTS";
/// What a role's lines begin with, since `main` may print its own.
const MARK: &str = "> ";
/// A child that a failed test left behind ends after this many seconds; none comes near.
pub(crate) const WATCHDOG_S: u32 = 200;

/// A child process that plays a role. When it is dropped, it hears the end of its input and leaves.
pub(crate) struct Child {
    process: std::process::Child,
    /// Taken to tell the child that there is no more to do.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    role: String,
}

impl Child {
    /// The command that starts this binary in a role.
    pub(crate) fn command(role: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        // A role that returns to `main` finds no test to run there.
        command.args(["--exact", "no-test-has-this-name"]);
        command.env(ROLE, role).env(ARGUMENTS, arguments.join("\n"));
        command.env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    pub(crate) fn start(mut command: Command, role: &str) -> Child {
        let mut process = spawned(&mut command);
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().expect("its output"));
        Child { process, input, output, role: role.to_owned() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn say(&mut self, line: impl Display) {
        let mut input = self.input.as_ref().expect("its input");
        writeln!(input, "{line}").expect("the child listens");
    }

    /// Waits for the child's next line.
    pub(crate) fn hear(&mut self) -> String {
        loop {
            if let Some(said) = self.hear_anything().strip_prefix(MARK) {
                return said.to_owned();
            }
        }
    }

    /// Waits for the next line of any sort.
    pub(crate) fn hear_anything(&mut self) -> String {
        let mut line = String::new();
        if self.output.read_line(&mut line).expect("a line") == 0 {
            let status = self.process.wait();
            panic!("{} ended without a word: {status:?}", self.role);
        }
        line.trim_end().to_owned()
    }

    /// Whether there is a line to hear already.
    pub(crate) fn has_said(&mut self) -> bool {
        !self.output.buffer().is_empty() || sys::is_readable(self.output.get_ref())
    }

    pub(crate) fn ask(&mut self, line: impl Display) -> String {
        self.say(line);
        self.hear()
    }

    /// Asks, and expects an answer that begins so.
    #[track_caller]
    pub(crate) fn expect(&mut self, line: impl Display, answer: &str) -> String {
        self.say(&line);
        self.expect_next(answer)
    }

    #[track_caller]
    pub(crate) fn expect_next(&mut self, answer: &str) -> String {
        let heard = self.hear();
        assert!(heard.starts_with(answer), "{}: expected {answer}, heard {heard}", self.role);
        heard
    }

    pub(crate) fn stop(&self) {
        sys::stop(self.pid());
    }

    pub(crate) fn resume(&self) {
        sys::resume(self.pid());
    }

    /// Kills it, and returns once it is dead.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("a signal");
        let status = self.process.wait().expect("a status");
        assert!(sys::was_killed(status), "{} was killed: {status}", self.role);
    }

    /// Lets its input end.
    pub(crate) fn end_input(&mut self) {
        drop(self.input.take());
    }

    /// Waits until it ends by itself, whichever way.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.process.wait().expect("a status")
    }

    /// Waits until it ends well.
    pub(crate) fn finish(mut self) {
        let status = self.process.wait().expect("a status");
        assert!(status.success(), "{} ended with {status}", self.role);
    }

    /// Asks it to come to its end, and waits until it did so well.
    pub(crate) fn leave(mut self) {
        self.say("leave");
        self.finish();
    }
}

#[cfg(unix)]
fn spawned(command: &mut Command) -> std::process::Child {
    command.spawn().expect("a child")
}

/// Wine, when it is busy, at times gives up a process that it has begun to start.
#[cfg(windows)]
fn spawned(command: &mut Command) -> std::process::Child {
    const INTERNAL_ERROR: i32 = 1359;
    loop {
        match command.spawn() {
            Err(error) if error.raw_os_error() == Some(INTERNAL_ERROR) => {
                println!("again: {error}")
            }
            spawned => return spawned.expect("a child"),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end_input();
        if std::thread::panicking() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// The child's side of the talk.
pub(crate) struct Peer {
    arguments: Vec<String>,
    /// Whether the process goes on into `main` after the role.
    pub(crate) on_to_main: bool,
}

impl Peer {
    pub(crate) fn argument(&self, index: usize) -> &str {
        &self.arguments[index]
    }

    pub(crate) fn say(&self, line: impl Display) {
        Self::say_late(line);
    }

    /// The same, where the role is over already.
    pub(crate) fn say_late(line: impl Display) {
        let text = format!("{MARK}{line}\n");
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).expect("the test listens");
        out.flush().expect("the test listens");
    }

    /// The next line from the test; when the test is gone, this process ends.
    pub(crate) fn hear(&self) -> String {
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(n) if n > 0 => line.trim_end().to_owned(),
            _ => std::process::exit(0),
        }
    }
}

/// A role: its name, and what it does.
pub(crate) type Role = (&'static str, fn(&mut Peer));

/// Plays the role that the environment names, if it names one; then the process ends.
pub(crate) fn play(roles: &[Role]) {
    let Ok(role) = std::env::var(ROLE) else { return };
    // Under Wine a hundred thousand of anything take minutes.
    let times = if std::env::var_os("COHABIT_TEST_FULL").is_some() { 10 } else { 1 };
    sys::watchdog(WATCHDOG_S * times);
    let arguments = std::env::var(ARGUMENTS).unwrap_or_default();
    let arguments = arguments.lines().map(str::to_owned).collect();
    let mut peer = Peer { arguments, on_to_main: false };
    let played = catch_unwind(AssertUnwindSafe(|| {
        let (_, run) = roles.iter().find(|(name, _)| *name == role).expect("a role of this name");
        run(&mut peer);
    }));
    match played {
        Ok(()) if peer.on_to_main => {}
        Ok(()) => std::process::exit(0),
        Err(_) => std::process::exit(101),
    }
}

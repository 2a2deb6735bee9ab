//! The survivors: child processes that obey one line of text and answer with one.
//!
//! A [`Player`] is this program run again (`lab child …`), with pipes for orders and answers. It
//! lives through many cases, so that a case costs no process but its victim. Every answer has the
//! watchdog of [`WATCHDOG`] over it: a player that is late is described (where it waits in the
//! kernel), killed, and replaced for the next case; the case counts as a hang.
use super::raw;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// No answer for so long is a hang.
pub(super) const WATCHDOG: Duration = Duration::from_secs(10);

/// Starts this program again as a child of the laboratory, with fixed addresses.
pub(super) fn child_command(arguments: &[&str]) -> Result<Command, String> {
    let program = PathBuf::from("/proc/self/exe");
    let program = fs::read_link(&program).unwrap_or(program);
    let mut command = Command::new(program);
    command.args(["lab", "child"]).args(arguments);
    // SAFETY: runs between fork and exec, and makes one system call.
    unsafe { command.pre_exec(raw::fixed_addresses) };
    Ok(command)
}

/// A survivor.
#[derive(Debug)]
pub(super) struct Player {
    name: &'static str,
    arguments: Vec<String>,
    process: Process,
    /// What was read beyond the last answer.
    rest: Vec<u8>,
    /// Answers that are still to come.
    owed: usize,
}

#[derive(Debug)]
struct Process {
    child: Child,
    orders: ChildStdin,
    answers: ChildStdout,
}

impl Player {
    /// Starts a player; `name` is what reports call it.
    pub(super) fn start(name: &'static str, arguments: &[&str]) -> Result<Self, String> {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        let process = launch(name, &arguments)?;
        Ok(Self { name, arguments, process, rest: Vec::new(), owed: 0 })
    }

    /// Its process.
    pub(super) fn pid(&self) -> i32 {
        self.process.child.id().cast_signed()
    }

    /// Gives an order, without waiting for the answer.
    pub(super) fn order(&mut self, line: &str) -> Result<(), String> {
        let sent = self.process.orders.write_all(format!("{line}\n").as_bytes());
        sent.map_err(|error| format!("{} takes no order `{line}`: {error}", self.name))?;
        self.owed += 1;
        Ok(())
    }

    /// The answer to an order that was given before.
    pub(super) fn answer(&mut self) -> Result<String, String> {
        self.answer_within(WATCHDOG)
    }

    /// Whether the answer came until now.
    pub(super) fn answered(&mut self) -> bool {
        self.rest.contains(&b'\n')
            || matches!(raw::readable(self.process.answers.as_fd(), 0), Ok(true))
    }

    /// Whether an answer came until now, and is `ok …`.
    pub(super) fn answered_ok(&mut self) -> bool {
        if self.rest.is_empty() && self.answered() {
            let mut buffer = [0; 4096];
            let read = self.process.answers.read(&mut buffer).unwrap_or(0);
            self.rest.extend_from_slice(&buffer[..read]);
        }
        self.rest.starts_with(b"ok") && self.rest.contains(&b'\n')
    }

    /// Gives an order and waits for the answer, which must be `ok …`; what follows it is returned.
    pub(super) fn ask(&mut self, line: &str) -> Result<String, String> {
        self.order(line)?;
        self.settle(line)
    }

    /// Waits for the answer to `line`, which must be `ok …`.
    pub(super) fn settle(&mut self, line: &str) -> Result<String, String> {
        let answer = self.answer()?;
        match answer.strip_prefix("ok") {
            Some(rest) => Ok(rest.trim().to_owned()),
            None => Err(format!("{}: `{line}` answered `{answer}`", self.name)),
        }
    }

    fn answer_within(&mut self, limit: Duration) -> Result<String, String> {
        let end = self.line_within(limit)?;
        let line: Vec<u8> = self.rest.drain(..=end).collect();
        self.owed -= 1;
        Ok(String::from_utf8_lossy(&line).trim().to_owned())
    }

    /// Waits until an answer is there, and leaves it there.
    pub(super) fn until_answered(&mut self) -> Result<(), String> {
        self.line_within(WATCHDOG).map(drop)
    }

    /// Where the next line ends in what was read.
    fn line_within(&mut self, limit: Duration) -> Result<usize, String> {
        let until = Instant::now() + limit;
        loop {
            if let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
                return Ok(end);
            }
            let left = until.saturating_duration_since(Instant::now());
            let left_ms = i32::try_from(left.as_millis()).unwrap_or(i32::MAX);
            let ready = raw::readable(self.process.answers.as_fd(), left_ms);
            if !ready.map_err(|error| error.to_string())? {
                return Err(format!("hang: {} {}", self.name, whereabouts(self.pid())));
            }
            let mut buffer = [0; 4096];
            let read = self.process.answers.read(&mut buffer);
            match read.map_err(|error| error.to_string())? {
                0 => {
                    let words = self.last_words();
                    return Err(format!("{} is gone: {words}", self.name));
                }
                count => self.rest.extend_from_slice(&buffer[..count]),
            }
        }
    }

    fn last_words(&mut self) -> String {
        let ended = self.process.child.wait();
        ended.map_or_else(|error| error.to_string(), |status| status.to_string())
    }

    /// Replaces the process by a new one: after a hang, or in the middle of an order.
    pub(super) fn replace(&mut self) -> Result<(), String> {
        self.stop();
        self.process = launch(self.name, &self.arguments)?;
        self.rest.clear();
        self.owed = 0;
        Ok(())
    }

    fn stop(&mut self) {
        // Both can fail only when the process is gone already, which is what is wanted.
        let _gone = self.process.child.kill();
        let _gone = self.process.child.wait();
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.stop();
    }
}

fn launch(name: &str, arguments: &[String]) -> Result<Process, String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = child_command(&words)?;
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = started.map_err(|error| format!("{name} does not start: {error}"))?;
    let (orders, answers) = (child.stdin.take(), child.stdout.take());
    match (orders, answers) {
        (Some(orders), Some(answers)) => Ok(Process { child, orders, answers }),
        _ => Err(format!("{name} has no pipes")),
    }
}

/// Where a process is: state, kernel function, system call, kernel stack.
fn whereabouts(pid: i32) -> String {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let status = read("status");
    let state = status.lines().find(|line| line.starts_with("State:")).unwrap_or("State: ?");
    let call = read("syscall");
    let stack = read("stack").lines().take(4).map(str::trim).collect::<Vec<_>>().join(" < ");
    format!("[{state}; wchan {}; syscall {}; {stack}]", read("wchan"), call.trim())
}

/// Whether a process sleeps in the kernel.
pub(super) fn sleeps(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
}

/// What a process holds: number of descriptors, and of mappings of the folder's files.
pub(super) fn holdings(pid: i32, folder: &Path) -> io::Result<(usize, usize)> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd"))?.count();
    Ok((descriptors, super::remains::mappings(pid, folder)?.len()))
}

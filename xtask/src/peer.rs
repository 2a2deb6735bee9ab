//! A process that takes part in a test: started, read line by line with a deadline, told to go on.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long a process of a test may be silent before the test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running process; killed when this value goes, so that a failed test leaves none behind.
pub(crate) struct Peer {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Peer {
    /// Starts the command; `name` is what error sentences call it.
    pub(crate) fn start(name: &str, mut command: Command) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().map_err(|e| format!("cannot start {name}: {e}"))?;
        let stdin = child.stdin.take();
        let (sender, lines) = channel();
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Self { name: name.to_owned(), child, stdin, lines })
    }

    /// The next line that it prints.
    pub(crate) fn line(&self) -> Result<String, String> {
        let name = &self.name;
        self.lines.recv_timeout(PATIENCE).map_err(|e| match e {
            RecvTimeoutError::Timeout => format!("{name} printed no line for {PATIENCE:?}"),
            RecvTimeoutError::Disconnected => format!("{name} ended before it printed a line"),
        })
    }

    /// Waits for a line that must be this one.
    pub(crate) fn expect(&self, expected: &str) -> Result<(), String> {
        let found = self.line()?;
        let name = &self.name;
        if found == expected {
            return Ok(());
        }
        Err(format!("{name} was to print `{expected}`, and printed `{found}`"))
    }

    /// Presses Enter.
    pub(crate) fn enter(&mut self) -> Result<(), String> {
        let name = &self.name;
        let stdin = self.stdin.as_mut().ok_or_else(|| format!("{name} has no stdin any more"))?;
        let sent = stdin.write_all(b"\n").and_then(|()| stdin.flush());
        sent.map_err(|e| format!("{name} does not read its stdin: {e}"))
    }

    /// Kills it where it is (SIGKILL) and collects it.
    pub(crate) fn kill(mut self) -> Result<(), String> {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(drop).map_err(|e| format!("cannot kill {}: {e}", self.name))
    }

    /// Closes its stdin, waits for its end, which must be exit code 0, and returns the lines left.
    pub(crate) fn finish(mut self) -> Result<Vec<String>, String> {
        drop(self.stdin.take());
        let start = Instant::now();
        loop {
            let name = &self.name;
            match self.child.try_wait().map_err(|e| format!("cannot wait for {name}: {e}"))? {
                Some(status) if status.success() => return Ok(self.lines.iter().collect()),
                Some(status) => return Err(format!("{name} ended with {status}")),
                None if start.elapsed() > PATIENCE => {
                    return Err(format!("{name} did not end within {PATIENCE:?}"));
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail when it has ended and was collected, which is the usual case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Peer {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Peer::start("the shell", command).unwrap()
    }

    #[test]
    fn lines_come_in_order_and_enter_goes_on() {
        let mut peer = shell("echo one; read x; echo two; echo three");
        peer.expect("one").unwrap();
        peer.enter().unwrap();
        assert_eq!(peer.finish().unwrap(), ["two", "three"]);
    }

    #[test]
    fn a_wrong_line_an_early_end_and_a_bad_exit_are_told() {
        assert!(shell("echo one").expect("two").unwrap_err().contains("`one`"));
        assert!(shell("true").line().unwrap_err().contains("before"));
        assert!(shell("exit 4").finish().unwrap_err().contains("exit status: 4"));
    }
}

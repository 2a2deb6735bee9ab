//! A process of the demo, seen from the one that started it: lines on pipes, and its end.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use cohabit::Scope;

use super::Broken;
use super::process::Role;

/// A watchdog: longer than any step takes, so that a fault ends the demo instead of stopping it.
const WATCHDOG: Duration = Duration::from_secs(15);

/// A process that was started; killed if it is dropped before it has left by itself.
pub(super) struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    what: String,
}

impl Peer {
    /// Starts a process of this program in `role`.
    pub(super) fn start(
        role: Role,
        name: &str,
        scope: &Scope,
        time: Duration,
    ) -> Result<Self, Broken> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["demo-process", role.word(), name]);
        command.arg(format!("--time={}us", time.as_micros()));
        match scope {
            Scope::Folder(folder) => drop(command.arg("--folder").arg(folder)),
            Scope::Machine(_) => drop(command.arg("--machine")),
            _ => {}
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let (sender, lines) = channel();
        thread::spawn(move || {
            let lines = stdout.into_iter().flat_map(|out| BufReader::new(out).lines());
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let what = format!("the process `{}`, pid {}", role.word(), child.id());
        Ok(Self { child, stdin, lines, what })
    }

    /// Its number.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its next line.
    pub(super) fn line(&self) -> Result<String, Broken> {
        self.lines.recv_timeout(WATCHDOG).map_err(|_| {
            let found = format!("it ended, or said nothing for {WATCHDOG:?}");
            Broken::new(format!("a line from {}", self.what), found)
        })
    }

    /// Its next line, which must be this one.
    pub(super) fn expect(&self, expected: &str) -> Result<(), Broken> {
        let line = self.line()?;
        if line == expected {
            return Ok(());
        }
        let found = format!("{line:?}");
        Err(Broken::new(format!("{expected:?} from {}", self.what), found))
    }

    /// Tells it to go on.
    pub(super) fn go(&mut self) -> Result<(), Broken> {
        match &mut self.stdin {
            Some(stdin) => Ok(stdin.write_all(b"go\n")?),
            None => Err(Broken::new(format!("a pipe to {}", self.what), "none")),
        }
    }

    /// Kills it as `kill -9` does: the process gets no instruction more.
    pub(super) fn kill(&mut self) -> Result<(), Broken> {
        Ok(self.child.kill()?)
    }

    /// Closes its input, which it takes as the sign to leave, and waits for its end.
    pub(super) fn leave(mut self) -> Result<(), Broken> {
        drop(self.stdin.take());
        // Its output ends when it does; the watchdog is in the waiting for that.
        while let Ok(_line) = self.lines.recv_timeout(WATCHDOG) {}
        match self.child.try_wait()? {
            None => {
                self.child.kill()?;
            }
            Some(status) if status.success() => return Ok(()),
            Some(_) => {}
        }
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(Broken::new(format!("{} to leave", self.what), status.to_string()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // After its end both do nothing; a failure of either leaves nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

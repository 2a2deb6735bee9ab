//! One round: victims that use one pair of objects, and a peer that overwrites it.

use super::super::oracle::Ground;
use super::super::sanitized::Program;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long the peer is at it.
const ATTACK: Duration = Duration::from_millis(800);

/// How long the victims go on without it: in what it left.
const AFTERWARDS: Duration = Duration::from_millis(100);

/// Whoever has not ended so long after it was asked to is in a call that does not come back, in which its
/// own watchdog did not find it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who makes the objects, and who comes to them.
const VICTIMS: [&str; 6] = ["host", "user", "locks", "guest", "observer", "opener"];

/// What victims are told that do nothing wrong.
pub(super) const NO_CHEAT: &str = "none";

/// What a round is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) mode: &'static str,
    pub(super) place: &'static str,
    pub(super) seed: u64,
    pub(super) cheat: &'static str,
}

/// What calls came to, by name: that worked, and that were refused.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) calls: BTreeMap<String, (u64, u64)>,
    pub(super) kinds: BTreeMap<String, u64>,
    /// Victims that ended by SIGBUS, after their objects were made shorter.
    pub(super) cut: u64,
    pub(super) victims: u64,
}

impl Tally {
    /// Adds what another one has.
    pub(super) fn add(&mut self, other: Tally) {
        for (name, (fine, refused)) in other.calls {
            let sums = self.calls.entry(name).or_default();
            *sums = (sums.0 + fine, sums.1 + refused);
        }
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        self.cut += other.cut;
        self.victims += other.victims;
    }

    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: &str| word.parse::<u64>().unwrap_or(0);
        // The name of a call may have spaces.
        match &words[..] {
            ["call", name @ .., fine, refused] => {
                let sums = self.calls.entry(name.join(" ")).or_default();
                *sums = (sums.0 + number(fine), sums.1 + number(refused));
            }
            ["kind", kind, count] => {
                *self.kinds.entry((*kind).to_owned()).or_default() += number(count)
            }
            _ => {}
        }
    }
}

/// One process of the round. It is killed if it is dropped before its end.
struct Process {
    role: &'static str,
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Process {
    fn start(
        program: &Program,
        plan: &Plan,
        role: &'static str,
        ground: &Ground,
    ) -> Result<Self, String> {
        let mut command = program.command();
        command.args([role, plan.place, &plan.seed.to_string(), plan.mode, plan.cheat]);
        command.env("COHABIT_DIR", ground.folder());
        if plan.cheat == "hang" {
            command.env("COHABIT_HOSTILE_PATIENCE_MS", "1500");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| format!("{role} does not start: {error}"))?;
        let out = child.stdout.take().map(BufReader::new).ok_or("no pipe")?;
        Ok(Process { role, child, out })
    }

    fn expect_here(&mut self) -> Result<(), String> {
        let mut line = String::new();
        let heard = self.out.read_line(&mut line);
        match heard {
            Ok(_) if line.trim() == "here" => Ok(()),
            _ => {
                let said = self.stderr();
                Err(format!("{} does not come up: {said}", self.role))
            }
        }
    }

    fn ask_to_end(&mut self) {
        drop(self.child.stdin.take());
    }

    /// How it ended, and what it had to say.
    fn end(mut self, tally: &mut Tally) -> Result<(ExitStatus, String), String> {
        self.ask_to_end();
        let asked = Instant::now();
        let status = loop {
            match self.child.try_wait().map_err(|error| error.to_string())? {
                Some(status) => break status,
                None if asked.elapsed() > PATIENCE => {
                    return Err(format!("hang: {} does not end", self.role));
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let mut said = String::new();
        let _broken = self.out.read_to_string(&mut said);
        said.lines().for_each(|line| tally.hear(line));
        Ok((status, self.stderr()))
    }

    /// What it wrote there; it has ended, or is made to.
    fn stderr(&mut self) -> String {
        let _ended = self.child.kill();
        let mut text = String::new();
        if let Some(mut err) = self.child.stderr.take() {
            let mut bytes = Vec::new();
            let _broken = err.read_to_end(&mut bytes);
            text = String::from_utf8_lossy(&bytes).into_owned();
        }
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Runs a round. An error is a finding, or the laboratory's own failure.
pub(super) fn run(program: &Program, plan: &Plan) -> Result<Tally, String> {
    let ground = Ground::new()?;
    if plan.place == "machine" {
        let open_to_all = fs::Permissions::from_mode(0o1777);
        fs::set_permissions(ground.folder(), open_to_all).map_err(|error| error.to_string())?;
    }
    let mut tally = Tally::default();
    let mut victims = Vec::new();
    // One that cheats is alone: it ends before others come.
    let victims_of = if plan.cheat == NO_CHEAT { &VICTIMS[..] } else { &VICTIMS[..1] };
    for &role in victims_of {
        let mut victim = Process::start(program, plan, role, &ground)?;
        // The objects are there before others come; those come at the same time.
        if role == "host" {
            victim.expect_here()?;
        }
        victims.push(victim);
    }
    victims.iter_mut().skip(1).try_for_each(Process::expect_here)?;
    let mut vandal = Process::start(program, plan, "vandal", &ground)?;
    vandal.expect_here()?;
    std::thread::sleep(ATTACK);
    let (status, said) = vandal.end(&mut tally)?;
    if !status.success() {
        return Err(format!("the peer itself ended with {status}: {said}"));
    }
    std::thread::sleep(AFTERWARDS);
    victims.iter_mut().for_each(Process::ask_to_end);
    let mut findings = Vec::new();
    for victim in victims {
        let role = victim.role;
        tally.victims += 1;
        match victim.end(&mut tally) {
            Ok((status, _)) if status.success() => {}
            Ok((status, _)) if plan.mode == "cut" && status.signal() == Some(libc::SIGBUS) => {
                tally.cut += 1
            }
            Ok((status, said)) => findings.push(format!("{role} ended with {status}:\n{said}")),
            Err(text) => findings.push(text),
        }
    }
    if findings.is_empty() { Ok(tally) } else { Err(findings.join("\n")) }
}

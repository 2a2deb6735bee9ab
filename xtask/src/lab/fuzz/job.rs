//! One process that fuzzes one target, and what it came to.

use super::super::oracle::Ground;
use super::super::sanitized::Program;
use super::{MEMORY_MIB, TIMEOUT_S, Target};
use crate::tools::{openly, quietly};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What all processes of a run have.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) program: Program,
    /// Where what they came to is kept: inputs that go new ways, and those that were found wrong.
    pub(super) kept: PathBuf,
    pub(super) crate_folder: PathBuf,
}

/// One process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job<'a> {
    pub(super) target: &'a Target,
    pub(super) runs: u64,
    pub(super) seed: u64,
}

/// What it came to.
#[derive(Debug)]
pub(super) struct Outcome {
    target: &'static str,
    pub(super) runs: u64,
    /// Edges and counters that were reached, and inputs that are kept, as libFuzzer counts them.
    coverage: u64,
    features: u64,
    corpus: u64,
    took: Duration,
    pub(super) finding: Option<String>,
}

impl Outcome {
    /// Both together; they had one corpus, so that what they reached is nearly the same.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            target: self.target,
            runs: self.runs + other.runs,
            coverage: self.coverage.max(other.coverage),
            features: self.features.max(other.features),
            corpus: self.corpus.max(other.corpus),
            took: self.took.max(other.took),
            finding: self.finding.or(other.finding),
        }
    }

    /// For the table.
    pub(super) fn line(&self) -> String {
        let Self { target, runs, coverage, features, corpus, took, finding } = self;
        let found = u32::from(finding.is_some());
        let seconds = took.as_secs();
        format!(
            "{target:<8} {runs:>9} executions {seconds:>5} s {coverage:>6} edges {features:>7} features \
             {corpus:>6} inputs kept, {found} found"
        )
    }
}

impl Bench {
    fn corpus(&self, target: &str) -> PathBuf {
        self.kept.join("corpus").join(target)
    }

    fn findings(&self) -> PathBuf {
        self.kept.join("findings")
    }

    /// Makes the folders, and the seeds in them.
    pub(super) fn prepare<'t>(
        &self,
        targets: impl Iterator<Item = &'t Target>,
        resume: bool,
    ) -> Result<(), String> {
        let make = |path: &Path| {
            fs::create_dir_all(path).map_err(|e| format!("cannot make {}: {e}", path.display()))
        };
        make(&self.findings())?;
        for target in targets {
            let corpus = self.corpus(target.name);
            if !resume && corpus.exists() {
                fs::remove_dir_all(&corpus)
                    .map_err(|e| format!("cannot clear {}: {e}", corpus.display()))?;
            }
            make(&corpus)?;
            let ground = Ground::new()?;
            let mut command = self.command(target.name, &ground);
            command.env("COHABIT_FUZZ_SEEDS", &corpus);
            quietly(command)?;
        }
        Ok(())
    }

    fn command(&self, target: &str, ground: &Ground) -> Command {
        let mut command = self.program.command();
        command.env("COHABIT_FUZZ_TARGET", target).env("COHABIT_DIR", ground.folder());
        command.stdin(Stdio::null());
        command
    }

    /// Runs one process to its end.
    pub(super) fn fuzz(&self, job: &Job<'_>) -> Result<Outcome, String> {
        let ground = Ground::new()?;
        let name = job.target.name;
        let mut command = self.command(name, &ground);
        let option = |name: &str, value: u64| format!("-{name}={value}");
        command.args([
            option("runs", job.runs),
            option("seed", job.seed % u64::from(u32::MAX)),
            option("max_len", job.target.longest),
            option("timeout", TIMEOUT_S),
            option("rss_limit_mb", MEMORY_MIB),
            // Ours go to /dev/null; libFuzzer's, and reports, are on standard error.
            "-close_fd_mask=1".to_owned(),
            "-print_final_stats=1".to_owned(),
            "-detect_leaks=0".to_owned(),
            "-reload=1".to_owned(),
            format!("-artifact_prefix={}/{name}-", self.findings().display()),
            format!("-dict={}", self.crate_folder.join("words.dict").display()),
        ]);
        command.arg(self.corpus(name));
        let found = self.crate_folder.join("found").join(name);
        if found.is_dir() {
            command.arg(found);
        }
        let started = Instant::now();
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let output = command.output().map_err(|error| format!("{name} does not start: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = said.lines().rfind(|line| line.contains(" cov: ")).unwrap_or_default();
        let finding = (!output.status.success()).then(|| report(name, &said));
        Ok(Outcome {
            target: job.target.name,
            runs: after(&said, "stat::number_of_executed_units: ").max(number_at_start(last)),
            coverage: after(last, " cov: "),
            features: after(last, " ft: "),
            corpus: after(last, " corp: "),
            took: started.elapsed(),
            finding,
        })
    }

    /// Runs one input, under the eyes of a person.
    pub(super) fn again(&self, target: &str, input: &Path) -> Result<(), String> {
        let ground = Ground::new()?;
        let input =
            input.canonicalize().map_err(|e| format!("no input {}: {e}", input.display()))?;
        openly(self.command(target, &ground).arg(input))
    }
}

/// What a process said of its finding, as far as a person wants it: from the report on, with the input's name.
fn report(target: &str, said: &str) -> String {
    let begins = |line: &&str| {
        line.contains("panicked at") || line.contains("ERROR: ") || line.contains("SUMMARY")
    };
    let lines: Vec<&str> = said.lines().collect();
    let start = lines.iter().position(begins).unwrap_or(lines.len().saturating_sub(40));
    let input = lines
        .iter()
        .find(|line| line.contains("Test unit written to"))
        .copied()
        .unwrap_or_default();
    let input = input.rsplit(' ').next().unwrap_or_default();
    let text = lines[start..].iter().take(60).copied().collect::<Vec<_>>().join("\n");
    format!("{text}\nagain: cargo xtask lab fuzz --target {target} --input {input}")
}

/// The number behind a text; 0 if there is none.
fn after(text: &str, what: &str) -> u64 {
    let rest = text.rfind(what).map_or("", |at| &text[at + what.len()..]);
    let digits = rest.trim_start().split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// The number of the execution, with which libFuzzer's lines begin: `#1234`.
fn number_at_start(line: &str) -> u64 {
    after(line, "#")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libfuzzers_lines_are_read() {
        let line =
            "#4194304\tpulse  cov: 1273 ft: 5610 corp: 801/38Kb lim: 256 exec/s: 52428 rss: 501Mb";
        assert_eq!(
            (number_at_start(line), after(line, " cov: "), after(line, " ft: ")),
            (4_194_304, 1273, 5610)
        );
        assert_eq!(after(line, " corp: "), 801);
        assert_eq!(after("stat::number_of_executed_units: 777\n", "units: "), 777);
        assert_eq!(after("", " cov: "), 0);
    }
}

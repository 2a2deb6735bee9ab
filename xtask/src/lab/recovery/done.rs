//! What a long run has done already, so that it can go on where it was interrupted.
//!
//! A line for each state of a first process with which all states of its victim were run, appended to a
//! file below the target folder, whose first line says of which commit. A run without `--resume`, or of
//! another commit, begins a new one: what another library survived proves nothing of this one.
use crate::lab::evidence;
use crate::tools::target_dir;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// What was found with the first one in one state, or in several.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row {
    /// States that the victim has.
    pub(super) states: usize,
    /// Those in which it was stopped and judged.
    pub(super) cases: usize,
    pub(super) violations: usize,
    pub(super) missed: usize,
    pub(super) slowest_ms: f64,
}

impl Row {
    /// Takes another one into account.
    pub(super) fn add(&mut self, other: &Row) {
        self.states += other.states;
        self.cases += other.cases;
        self.violations += other.violations;
        self.missed += other.missed;
        self.slowest_ms = self.slowest_ms.max(other.slowest_ms);
    }

    fn parse(text: &str) -> Option<Row> {
        let mut words = text.split(' ');
        let mut number = || words.next()?.parse::<usize>().ok();
        let (states, cases) = (number()?, number()?);
        let (violations, missed) = (number()?, number()?);
        Some(Row { states, cases, violations, missed, slowest_ms: words.next()?.parse().ok()? })
    }

    fn text(&self) -> String {
        let Row { states, cases, violations, missed, slowest_ms } = self;
        format!("{states} {cases} {violations} {missed} {slowest_ms:.1}")
    }
}

/// The file, and what it said at first.
#[derive(Debug)]
pub(super) struct Done {
    rows: HashMap<(String, usize), Row>,
    file: Option<Mutex<File>>,
}

impl Done {
    /// Opens the file of a seed; a run that is not recorded has none.
    pub(super) fn open(seed: u64, recorded: bool, resume: bool) -> Result<Self, String> {
        if !recorded {
            return Ok(Self { rows: HashMap::new(), file: None });
        }
        let path = target_dir().join(format!("lab-recovery-{seed}.done"));
        let head = format!("{}\n", evidence::commit());
        let said = resume.then(|| fs::read_to_string(&path).ok()).flatten();
        let said = said.filter(|said| said.starts_with(&head)).unwrap_or(head);
        let in_words = |error| format!("{}: {error}", path.display());
        fs::write(&path, &said).map_err(in_words)?;
        let file = File::options().append(true).open(&path).map_err(in_words)?;
        let rows = said.lines().skip(1).filter_map(parse).collect::<HashMap<_, _>>();
        if resume {
            println!("{} states of first ones were run before", rows.len());
        }
        Ok(Self { rows, file: Some(Mutex::new(file)) })
    }

    /// What was found before with the first one of a pair in the state of this number.
    pub(super) fn find(&self, pair: &str, state: usize) -> Option<Row> {
        self.rows.get(&(pair.to_owned(), state)).cloned()
    }

    /// Notes what was found. Where a state was missed, it is sought again by a run that goes on.
    pub(super) fn note(&self, pair: &str, state: usize, row: &Row) -> Result<(), String> {
        let Some(file) = self.file.as_ref().filter(|_| row.missed == 0) else { return Ok(()) };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let line = format!("{pair}\t{state}\t{}\n", row.text());
        file.write_all(line.as_bytes()).map_err(|error| format!("noting what is done: {error}"))
    }
}

/// A line; one that was cut by the interruption says nothing.
fn parse(line: &str) -> Option<((String, usize), Row)> {
    let mut fields = line.split('\t');
    let key = (fields.next()?.to_owned(), fields.next()?.parse().ok()?);
    Some((key, Row::parse(fields.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_noted_and_half_a_line_nothing() {
        let row = Row { states: 40, cases: 39, violations: 1, missed: 2, slowest_ms: 12.5 };
        let line = format!("a + b, two at once\t7\t{}", row.text());
        assert_eq!(parse(&line), Some((("a + b, two at once".to_owned(), 7), row)));
        assert_eq!(parse("a + b, two at once\t7\t40 39"), None);
    }
}

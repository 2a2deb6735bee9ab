//! `lab step --full`: a victim is killed behind every instruction, not only in every state.
//!
//! Between two states nothing that others can see changes, so what survivors find should not depend
//! on where between them the victim dies. Here that is tried instead of believed: the instructions
//! behind each state are counted once, and for each one a new victim is brought to the state, run so
//! many instructions further, and killed.
//!
//! **Order.** A run may be ended by its minutes, and resumed: instructions are taken in strides of
//! about 0.618 of all, so that those that were tried lie evenly wherever it stops. Operations take
//! turns of [`TURN`] kills.
//!
//! **Progress** is kept in a file in the target folder, for one commit and seed: a number for each
//! operation, of how far it got in that order. An operation that has another number of instructions
//! than it had (its path depends on random numbers) begins anew.

use super::step::{self, Outcome, Record, Stage, State};
use super::trace::Method;
use crate::tools::target_dir;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

/// Kills of one operation before the next one has its turn.
pub(super) const TURN: usize = 500;
/// How often an instruction is sought.
const TRIES: usize = 2;

/// One instruction of an operation: so many behind a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    state: usize,
    behind: usize,
}

/// All instructions of an operation, in order.
pub(super) fn places(states: &[State]) -> Vec<Place> {
    let of_state =
        |(state, gap): (usize, usize)| (1..=gap).map(move |behind| Place { state, behind });
    states.iter().map(|state| state.gap).enumerate().flat_map(of_state).collect()
}

/// The distance between two that are tried one after the other: nearly 0.618 of all, and prime to it.
fn stride(count: usize) -> usize {
    let near = count * 618 / 1000;
    (near.max(1)..=count).find(|stride| gcd(*stride, count) == 1).unwrap_or(1)
}

fn gcd(one: usize, other: usize) -> usize {
    if other == 0 { one } else { gcd(other, one % other) }
}

/// How far an operation got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// Instructions that were tried.
    pub(super) done: usize,
    /// Those of them that no victim passed again: its path depends on time or on random numbers.
    pub(super) missed: usize,
    /// All that the operation has.
    pub(super) all: usize,
}

impl Reached {
    /// The same, if the operation still has so many instructions; else nothing.
    pub(super) fn of_all(self, all: usize) -> Self {
        if self.all == all { self } else { Self { all, ..Self::default() } }
    }

    /// Whether all were tried.
    pub(super) fn is_whole(self) -> bool {
        self.done == self.all && self.all > 0
    }
}

/// How far each operation got, kept in a file.
#[derive(Debug)]
pub(super) struct Progress {
    path: PathBuf,
    of: String,
    reached: BTreeMap<String, Reached>,
}

impl Progress {
    /// What an earlier run left, if it is to be resumed and was of the same commit and seed.
    pub(super) fn load(what: &str, of: String, resume: bool) -> Self {
        let path = target_dir().join("lab").join(format!("instructions-{what}"));
        let text =
            if resume { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
        let reached = parse(&text, &of).unwrap_or_default();
        Self { path, of, reached }
    }

    /// How far one operation got.
    pub(super) fn of(&self, name: &str) -> Reached {
        self.reached.get(name).copied().unwrap_or_default()
    }

    /// All operations together.
    pub(super) fn sum(&self) -> Reached {
        let add = |sum: Reached, one: &Reached| Reached {
            done: sum.done + one.done,
            missed: sum.missed + one.missed,
            all: sum.all + one.all,
        };
        self.reached.values().fold(Reached::default(), add)
    }

    /// Notes how far one operation got, in the file too.
    pub(super) fn note(&mut self, name: &str, reached: Reached) -> Result<(), String> {
        self.reached.insert(name.to_owned(), reached);
        let mut text = format!("{}\n", self.of);
        for (name, Reached { done, missed, all }) in &self.reached {
            let _ = writeln!(text, "{done} {missed} {all} {name}");
        }
        let folder = self.path.parent().map_or(Ok(()), fs::create_dir_all);
        // Written beside and renamed: who is interrupted here resumes from the line before.
        let beside = self.path.with_extension("new");
        let written = folder.and_then(|()| fs::write(&beside, text));
        let renamed = written.and_then(|()| fs::rename(&beside, &self.path));
        renamed.map_err(|e| format!("cannot write {}: {e}", self.path.display()))
    }
}

/// What a progress file says; nothing where it is of another run.
fn parse(text: &str, of: &str) -> Option<BTreeMap<String, Reached>> {
    let mut lines = text.lines();
    if lines.next()? != of {
        return None;
    }
    let entry = |line: &str| {
        let mut words = line.splitn(4, ' ');
        let mut number = || words.next()?.parse().ok();
        let reached = Reached { done: number()?, missed: number()?, all: number()? };
        Some((words.next()?.to_owned(), reached))
    };
    lines.map(entry).collect()
}

/// Kills one victim behind each of the next [`TURN`] instructions, as long as there is time.
pub(super) fn turn(
    stage: &mut dyn Stage,
    record: &Record,
    before: Reached,
    until: Option<Instant>,
) -> Result<(Reached, Outcome), String> {
    let start = Instant::now();
    let places = places(&record.states);
    let all = places.len();
    let stride = stride(all);
    let mut reached =
        if before.all == all { before } else { Reached { all, ..Reached::default() } };
    let mut outcome = Outcome::default();
    for number in (reached.done..all).take(TURN) {
        if until.is_some_and(|until| Instant::now() > until) {
            break;
        }
        let place = places[number * stride % all];
        let state = &record.states[place.state];
        match kill_behind(stage, state, place.behind)? {
            None => reached.missed += 1,
            Some(verdict) => {
                outcome.kills += 1;
                outcome.slowest = outcome.slowest.max(verdict.recovered);
                let name =
                    format!("{} instructions behind {}", place.behind, step::describe(state));
                let named = verdict.violations.iter().map(|text| format!("{name}: {text}"));
                outcome.violations.extend(named);
            }
        }
        reached.done += 1;
    }
    outcome.took = start.elapsed();
    Ok((reached, outcome))
}

fn kill_behind(
    stage: &mut dyn Stage,
    state: &State,
    instructions: usize,
) -> Result<Option<step::Verdict>, String> {
    for _ in 0..TRIES {
        let (mut victim, mut remains) = stage.raise(Method::Faults)?;
        let there = step::reach(stage, &mut victim, &mut remains, state.position)?;
        let advanced = there.then(|| victim.advance(instructions, &mut remains));
        match advanced.transpose().map_err(|error| format!("stepping: {error}"))? {
            Some(true) => return stage.judge(victim, &mut remains, state).map(Some),
            _ => stage.clear(victim)?,
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_has_its_turn_once() {
        for count in 1..200 {
            let stride = stride(count);
            let mut met: Vec<usize> = (0..count).map(|number| number * stride % count).collect();
            met.sort_unstable();
            assert!(met.into_iter().eq(0..count), "{count}");
        }
    }

    #[test]
    fn progress_is_that_of_the_same_run_only() {
        let one = Reached { done: 3, missed: 1, all: 9 };
        let read = parse("commit seed 1\n3 1 9 set (72 bytes)\n", "commit seed 1");
        assert_eq!(read, Some(BTreeMap::from([("set (72 bytes)".to_owned(), one)])));
        assert_eq!(parse("commit seed 1\n3 1 9 set\n", "commit seed 2"), None);
        assert_eq!(parse("commit seed 1\n3 1\n", "commit seed 1"), None);
        assert_eq!(parse("", "commit seed 1"), None);
    }
}

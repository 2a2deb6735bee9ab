//! Killed twice: recovery is itself an operation whose process may be killed in any state.
//!
//! For each state of an operation that begins or ends an instance, a first victim is killed there.
//! A second one then opens or creates, so that it recovers what the first left, and is killed in
//! turn, in [`SAMPLES`] of its states, spread over all of them and shifted by the seed and the
//! first state.
use super::list::{self, Operation};
use super::oracle::life::LifeStage;
use super::step::{self, Outcome, Record, State};
use super::trace::Method;
use std::time::Instant;

/// Operations in which the first victim is killed.
pub(super) const FIRSTS: &[&str] = &[
    "create",
    "open_or_create__over_orphan",
    "leave_last",
    "exit_last",
    "build_fails",
    "machine_create",
    "machine_open_or_create__over_orphan",
    "machine_leave_last",
];
/// States of the second victim for each of the first.
const SAMPLES: usize = 4;
/// What the second victim does, where the first one did.
const SECOND: &str = "open_or_create";

/// Kills a victim in every state of `first`, and a second one in states of its recovery.
pub(super) fn run(first: &'static Operation, seed: u64) -> Result<(Vec<State>, Outcome), String> {
    let start = Instant::now();
    let states = step::record(&mut LifeStage::new(first, seed)?, Method::Faults)?.states;
    let second = list::of_life()
        .find(|operation| operation.deed() == SECOND && operation.realm() == first.realm());
    let mut stage = LifeStage::new(second.ok_or("the second operation is not listed")?, seed)?;
    let mut all = Outcome::default();
    for (index, state) in states.iter().enumerate() {
        stage.kill_first(first, state.position);
        let record = step::record(&mut stage, Method::Faults)?;
        let shift = usize::try_from(seed).unwrap_or(0).wrapping_add(index).wrapping_mul(7);
        let outcome = step::replay(&mut stage, &sample(record, shift))?;
        let name =
            |text: &String| format!("first killed in {} ({}): {text}", state.position, state.label);
        all.kills += outcome.kills;
        all.slowest = all.slowest.max(outcome.slowest);
        all.violations.extend(outcome.violations.iter().map(name));
        all.missed.extend(outcome.missed.iter().map(name));
    }
    all.took = start.elapsed();
    Ok((states, all))
}

/// Some of the states, at equal distances, beginning at `shift`.
fn sample(record: Record, shift: usize) -> Record {
    let count = record.states.len();
    let chosen = (0..SAMPLES.min(count)).map(|n| (shift + n * count / SAMPLES) % count);
    let states = chosen.map(|index| record.states[index].clone()).collect();
    Record { states, ..record }
}

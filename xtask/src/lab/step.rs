//! The stepper: records the states of an operation, then kills a fresh victim at each of them.
//!
//! **Method.** A first run of the operation yields the list of its states. Then, for each state,
//! the stage is set anew, a new victim is brought to that state (by its [`Position`], two ordinals)
//! and handed to the stage, which kills it and lets the survivors prove what is promised. A victim
//! that does not pass the state again (an operation whose waits depend on time may take another
//! path) is tried [`TRIES`] times; a state that is missed each time is reported, and counts as a
//! failure.
use super::calls;
use super::raw::Waited;
use super::remains::Remains;
use super::trace::{Event, Method, Position, Victim};
use std::time::{Duration, Instant};

/// How often a state is sought.
const TRIES: usize = 16;
/// More states than any operation has: a victim that goes round in circles is told apart by it.
const STATES_MAX: usize = 20_000;

/// A place where the victim may be killed.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Its name.
    pub(super) position: Position,
    /// What just happened, for people.
    pub(super) label: String,
    /// Address of the next instruction, for people.
    pub(super) address: u64,
    /// Number of instructions that follow before the next state; 0 where they were not counted.
    pub(super) gap: usize,
}

/// What a case showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// Each promise that was broken, in a sentence.
    pub(super) violations: Vec<String>,
    /// From the kill until the survivors were done.
    pub(super) recovered: Duration,
}

/// What an oracle provides: the stage on which one operation is run and its victim killed.
pub(super) trait Stage {
    /// Sets the stage of one case and starts its victim, traced, in front of the operation.
    fn raise(&mut self, method: Method) -> Result<(Victim, Remains), String>;
    /// The victim just passed a state; who waits may be helped.
    fn passed(&mut self, event: &Event, remains: &mut Remains) -> Result<(), String>;
    /// Kills the victim, which stands in `state`, and judges what the survivors find.
    fn judge(
        &mut self,
        victim: Victim,
        remains: &mut Remains,
        state: &State,
    ) -> Result<Verdict, String>;
    /// The victim is through with its operation, unharmed: what is not as the operation promises.
    fn finished(&mut self, victim: &Victim, remains: &mut Remains) -> Result<Vec<String>, String>;
    /// Clears the stage of a case that is not judged.
    fn clear(&mut self, victim: Victim) -> Result<(), String>;
}

/// What became of one operation.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// Number of victims killed and judged.
    pub(super) kills: usize,
    /// Broken promises, each with its state.
    pub(super) violations: Vec<String>,
    /// States that could not be reached again.
    pub(super) missed: Vec<String>,
    /// The longest time that the survivors took.
    pub(super) slowest: Duration,
    /// Time for everything.
    pub(super) took: Duration,
}

/// What the first run of an operation showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// Its states, in order.
    pub(super) states: Vec<State>,
    /// What the operation did not do although nobody disturbed it.
    pub(super) violations: Vec<String>,
}

/// Records the states of the operation, and checks that it does what it should when it is let.
pub(super) fn record(stage: &mut dyn Stage, method: Method) -> Result<Record, String> {
    record_to_wait(stage, method, usize::MAX)
}

/// The same, but to the wait of this number only: of an operation that waits for one that stands still,
/// there is no end.
pub(super) fn record_to_wait(
    stage: &mut dyn Stage,
    method: Method,
    waits_max: usize,
) -> Result<Record, String> {
    let (mut victim, mut remains) = stage.raise(method)?;
    let mut states = vec![State {
        position: victim.position(),
        label: "before the operation".to_owned(),
        address: victim.address(),
        gap: 0,
    }];
    let mut waits = 0;
    let end = loop {
        let event = victim.next(&mut remains).map_err(|error| format!("tracing: {error}"))?;
        if let Some(last) = states.last_mut() {
            last.gap = victim.steps();
        }
        if matches!(event, Event::End | Event::Gone(_)) {
            break event;
        }
        let (position, address) = (victim.position(), victim.address());
        states.push(State { position, label: label(&event), address, gap: 0 });
        waits += usize::from(is_wait(&event));
        if waits == waits_max {
            stage.clear(victim)?;
            return Ok(Record { states, violations: Vec::new() });
        }
        stage.passed(&event, &mut remains)?;
        if states.len() > STATES_MAX {
            return Err(format!("the operation has more than {STATES_MAX} states"));
        }
    };
    let mut violations = stage.finished(&victim, &mut remains)?;
    let exit = match end {
        Event::Gone(how) => how,
        _ => victim.run_to_exit(&mut remains).map_err(|error| format!("tracing: {error}"))?,
    };
    if exit != Waited::Exited(0) {
        violations.push(format!("the victim was let, and ended by {exit:?}"));
    }
    stage.clear(victim)?;
    Ok(Record { states, violations })
}

/// Kills one victim in each of the states.
pub(super) fn replay(stage: &mut dyn Stage, record: &Record) -> Result<Outcome, String> {
    let start = Instant::now();
    let undisturbed = record.violations.iter().map(|text| format!("undisturbed: {text}"));
    let mut outcome = Outcome { violations: undisturbed.collect(), ..Outcome::default() };
    for state in &record.states {
        match reach_and_judge(stage, state)? {
            None => outcome.missed.push(describe(state)),
            Some(verdict) => {
                outcome.kills += 1;
                outcome.slowest = outcome.slowest.max(verdict.recovered);
                let named = verdict.violations.iter();
                outcome.violations.extend(named.map(|text| format!("{}: {text}", describe(state))));
            }
        }
    }
    outcome.took = start.elapsed();
    Ok(outcome)
}

/// A state in words.
pub(super) fn describe(state: &State) -> String {
    format!("state {} ({}, at {:#x})", state.position, state.label, state.address)
}

fn reach_and_judge(stage: &mut dyn Stage, state: &State) -> Result<Option<Verdict>, String> {
    for _ in 0..TRIES {
        let (mut victim, mut remains) = stage.raise(Method::Faults)?;
        if reach(stage, &mut victim, &mut remains, state.position)? {
            return stage.judge(victim, &mut remains, state).map(Some);
        }
        stage.clear(victim)?;
    }
    Ok(None)
}

/// Brings the victim to a position; false where it took another path.
pub(super) fn reach(
    stage: &mut dyn Stage,
    victim: &mut Victim,
    remains: &mut Remains,
    goal: Position,
) -> Result<bool, String> {
    while victim.position() < goal {
        let event = victim.next(remains).map_err(|error| format!("tracing: {error}"))?;
        if matches!(event, Event::End | Event::Gone(_)) {
            return Ok(false);
        }
        if victim.position() < goal {
            stage.passed(&event, remains)?;
        }
    }
    Ok(victim.position() == goal)
}

/// Whether the victim is about to wait for somebody.
fn is_wait(event: &Event) -> bool {
    matches!(*event, Event::Enter { number, args } if calls::is_wait(number, args))
}

/// What an event is called.
fn label(event: &Event) -> String {
    match event {
        Event::Enter { number, .. } => format!("enter {}", calls::name(*number)),
        Event::Exit { number, value } => format!("exit {} = {value}", calls::name(*number)),
        Event::Changed(changes) => {
            let parts = changes.iter().map(|change| format!("+{} of {}", change.at, change.size));
            format!("bytes {}", parts.collect::<Vec<_>>().join(", "))
        }
        Event::End => "end".to_owned(),
        Event::Gone(how) => format!("gone: {how:?}"),
    }
}

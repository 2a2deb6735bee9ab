//! The whole run of `lab step --full`: operations take turns on all processors, until all
//! instructions were tried or the minutes are over.

use super::instruction::{self, Progress, Reached};
use super::run::{Job, print_violations, stage_of};
use super::step::{self, Outcome, Record};
use super::trace::Method;
use super::{StepArgs, evidence};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often the run says how far it got.
const SAYS: Duration = Duration::from_secs(30);

/// What all turns showed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    /// How far all operations got.
    pub(super) reached: Reached,
    /// Victims killed in this run; an earlier one that is resumed is not counted.
    pub(super) kills: usize,
    /// Broken promises.
    pub(super) violations: usize,
}

/// What the workers share.
struct Shared {
    /// Operations that wait for their turn; the first one counts the instructions only, so that it is
    /// soon known how many there are.
    queue: VecDeque<(usize, Option<Record>)>,
    progress: Progress,
    totals: Totals,
    said: Instant,
    failed: Option<String>,
}

/// Kills behind each instruction of the operations.
pub(super) fn run(jobs: &[Job], args: &StepArgs) -> Result<Totals, String> {
    let until = args.minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let of = format!("{} seed {}", evidence::commit(), args.seed);
    let stepped = |job: &&Job| !job.operation.served;
    for job in jobs.iter().filter(|job| !stepped(job)) {
        println!("{}: only by states, since the library's waiting thread takes part", job.name);
    }
    let jobs: Vec<&Job> = jobs.iter().filter(stepped).collect();
    let shared = Mutex::new(Shared {
        queue: (0..jobs.len()).map(|index| (index, None)).collect(),
        progress: Progress::load(&args.name(), of, args.resume),
        totals: Totals::default(),
        said: Instant::now(),
        failed: None,
    });
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work(&jobs, args, until, &shared));
        }
    });
    let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    let totals = Totals { reached: shared.progress.sum(), ..shared.totals };
    say(totals);
    if !totals.reached.is_whole() {
        println!("the minutes are over; go on with --resume");
    }
    shared.failed.map_or(Ok(totals), Err)
}

/// Takes turns until there are none.
fn work(jobs: &[&Job], args: &StepArgs, until: Option<Instant>, shared: &Mutex<Shared>) {
    let is_over = || until.is_some_and(|until| Instant::now() > until);
    // The lock is let go before the turn: a guard in the head of a loop would be held in its body.
    let next = || if is_over() { None } else { lock(shared).queue.pop_front() };
    while let Some((index, record)) = next() {
        let job = jobs[index];
        let before = lock(shared).progress.of(&job.name);
        let outcome = turn(job, record, before, args, until);
        let mut shared = lock(shared);
        let noted = outcome.and_then(|(record, reached, outcome)| {
            shared.totals.kills += outcome.kills;
            shared.totals.violations += outcome.violations.len();
            print_violations(&job.name, &outcome);
            if reached.done < reached.all {
                shared.queue.push_back((index, Some(record)));
            }
            shared.progress.note(&job.name, reached)
        });
        if let Err(error) = noted {
            println!("FAILED {}: {error}", job.name);
            shared.failed = Some(format!("{}: {error}", job.name));
        }
        if shared.said.elapsed() > SAYS {
            shared.said = Instant::now();
            say(Totals { reached: shared.progress.sum(), ..shared.totals });
        }
    }
}

fn turn(
    job: &Job,
    record: Option<Record>,
    before: Reached,
    args: &StepArgs,
    until: Option<Instant>,
) -> Result<(Record, Reached, Outcome), String> {
    let stage = &mut *stage_of(job, args.seed)?;
    let Some(record) = record else {
        let record = step::record(stage, Method::Steps)?;
        let reached = before.of_all(instruction::places(&record.states).len());
        return Ok((record, reached, Outcome::default()));
    };
    let (reached, outcome) = instruction::turn(stage, &record, before, until)?;
    Ok((record, reached, outcome))
}

fn say(totals: Totals) {
    let Reached { done, missed, all } = totals.reached;
    let (kills, violations) = (totals.kills, totals.violations);
    println!(
        "instructions: {done} of {all} tried, {missed} of them not passed again; {kills} kills now, \
         {violations} violations"
    );
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

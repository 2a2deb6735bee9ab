//! The long protocols, along schedules that shuttle draws: what loom cannot come to the end of.
//!
//! As under loom, the files of the protocols are the library's own. What stands under them is made here:
//! - `memory`: what C++ says of atomics, so that what Arm may reorder is reordered, and SeqCst orders more
//!   than AcqRel. Shuttle's own atomics know no order but one;
//! - `process`: a process dies at one of its steps, and only later, by a step of its own, does the kernel
//!   say so. Both are events of the schedule;
//! - `sleep`: the kernel's queues of those who wait, in which a wake-up can die with the one that it woke; and a
//!   clock, which goes on when a sleep ends by itself, or never, so that who is not woken sleeps for ever.
//!
//! A model is run along so many schedules: half of them are drawn step by step, half by priorities (S.
//! Burckhardt and others, "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", 2010).
//! Shuttle prints the schedule along which a model failed; `COHABIT_SCHEDULE` runs that one again.

mod lock_models;
pub(crate) mod memory;
mod mutex_models;
pub(crate) mod primitive;
pub(crate) mod process;
pub(crate) mod shell;
mod signal_models;
pub(crate) mod sleep;
mod value_models;
mod word_models;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

pub(crate) use sleep::Time;

/// Schedules of each model, unless `COHABIT_SCHEDULES` says how many.
const SCHEDULES: usize = 2_000;
/// How often PCT lets another one go first.
const CHANGES: usize = 4;
/// More steps than any model has: what makes more goes round in circles, or waits in vain.
const STEPS_MAX: usize = 20_000;

/// Runs a model along many schedules.
///
/// # Panics
/// The model does, or two wait for each other, or it does not end.
pub(crate) fn explore(time: Time, model: fn()) {
    if let Ok(schedule) = std::env::var("COHABIT_SCHEDULE") {
        run(ReplayScheduler::new_from_encoded(&schedule), time, model);
        return;
    }
    let schedules = number("COHABIT_SCHEDULES").unwrap_or(SCHEDULES);
    let seed = number("COHABIT_SEED").unwrap_or_default() as u64;
    let drawn = schedules.div_ceil(2);
    run(RandomScheduler::new_from_seed(seed, drawn), time, model);
    run(PctScheduler::new_from_seed(seed, CHANGES, schedules - drawn), time, model);
}

fn run(scheduler: impl Scheduler + 'static, time: Time, model: fn()) {
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.stack_size = 0x10000;
    Runner::new(scheduler, config).run(move || {
        memory::begin();
        sleep::begin(time);
        process::begin();
        model();
    });
}

fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

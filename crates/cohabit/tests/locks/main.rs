//! Locks in shared memory between real processes: held by one at a time, told after a death, never
//! taken from the living, fair, and unimpressed by hostile bytes.
#![cfg_attr(windows, allow(unused_imports, reason = "some are of tests that are not for Windows"))]

#[path = "../support/mod.rs"]
mod support;

mod barrier;
mod deaths;
mod events;
mod fairness;
mod hostile;
mod ledger;
mod mutex;
mod once;
mod queue;
mod rw_lock;
mod semaphore;
mod shelf;
mod storm;
mod who;

roles! {
    "ledger" => ledger::ledger,
    "listener" => events::listener,
    "holds-number" => events::holds_number,
    "elsewhere" => events::elsewhere,
    "producer" => queue::producer,
    "consumer" => queue::consumer,
    #[cfg(unix)]
    "forks" => mutex::forks,
    "threads" => mutex::threads,
    "party" => barrier::party,
    "lone-square" => barrier::lone_square,
    "taker" => fairness::taker,
    "pupil" => once::pupil,
    "alone" => once::alone,
    "shelf" => shelf::shelf,
    "crowd" => rw_lock::crowd,
    "rw-threads" => rw_lock::rw_threads,
    #[cfg(unix)]
    "rw-forks" => rw_lock::rw_forks,
    "permits" => semaphore::permits,
    "guest" => semaphore::guest,
    "permit-threads" => semaphore::permit_threads,
    #[cfg(unix)]
    "permit-forks" => semaphore::permit_forks,
    "worker" => storm::worker,
    "lodger" => who::lodger,
    "user" => hostile::user,
    "vandal" => hostile::vandal,
}

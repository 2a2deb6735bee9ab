//! The protocols of cohabit, run under the schedules that the memory model allows, with processes that die
//! between any two of their steps: by loom under all of them, and by shuttle, what is too long for that, along
//! as many as there is time for.
//!
//! The files of the protocols are those of the library, compiled here with another [`primitive`]. Under
//! loom:
//! - an atomic is loom's, so that what Arm may reorder is reordered here, which x86 hides;
//! - a process is a thread of the model with a number of steps to live. A step is an access to an
//!   atomic. Once they are used up, whatever it does has no effect: that is what others see of a death
//!   at this instruction. At the same moment the kernel says that it is dead;
//! - a wait is a step of the schedule: it returns for no reason, as the contract of waits allows.
//!
//! What loom cannot: it takes SeqCst for AcqRel, so the order of pins against commits is not modelled
//! there, but under shuttle: see [`long`]. Source: C. Norris and B. Demsky, "CDSChecker" (2013), which loom
//! follows.

#![cfg(all(any(loom, shuttle), test))]
#![allow(
    dead_code,
    reason = "the models use the protocols, and not all that the library has beside them"
)]

#[path = "../../cohabit/src/sync/bell.rs"]
mod bell;
#[path = "../../cohabit/src/value/cell.rs"]
mod cell;
mod error;
mod held;
#[path = "../../cohabit/src/lock.rs"]
mod lock;
#[path = "../../cohabit/src/sync/permits.rs"]
mod permits;
#[path = "../../cohabit/src/sync/readers.rs"]
mod readers;
#[path = "../../cohabit/src/sync/run.rs"]
mod run;
#[path = "../../cohabit/src/token.rs"]
mod token;
#[path = "../../cohabit/src/sync/waiting.rs"]
mod waiting;
#[path = "../../cohabit/src/sync/word.rs"]
mod word;

#[cfg(loom)]
mod barrier_models;
#[cfg(loom)]
mod lock_models;
#[cfg(loom)]
mod mutex_models;
#[cfg(loom)]
mod once_models;
#[cfg(loom)]
mod permits_models;
#[cfg(loom)]
mod primitive;
#[cfg(loom)]
mod process;
#[cfg(loom)]
#[path = "../../cohabit/src/sync/round.rs"]
mod round;
#[cfg(loom)]
mod readers_models;
#[cfg(loom)]
mod value_models;

#[cfg(shuttle)]
#[cfg(shuttle)]
#[path = "../../cohabit/src/sync/condvar.rs"]
mod condvar;
#[cfg(shuttle)]
#[path = "../../cohabit/src/sync/event.rs"]
mod event;
#[cfg(shuttle)]
mod long;
#[cfg(shuttle)]
#[path = "../../cohabit/src/growth/marks.rs"]
mod marks;
#[cfg(shuttle)]
#[path = "../../cohabit/src/words/merge.rs"]
mod merge;
#[cfg(shuttle)]
#[path = "../../cohabit/src/sync/outcome.rs"]
mod outcome;
#[cfg(shuttle)]
#[path = "../../cohabit/src/value/pins.rs"]
mod pins;
#[cfg(shuttle)]
use long::{primitive, shell::mutex, shell::plain, shell::site};

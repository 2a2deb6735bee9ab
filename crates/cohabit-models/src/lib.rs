//! The protocols of cohabit, run by loom under every schedule that the memory model allows, with
//! processes that die between any two of their steps.
//!
//! The files of the protocols are those of the library, compiled here with another [`primitive`]:
//! - an atomic is loom's, so that what Arm may reorder is reordered here, which x86 hides;
//! - a process is a thread of the model with a number of steps to live. A step is an access to an
//!   atomic. Once they are used up, whatever it does has no effect: that is what others see of a death
//!   at this instruction. At the same moment the kernel says that it is dead;
//! - a wait is a step of the schedule: it returns for no reason, as the contract of waits allows.
//!
//! What loom cannot: it takes SeqCst for AcqRel, so the order of pins against commits is not modelled
//! here. Source: C. Norris and B. Demsky, "CDSChecker" (2013), which loom follows.

#![cfg(all(loom, test))]
#![allow(
    dead_code,
    reason = "the models use the protocols, and not all that the library has beside them"
)]

#[path = "../../cohabit/src/value/cell.rs"]
mod cell;
mod error;
#[path = "../../cohabit/src/lock.rs"]
mod lock;
mod held;
mod lock_models;
mod mutex_models;
mod once_models;
mod primitive;
mod process;
#[path = "../../cohabit/src/sync/run.rs"]
mod run;
#[path = "../../cohabit/src/token.rs"]
mod token;
mod value_models;
#[path = "../../cohabit/src/sync/waiting.rs"]
mod waiting;
#[path = "../../cohabit/src/sync/word.rs"]
mod word;

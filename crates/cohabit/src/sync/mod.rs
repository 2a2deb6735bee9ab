//! Locks in shared memory, in std's words, of which a death costs nobody more than a moment.
//!
//! - `word`: the lock word · `waiting`: how a call waits · `held`: what this thread holds
//! - `in_place`: plain data used where it stands · `outcome`: what taking a lock may come to
//! - `mutex`: what one thread at a time uses · `rw_lock` (over `readers`): what many read, or one changes
//! - `condvar` (over a `bell`), `event`: waiting for what others say
//! - `barrier` (over the words of a `round`): waiting until all are there
//! - `semaphore` (over `permits` and a `bell`): what only so many do at once
//! - `once`, `once_cell` (both over the word of a `run`): what is done once, and what is set once

mod barrier;
pub(crate) mod bell;
mod condvar;
mod event;
mod held;
mod in_place;
mod mutex;
mod once;
mod once_cell;
mod outcome;
pub(crate) mod permits;
mod readers;
pub(crate) mod round;
pub(crate) mod run;
mod rw_lock;
mod semaphore;
mod shareable;
mod waiting;
pub(crate) mod word;

pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use event::Event;
pub use mutex::{Mutex, MutexGuard};
pub use once::Once;
pub use once_cell::OnceCell;
pub use outcome::{LockError, LockResult};
pub use rw_lock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use semaphore::{Semaphore, SemaphorePermit};

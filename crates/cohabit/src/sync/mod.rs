//! Locks in shared memory, in std's words, of which a death costs nobody more than a moment.
//!
//! - `word`: the lock word · `waiting`: how a call waits · `held`: what this thread holds
//! - `in_place`: plain data used where it stands · `outcome`: what taking a lock may come to
//! - `mutex`: what one thread at a time uses

mod held;
mod in_place;
mod mutex;
mod outcome;
mod waiting;
mod word;

pub use mutex::{Mutex, MutexGuard};
pub use outcome::{LockError, LockResult};

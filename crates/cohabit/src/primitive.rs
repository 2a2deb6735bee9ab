//! What the protocols over shared words stand on: atomics, waiting, and the clock.
//!
//! Protocols ([`crate::lock`], `crate::value::cell`, `crate::value::pins`) take these from here and nothing else of the
//! system, so that the models (`crates/cohabit-models`) can run the very same files with loom's atomics or
//! in a memory of their own, with waits that are steps of a schedule, and with processes that die between
//! any two steps.

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::{AtomicU64, Ordering, fence};
pub(crate) use std::time::Instant;

pub(crate) use cohabit_os::wait::{self, Deadline};

/// How often a contended lock is looked at before the kernel is asked to wait: about a microsecond,
/// within which a small write on another core is done.
pub(crate) const SPINS: u32 = 100;

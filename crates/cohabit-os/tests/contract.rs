//! The contract of cohabit-os, against real processes, for each mechanism that this machine has.
//!
//! A process has one mechanism, so the suite runs itself once more, as another process (`mechanisms`).
//! What one of them does not promise is asserted as such, or printed with the reason.
//!
//! Processes are lined up by pipes, never by sleeping, and no test asserts that anything is fast.
//! Tests run one at a time ([`support::Alone`]): a process that is cloned by hand shares whatever
//! another test has open at that moment, which is what the contract says and not what it tests.
#![cfg(target_os = "linux")]

#[path = "contract/accounts.rs"]
mod accounts;
#[path = "contract/events.rs"]
mod events;
#[path = "contract/files.rs"]
mod files;
#[path = "contract/forks.rs"]
mod forks;
#[path = "contract/handles.rs"]
mod handles;
#[path = "contract/liveness.rs"]
mod liveness;
#[path = "contract/mechanisms.rs"]
mod mechanisms;
#[path = "contract/places.rs"]
mod places;
#[path = "contract/sections.rs"]
mod sections;
#[path = "contract/support.rs"]
mod support;
#[path = "contract/waits.rs"]
mod waits;

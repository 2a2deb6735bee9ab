//! The contract of cohabit-os on every mechanism: with processes that are started, since not every system
//! forks. What Linux alone has (forks, descriptors, byte locks, a filesystem in memory) is in `contract`.
//!
//! Processes are lined up by lines over pipes, never by sleeping, and no test asserts that anything is fast.

#[path = "everywhere/accounts.rs"]
mod accounts;
#[path = "everywhere/files.rs"]
mod files;
#[path = "everywhere/handles.rs"]
mod handles;
#[path = "everywhere/lives.rs"]
mod lives;
#[path = "everywhere/places.rs"]
mod places;
#[path = "everywhere/roles.rs"]
mod roles;
#[path = "everywhere/support.rs"]
mod support;
#[path = "everywhere/waits.rs"]
mod waits;

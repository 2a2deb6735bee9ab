//! The operating system under cohabit: the only crate that knows one.
//!
//! Every concern is a folder. Its `mod.rs` holds the contract, the shared types and one dispatch;
//! every other file in it is one mechanism, with the same functions in the same order, so that
//! comparing two of them shows how two systems differ. There are no types of objects and no
//! policy here: this crate does not know what stands in a segment.
//!
//! | module | contract |
//! |---|---|
//! | [`mapping`] | an unnamed file with reserved pages, published under a name in one step; checked opens; shared maps |
//! | [`handle`] | descriptors that pass from process to process: what one is, and giving one away |
//! | [`place`] | which folder names live in, and who may own and write it |
//! | [`accounts`] | names of users and groups |
//! | [`liveness`] | a byte of a file is held exactly as long as an address space lives; the life section of a name |
//! | [`wait`] | wait on the low half of one or of several shared words until a deadline; wake one or all |
//! | [`event`] | a descriptor that polls as readable while it is raised |
//! | `reactor` | feature `tokio`: such a descriptor in tokio's reactor |
//! | [`thread`] | a thread that takes no signals of the process |
//! | [`fork`] | pages and values that a child begins anew, a process-wide lock that fork respects, an exit hook |
//! | [`process`] | who we are, for display; the boot's id; random bytes |
//! | [`health`] | what the machine is like: room, limits, container, systemd, for people |
//!
//! Four rules hold for all of it.
//!
//! 1. What a system cannot do is [`Error::unsupported`], never a silent difference.
//! 2. Nothing is printed, nothing panics on a peer's account, and no file is unlinked that the
//!    caller did not name together with its [`FileId`](mapping::FileId).
//! 3. Descriptors are close-on-exec, and no call waits without a deadline except
//!    [`fork::process_lock`], whose holders never wait.
//! 4. No reference to mapped memory is made here: a [`Mapping`](mapping::Mapping) hands out an
//!    address and a length, and waits take a word that the caller already has.

pub mod accounts;
pub mod error;
pub mod event;
pub mod fork;
pub mod handle;
pub mod health;
pub mod liveness;
pub mod mapping;
mod mechanism;
pub mod place;
pub mod process;
#[cfg(feature = "tokio")]
pub mod reactor;
pub mod thread;
pub mod wait;
#[cfg(windows)]
mod windows;

pub use error::{Error, Result};
pub use mechanism::{Mechanism, mechanism};

#[cfg(test)]
mod mechanisms;

//! Cells without a protocol between their words: [`Flag`], [`Frozen`], [`Loose`].
//!
//! They are what stands beside values in a `#[shareable]` struct: a bool, what never changes, and
//! what is written by those who bring their own order.

pub(crate) mod bytes;
mod flag;
mod frozen;
mod loose;
mod refusals;

pub use flag::Flag;
pub use frozen::Frozen;
pub use loose::Loose;

//! What people type: types, and conditions on values. docs/cli.md has both grammars.
//!
//! Both are read by recursive descent over the tokens of one [`lexer`]; every error names the place
//! and what was expected there. A type is read straight into the schema's tree, since there is nothing
//! to decide about it; a condition becomes a tree of its own first ([`condition`]), which
//! [`check`] then fits to an object's schema.

pub(crate) mod check;
pub(crate) mod condition;
mod lexer;
mod number;
pub(crate) mod print;
pub(crate) mod types;

#[cfg(test)]
mod bad;
#[cfg(test)]
mod round_trip;

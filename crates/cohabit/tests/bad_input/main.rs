//! Bad input: each row of docs/bad-input.md, each with its own error, and nothing left behind.
//!
//! Every test runs in a process of its own, since it counts what that process holds and sets limits.
//! Rows about names are tested where the rule is, in src/name.rs.
#![cfg_attr(windows, allow(unused_imports, reason = "some are of tests that are not for Windows"))]

#[path = "../support/mod.rs"]
mod support;

mod case;
mod files;
mod handles;
mod locks;
mod resources;
mod running;
mod types;

roles! {
    "user" => support::user::user,
    "dies-inside" => locks::dies_inside,
}

//! Objects of several users of a machine, between real processes under real user ids.
//!
//! Users are numbers that no account needs to have. What takes root is skipped elsewhere, and says so;
//! `cargo xtask test-permissions` runs the whole table, as a plain user inside of a user namespace.
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

mod disk;
mod lock_files;
mod machine;
mod strangers;

roles! {
    "user" => support::user::user,
    "squatter" => strangers::squatter,
}

use support::{Child, World};

/// Users and groups of these tests.
const OWNER: u32 = 4001;
const MEMBER: u32 = 4002;
const OTHER: u32 = 4003;
const OPS: u32 = 4100;

/// Everyone reads, and the group writes.
const BOARD: &str = "machine=e:r,g4100:w";

/// A child of this user; members of the group have it beside their own.
fn user_as(world: &World, uid: u32) -> Child {
    let mut user = world.child("user");
    let group = if uid == MEMBER { format!(" {OPS}") } else { String::new() };
    user.expect(format!("become {uid} {uid}{group}"), "ok");
    user
}

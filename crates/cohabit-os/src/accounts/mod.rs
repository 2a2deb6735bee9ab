//! Names of users and groups, as the system's own databases know them.
//!
//! **Contract.** Answers come from the C library, which asks whatever the machine is configured to
//! ask (nsswitch.conf(5)): files, a directory service. So a look-up may be slow and may fail, and
//! nothing here is called on any path that a second user of an object takes again. A name that
//! nobody knows is `Ok(None)`; ids need no name, and the kernel knows nothing but ids.

#[cfg(unix)]
mod posix;
#[cfg(not(any(unix, windows)))]
mod stub;
#[cfg(all(test, unix))]
#[expect(dead_code, reason = "compiled to prove that it compiles")]
mod stub;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use posix as sys;
#[cfg(not(any(unix, windows)))]
use stub as sys;
#[cfg(windows)]
use windows as sys;

use crate::error::Result;

/// The id of the user of this name.
pub fn user_id(name: &str) -> Result<Option<u32>> {
    sys::user_id(name)
}

/// The id of the group of this name.
pub fn group_id(name: &str) -> Result<Option<u32>> {
    sys::group_id(name)
}

/// The account that people mean by a number, a user or a group. None: numbers mean nothing here, but 0.
pub fn by_number(number: u32) -> Option<u32> {
    sys::by_number(number)
}

/// The name of a user, where it has one.
pub fn user_name(id: u32) -> Option<String> {
    sys::user_name(id)
}

/// The name of a group, where it has one.
pub fn group_name(id: u32) -> Option<String> {
    sys::group_name(id)
}

/// Whether the databases list this user as a member of that group. A user without a name is a member
/// of none.
pub fn is_member(user: u32, group: u32) -> Result<bool> {
    sys::is_member(user, group)
}

/// `name (id)`, or the id alone: for people.
pub fn described(name: Option<String>, id: u32) -> String {
    match name {
        Some(name) => format!("{name} ({id})"),
        None => id.to_string(),
    }
}

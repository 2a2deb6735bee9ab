//! No mechanism: no names are known.

use crate::error::{Error, Result};

pub(super) fn by_number(_number: u32) -> Option<u32> {
    None
}

pub(super) fn user_id(_name: &str) -> Result<Option<u32>> {
    Err(Error::unsupported("look up a user"))
}

pub(super) fn group_id(_name: &str) -> Result<Option<u32>> {
    Err(Error::unsupported("look up a group"))
}

pub(super) fn user_name(_id: u32) -> Option<String> {
    None
}

pub(super) fn group_name(_id: u32) -> Option<String> {
    None
}

pub(super) fn is_member(_user: u32, _group: u32) -> Result<bool> {
    Err(Error::unsupported("look up a user's groups"))
}

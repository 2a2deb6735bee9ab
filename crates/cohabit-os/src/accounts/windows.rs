//! Windows: LookupAccountName, LookupAccountSid, CheckTokenMembership. Users and groups share their names
//! and are told apart by what kind of account they are. The names of those that every Windows has are in its
//! own language; so a name may also be an identifier as text, such as S-1-5-32-545.

use std::ptr;

use windows_sys::Win32::Foundation::{
    ERROR_INVALID_NAME, ERROR_INVALID_PARAMETER, ERROR_NONE_MAPPED,
};
use windows_sys::Win32::Security::{
    CheckTokenMembership, LookupAccountNameW, LookupAccountSidW, PSID, SID_NAME_USE, SidTypeAlias,
    SidTypeGroup, SidTypeUser, SidTypeWellKnownGroup,
};

use crate::error::{Error, Result};
use crate::process::effective_uid;
use crate::windows::{last_error, refused, refused_by, sid, wide};

/// The longest name of an account or of a domain, and its end.
const NAME_MAX: usize = 257;
/// How identifiers begin as text; no name of an account does.
const IDENTIFIER: &str = "S-1-";
/// The system is no user by its kind.
const SYSTEM: u32 = 0;
/// LocalService, NetworkService, and how those of single services (`NT SERVICE\NAME`) begin.
const SERVICES: [&str; 2] = ["S-1-5-19", "S-1-5-20"];
const SERVICE: &str = "S-1-5-80-";

/// The numbers of accounts are this process's own. The system's is the one that everybody knows.
pub(super) fn by_number(number: u32) -> Option<u32> {
    (number == SYSTEM).then_some(number)
}

pub(super) fn user_id(name: &str) -> Result<Option<u32>> {
    Ok(look_up(name)?.filter(|(id, kind)| is_user(*id, *kind)).map(|(id, _)| id))
}

pub(super) fn group_id(name: &str) -> Result<Option<u32>> {
    let found = look_up(name)?.filter(|(_, kind)| is_group(*kind));
    match found {
        // Whom everybody trusts has no number of his own, and no entry of his own in a list.
        Some((SYSTEM, _)) => Err(Error::unsupported("give the administrators rights as a group")),
        found => Ok(found.map(|(id, _)| id)),
    }
}

pub(super) fn user_name(id: u32) -> Option<String> {
    name_of(id).filter(|(_, kind)| is_user(id, *kind)).map(|(name, _)| name)
}

pub(super) fn group_name(id: u32) -> Option<String> {
    name_of(id).filter(|(_, kind)| is_group(*kind)).map(|(name, _)| name)
}

/// Known of this process's own user only; the groups of others are the directory's to say.
pub(super) fn is_member(user: u32, group: u32) -> Result<bool> {
    let Some(group) = sid::of_number(group) else { return Ok(false) };
    if sid::of_number(user).is_none() {
        return Ok(false);
    }
    if user != effective_uid() {
        return Err(Error::unsupported("look up another user's groups"));
    }
    let mut is_member = 0;
    let asked = sid::with(&group, |group| {
        // SAFETY: null stands for this process's own token; `with` gives an identifier.
        unsafe { CheckTokenMembership(ptr::null_mut(), group, &raw mut is_member) }
    })?;
    if asked == 0 { Err(refused("look up a user's groups")) } else { Ok(is_member != 0) }
}

/// Services run as accounts that are well-known groups by their kind.
fn is_user(id: u32, kind: SID_NAME_USE) -> bool {
    let is_services = |sid: String| {
        let own = SERVICES.iter().any(|known| sid == *known) || sid.starts_with(SERVICE);
        own && kind == SidTypeWellKnownGroup
    };
    kind == SidTypeUser || id == SYSTEM || sid::of_number(id).is_some_and(is_services)
}

fn is_group(kind: SID_NAME_USE) -> bool {
    [SidTypeGroup, SidTypeAlias, SidTypeWellKnownGroup].contains(&kind)
}

/// The account of a name, and its kind.
fn look_up(name: &str) -> Result<Option<(u32, SID_NAME_USE)>> {
    // The system takes an empty name for the machine's, and a zero for the end.
    if name.is_empty() || name.contains('\0') {
        return Ok(None);
    }
    if name.starts_with(IDENTIFIER) {
        // Written back, since the same one may be written in several ways.
        let known = sid::with(name, |sid| {
            // SAFETY: `with` gives an identifier.
            unsafe { sid::text(sid) }
        });
        let Ok(Some(sid)) = known else { return Ok(None) };
        return Ok(account_of(&sid).map(|(_, kind)| (sid::number(&sid), kind)));
    }
    let name = wide(name);
    let (mut id, mut domain) = ([0_u64; 16], [0_u16; NAME_MAX]);
    let (mut id_len, mut domain_len) = (size_of_val(&id) as u32, NAME_MAX as u32);
    let mut kind = 0;
    let found: PSID = id.as_mut_ptr().cast();
    // SAFETY: the name ends with zero, and both rooms are ours and as long as is said.
    let got = unsafe {
        LookupAccountNameW(
            ptr::null(),
            name.as_ptr(),
            found,
            &raw mut id_len,
            domain.as_mut_ptr(),
            &raw mut domain_len,
            &raw mut kind,
        )
    };
    if got == 0 {
        return match last_error() {
            ERROR_NONE_MAPPED | ERROR_INVALID_NAME | ERROR_INVALID_PARAMETER => Ok(None),
            code => Err(refused_by("look up an account", code)),
        };
    }
    // SAFETY: the call wrote an identifier there.
    let text = unsafe { sid::text(found) };
    Ok(text.map(|text| (sid::number(&text), kind)))
}

/// The name of an account, and its kind.
fn name_of(id: u32) -> Option<(String, SID_NAME_USE)> {
    account_of(&sid::of_number(id)?)
}

/// The name of the account of an identifier, and its kind.
fn account_of(sid: &str) -> Option<(String, SID_NAME_USE)> {
    let (mut name, mut domain) = ([0_u16; NAME_MAX], [0_u16; NAME_MAX]);
    let (mut name_len, mut domain_len) = (NAME_MAX as u32, NAME_MAX as u32);
    let mut kind = 0;
    let got = sid::with(sid, |sid| {
        // SAFETY: `with` gives an identifier; both rooms are ours and as long as is said.
        unsafe {
            LookupAccountSidW(
                ptr::null(),
                sid,
                name.as_mut_ptr(),
                &raw mut name_len,
                domain.as_mut_ptr(),
                &raw mut domain_len,
                &raw mut kind,
            )
        }
    });
    if got.ok()? == 0 {
        return None;
    }
    let name = &name[..(name_len as usize).min(NAME_MAX)];
    Some((String::from_utf16_lossy(name), kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_known_by_its_identifier_too() {
        const USERS: &str = "S-1-5-32-545";
        let users = group_id(USERS).expect("an answer").expect("every Windows has them");
        let name = group_name(users).expect("a name");
        assert_eq!(group_id(&name).expect("an answer"), Some(users), "{name}");
        assert_eq!(user_id(USERS).expect("an answer"), None, "it is no user");
        assert!(is_member(effective_uid(), users).expect("an answer"));
        group_id("S-1-5-32-544").expect_err("administrators take their rights");
        let service = user_id("S-1-5-19").expect("an answer").expect("every Windows has it");
        assert!(user_name(service).is_some(), "a service runs as it");
        for nobodys in ["S-1-5-21-1-2-3-4711", "S-1-", "S-1-and-more"] {
            assert_eq!(group_id(nobodys).expect("an answer"), None, "{nobodys}");
        }
    }
}

//! Every Unix: getpwnam_r(3), getgrnam_r(3), getgrouplist(3).

use std::ffi::{CStr, CString, c_char, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use crate::error::{Error, Result};

/// Entries are short; the C library says by ERANGE when one is not.
const ROOM: (usize, usize) = (1 << 10, 1 << 20);
/// What getgrouplist(3) takes an id of a group for.
#[cfg(target_vendor = "apple")]
type Gid = c_int;
#[cfg(not(target_vendor = "apple"))]
type Gid = libc::gid_t;
/// No user is in more groups than the kernel takes (NGROUPS_MAX).
const GROUPS_MAX: usize = 1 << 16;

pub(super) fn by_number(number: u32) -> Option<u32> {
    Some(number)
}

pub(super) fn user_id(name: &str) -> Result<Option<u32>> {
    let Ok(name) = CString::new(name) else { return Ok(None) };
    user("getpwnam_r", |entry, room, size, found| {
        // SAFETY: all pointers are to live values of the caller below, and `size` is that of `room`.
        unsafe { libc::getpwnam_r(name.as_ptr(), entry, room, size, found) }
    })
    .map(|user| user.map(|user| user.id))
}

pub(super) fn group_id(name: &str) -> Result<Option<u32>> {
    let Ok(name) = CString::new(name) else { return Ok(None) };
    group("getgrnam_r", |entry, room, size, found| {
        // SAFETY: as above.
        unsafe { libc::getgrnam_r(name.as_ptr(), entry, room, size, found) }
    })
    .map(|group| group.map(|(id, _)| id))
}

pub(super) fn user_name(id: u32) -> Option<String> {
    user_of(id).ok()?.and_then(|user| user.name.into_string().ok())
}

pub(super) fn group_name(id: u32) -> Option<String> {
    let found = group("getgrgid_r", |entry, room, size, found| {
        // SAFETY: as above.
        unsafe { libc::getgrgid_r(id, entry, room, size, found) }
    });
    found.ok()?.and_then(|(_, name)| name.into_string().ok())
}

pub(super) fn is_member(user: u32, group: u32) -> Result<bool> {
    let Some(User { name, group: primary, .. }) = user_of(user)? else { return Ok(false) };
    let mut groups: Vec<u32> = vec![0; 64];
    loop {
        let mut count = c_int::try_from(groups.len()).unwrap_or(c_int::MAX);
        let ids: *mut Gid = groups.as_mut_ptr().cast();
        // SAFETY: the name is one, and `groups` has room for `count` ids, of 32 bits everywhere.
        let all = unsafe { libc::getgrouplist(name.as_ptr(), primary as Gid, ids, &raw mut count) };
        if all >= 0 {
            let count = usize::try_from(count).unwrap_or(0);
            return Ok(groups.iter().take(count).any(|id| *id == group));
        }
        if groups.len() >= GROUPS_MAX {
            return Err(Error::unsupported("getgrouplist"));
        }
        groups.resize(groups.len() * 4, 0);
    }
}

struct User {
    id: u32,
    group: u32,
    name: CString,
}

fn user_of(id: u32) -> Result<Option<User>> {
    user("getpwuid_r", |entry, room, size, found| {
        // SAFETY: as above.
        unsafe { libc::getpwuid_r(id, entry, room, size, found) }
    })
}

/// One of the look-ups: entry, room for its texts and the size of that, where the answer goes.
type LookUp<'a, E> = &'a dyn Fn(*mut E, *mut c_char, usize, *mut *mut E) -> c_int;

fn user(
    step: &'static str,
    ask: impl Fn(*mut libc::passwd, *mut c_char, usize, *mut *mut libc::passwd) -> c_int,
) -> Result<Option<User>> {
    look_up(step, &ask, |entry: &libc::passwd| {
        // SAFETY: a found entry's name ends with a NUL, in the room that lives around this call.
        let name = unsafe { CStr::from_ptr(entry.pw_name) };
        User { id: entry.pw_uid, group: entry.pw_gid, name: name.to_owned() }
    })
}

fn group(
    step: &'static str,
    ask: impl Fn(*mut libc::group, *mut c_char, usize, *mut *mut libc::group) -> c_int,
) -> Result<Option<(u32, CString)>> {
    look_up(step, &ask, |entry: &libc::group| {
        // SAFETY: as for a user's name.
        let name = unsafe { CStr::from_ptr(entry.gr_name) };
        (entry.gr_gid, name.to_owned())
    })
}

fn look_up<E, T>(
    step: &'static str,
    ask: LookUp<'_, E>,
    take: impl Fn(&E) -> T,
) -> Result<Option<T>> {
    let mut size = ROOM.0;
    loop {
        let mut room: Vec<c_char> = vec![0; size];
        let mut entry = MaybeUninit::<E>::zeroed();
        let mut found: *mut E = ptr::null_mut();
        match ask(entry.as_mut_ptr(), room.as_mut_ptr(), room.len(), &raw mut found) {
            0 if found.is_null() => return Ok(None),
            // SAFETY: the C library filled the entry and says so by pointing at it.
            0 => return Ok(Some(take(unsafe { entry.assume_init_ref() }))),
            libc::ERANGE if size < ROOM.1 => size *= 4,
            libc::EINTR => {}
            // What the manual lists as "not found", beside 0.
            libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => return Ok(None),
            errno => return Err(Error::new(step, io::Error::from_raw_os_error(errno))),
        }
    }
}

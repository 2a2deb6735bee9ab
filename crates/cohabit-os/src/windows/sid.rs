//! Accounts: security identifiers as text, and the numbers that this process has for them.
//!
//! The contract of this crate knows accounts by 32-bit numbers, Windows by identifiers of any length.
//! So each identifier that is met gets a number of this process, for as long as it lives: the last part
//! of the identifier, which people know, where no other account has it, else the next free one. Two accounts
//! never share a number, so an owner who is compared by number is compared by identifier. The exception
//! is meant: the system itself and the administrators are 0, whom everybody has to trust.

use std::ptr;
use std::sync::{Mutex, OnceLock, PoisonError};

use windows_sys::Win32::Foundation::{HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{ConvertSidToStringSidW, ConvertStringSidToSidW};
use windows_sys::Win32::Security::{GetTokenInformation, PSID, TOKEN_QUERY, TOKEN_USER, TokenUser};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::{owned, refused, wide};
use crate::error::{Error, Result};

/// The system, the administrators: who can do everything anyhow.
const ALMIGHTY: [&str; 2] = ["S-1-5-18", "S-1-5-32-544"];
/// Numbers from here on are for accounts whose last part another one has.
const OTHERS: u32 = 0xf000_0000;

/// Identifiers that were met, beside their numbers.
static KNOWN: Mutex<Vec<(u32, String)>> = Mutex::new(Vec::new());

/// The number of an account.
pub(crate) fn number(sid: &str) -> u32 {
    if ALMIGHTY.contains(&sid) {
        return 0;
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    // First its own: so it has the same number in all processes of the user, whomever each of them meets.
    if known.is_empty()
        && let Ok(own) = own()
        && !ALMIGHTY.contains(&own)
    {
        known.push((last_part(own), own.to_owned()));
    }
    if let Some((number, _)) = known.iter().find(|(_, text)| text == sid) {
        return *number;
    }
    let last = last_part(sid);
    let is_free = |number: u32| number != 0 && known.iter().all(|(taken, _)| *taken != number);
    let number = std::iter::once(last).chain(OTHERS..=u32::MAX).find(|number| is_free(*number));
    let number = number.unwrap_or(u32::MAX);
    known.push((number, sid.to_owned()));
    number
}

fn last_part(sid: &str) -> u32 {
    sid.rsplit('-').next().and_then(|last| last.parse().ok()).unwrap_or(OTHERS)
}

/// The account that has a number in this process.
pub(crate) fn of_number(number: u32) -> Option<String> {
    if number == 0 {
        return Some(ALMIGHTY[0].to_owned());
    }
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.iter().find(|(taken, _)| *taken == number).map(|(_, text)| text.clone())
}

/// The user that this process runs as.
pub(crate) fn own() -> Result<&'static str> {
    static OWN: OnceLock<String> = OnceLock::new();
    if let Some(own) = OWN.get() {
        return Ok(own);
    }
    let found = ask_token()?;
    Ok(OWN.get_or_init(|| found))
}

fn ask_token() -> Result<String> {
    let step = "ask for this process's user";
    let mut token: HANDLE = ptr::null_mut();
    // SAFETY: the call has no precondition.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: the handle is a constant that stands for this process; `token` is ours.
    if unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(refused(step));
    }
    // SAFETY: the call succeeded, so it is a handle, and nobody else has it.
    let _token = unsafe { owned(token) };
    // An identifier has at most 68 bytes; words, since it must be aligned as a pointer is.
    let mut room = [0_u64; 32];
    let (size, mut used) = (size_of_val(&room) as u32, 0);
    // SAFETY: the room is ours and as long as is said.
    let got = unsafe {
        GetTokenInformation(token, TokenUser, room.as_mut_ptr().cast(), size, &raw mut used)
    };
    if got == 0 {
        return Err(refused(step));
    }
    // SAFETY: the call wrote this struct at the start of the room, which is aligned for it.
    let user = unsafe { room.as_ptr().cast::<TOKEN_USER>().read() };
    // SAFETY: the identifier is in the room.
    unsafe { text(user.User.Sid) }.ok_or_else(|| refused(step))
}

/// An identifier as text.
///
/// # Safety
/// `sid` is null or points to an identifier that lives for the call.
pub(crate) unsafe fn text(sid: PSID) -> Option<String> {
    if sid.is_null() {
        return None;
    }
    let mut made = ptr::null_mut();
    // SAFETY: the caller's contract; `made` is ours.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut made) } == 0 {
        return None;
    }
    // SAFETY: the call made a text that ends with zero.
    let text = unsafe { read_wide(made) };
    // SAFETY: made by the call above, for LocalFree, and not used any more.
    unsafe { LocalFree(made.cast()) };
    Some(text)
}

/// An identifier of its text, for the length of one call.
pub(crate) fn with<T>(text: &str, act: impl FnOnce(PSID) -> T) -> Result<T> {
    let (text, mut sid) = (wide(text), ptr::null_mut());
    // SAFETY: the text ends with zero; `sid` is ours.
    if unsafe { ConvertStringSidToSidW(text.as_ptr(), &raw mut sid) } == 0 {
        return Err(refused("read a security identifier"));
    }
    let done = act(sid);
    // SAFETY: made by the call above, for LocalFree, and not used any more.
    unsafe { LocalFree(sid) };
    Ok(done)
}

/// A text of the system.
///
/// # Safety
/// `text` points to UTF-16 that ends with zero and lives for the call.
pub(crate) unsafe fn read_wide(text: *const u16) -> String {
    let mut units = Vec::new();
    let mut at = text;
    loop {
        // SAFETY: not behind the zero, which ends the loop.
        let unit = unsafe { at.read() };
        if unit == 0 {
            return String::from_utf16_lossy(&units);
        }
        units.push(unit);
        at = at.wrapping_add(1);
    }
}

/// The identifier that a number has here.
pub(crate) fn required(number: u32) -> Result<String> {
    of_number(number).ok_or_else(|| Error::unsupported("name an account by a number of elsewhere"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_accounts_never_share_a_number() {
        let (one, other) = ("S-1-5-21-1-2-3-4711", "S-1-5-21-9-9-9-4711");
        assert_eq!(number(one), 4711);
        assert!(number(other) >= OTHERS);
        assert_eq!(number(one), 4711, "it keeps it");
        assert_eq!(of_number(number(other)).as_deref(), Some(other));
        assert_eq!((number(ALMIGHTY[0]), number(ALMIGHTY[1])), (0, 0));
        assert_ne!(number("S-1-5-21-1-2-3-0"), 0);
    }

    #[test]
    fn this_processs_user_has_the_number_that_people_know() {
        let own = own().expect("a user");
        let last = own.rsplit('-').next().expect("a last part");
        assert_ne!(number(&format!("S-1-5-21-9-9-8-{last}")).to_string(), last, "it is taken");
        assert!(ALMIGHTY.contains(&own) || number(own).to_string() == last, "{own}");
    }

    #[test]
    fn this_process_has_a_user() {
        let own = own().expect("a user");
        assert!(own.starts_with("S-1-"), "{own}");
        let again = with(own, |sid| {
            // SAFETY: `with` gives an identifier.
            unsafe { text(sid) }
        });
        assert_eq!(again.expect("an identifier").as_deref(), Some(own));
    }
}

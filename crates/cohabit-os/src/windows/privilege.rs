//! What this process may do beyond what lists of rights say.

use std::os::windows::io::AsRawHandle;
use std::ptr;

use windows_sys::Win32::Foundation::LUID;
use windows_sys::Win32::Security::{
    LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, PRIVILEGE_SET, PrivilegeCheck,
    SE_PRIVILEGE_ENABLED, TOKEN_QUERY,
};
use windows_sys::Win32::System::SystemServices::PRIVILEGE_SET_ALL_NECESSARY;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::{owned, wide};

/// Making sections that all sessions see.
const GLOBAL: &str = "SeCreateGlobalPrivilege";

/// Whether this process may make sections that all sessions of the machine see. Services and administrators may;
/// to open one takes no privilege.
///
/// It is asked, and not tried: what does not know the privilege, as Wine, does not grant what others refuse.
pub(crate) fn may_make_global_sections() -> bool {
    let (name, mut privilege) = (wide(GLOBAL), LUID { LowPart: 0, HighPart: 0 });
    // SAFETY: the name ends with zero, and the number is ours; null stands for this machine.
    if unsafe { LookupPrivilegeValueW(ptr::null(), name.as_ptr(), &raw mut privilege) } == 0 {
        return false;
    }
    let mut token = ptr::null_mut();
    // SAFETY: the call has no precondition.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: the handle is a constant that stands for this process; `token` is ours.
    unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) };
    // SAFETY: null, or a handle that nobody else has.
    let Some(token) = (unsafe { owned(token) }) else { return false };
    let wanted = LUID_AND_ATTRIBUTES { Luid: privilege, Attributes: SE_PRIVILEGE_ENABLED };
    let mut set = PRIVILEGE_SET {
        PrivilegeCount: 1,
        Control: PRIVILEGE_SET_ALL_NECESSARY,
        Privilege: [wanted],
    };
    let mut has_it = 0;
    // SAFETY: the token is open, the set has one entry as it says, and both are ours.
    let asked = unsafe { PrivilegeCheck(token.as_raw_handle(), &raw mut set, &raw mut has_it) };
    asked != 0 && has_it != 0
}

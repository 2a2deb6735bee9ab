//! Plain POSIX, and sysctl(3): a process id, and little more. See getentropy(3).

use std::ffi::CStr;
use std::io;
use std::ptr;

use super::{Condition, Identity, Mappers};
use crate::error::{Error, Result};

/// What names a boot: macOS has an id, FreeBSD the moment, which moves when its clock is set.
const BOOT: [&CStr; 2] = [c"kern.bootsessionuuid", c"kern.boottime"];
/// getentropy(3) gives no more at once.
const AT_ONCE: usize = 256;

pub(super) fn identity(uid: u32) -> Identity {
    Identity { pid: std::process::id(), uid, start: 0, pid_namespace: 0 }
}

pub(super) fn command_line(_pid: u32, _start: u64) -> Option<String> {
    None
}

pub(super) fn condition(_pid: u32, _start: u64) -> Option<Condition> {
    None
}

pub(super) fn started_ns(_start: u64) -> Option<u64> {
    None
}

pub(super) fn mappers(_address: usize) -> Result<Mappers> {
    Err(Error::unsupported("see the maps of other processes"))
}

pub(super) fn boot_id() -> Result<Vec<u8>> {
    let found = BOOT.iter().find_map(|name| sysctl(name));
    found.ok_or_else(|| Error::new("read the boot id", io::Error::last_os_error()))
}

fn sysctl(name: &CStr) -> Option<Vec<u8>> {
    let mut value = vec![0; 64];
    let mut size = value.len();
    // SAFETY: a text with an end, and a buffer with its size, which the call sets to what it wrote.
    let answer = unsafe {
        libc::sysctlbyname(
            name.as_ptr(),
            value.as_mut_ptr().cast(),
            &raw mut size,
            ptr::null_mut(),
            0,
        )
    };
    value.truncate(size);
    while value.last() == Some(&0) {
        value.pop();
    }
    (answer == 0 && !value.is_empty()).then_some(value)
}

pub(super) fn random(buf: &mut [u8]) -> Result<()> {
    for piece in buf.chunks_mut(AT_ONCE) {
        // SAFETY: pointer and length are those of one slice that this call alone may write.
        if unsafe { libc::getentropy(piece.as_mut_ptr().cast(), piece.len()) } != 0 {
            return Err(Error::new("getentropy", io::Error::last_os_error()));
        }
    }
    Ok(())
}

pub(super) fn is_only_thread() -> bool {
    false
}

pub(super) fn effective_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

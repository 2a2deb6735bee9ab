//! Linux: proc(5), getrandom(2).

use std::io;

use super::Identity;
use crate::error::{Error, Result};

pub(super) fn identity(uid: u32) -> Identity {
    Identity {
        pid: std::process::id(),
        uid,
        start: std::fs::read("/proc/self/stat").ok().and_then(|stat| start_in(&stat)).unwrap_or(0),
        pid_namespace: rustix::fs::stat(c"/proc/self/ns/pid").map_or(0, |stat| stat.st_ino),
    }
}

pub(super) fn command_line(pid: u32, start: u64) -> Option<String> {
    let mut line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    // The start time is read after the line: if it is the right one now, it was then.
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    if start_in(&stat)? != start {
        return None;
    }
    while line.last() == Some(&0) {
        line.pop();
    }
    for byte in &mut line {
        if *byte == 0 {
            *byte = b' ';
        }
    }
    Some(String::from_utf8_lossy(&line).into_owned())
}

pub(super) fn boot_id() -> Result<Vec<u8>> {
    std::fs::read("/proc/sys/kernel/random/boot_id")
        .map_err(|error| Error::new("read the boot id", error))
}

pub(super) fn random(buf: &mut [u8]) -> Result<()> {
    let mut rest = buf;
    while !rest.is_empty() {
        // SAFETY: pointer and length are those of one slice that this call alone may write.
        let got = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        match usize::try_from(got) {
            Ok(got) => rest = &mut rest[got..],
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(Error::new("getrandom", error));
                }
            }
        }
    }
    Ok(())
}

pub(super) fn effective_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Field 22 of a stat line. The name in field 2 may hold anything, so counting starts after the
/// last parenthesis.
fn start_in(stat: &[u8]) -> Option<u64> {
    let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
    let fields = std::str::from_utf8(&stat[name_ends + 1..]).ok()?;
    fields.split_ascii_whitespace().nth(22 - 3)?.parse().ok()
}

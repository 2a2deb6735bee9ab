//! Who a process is, for people to read; the boot; randomness; the clock on the wall.
//!
//! **Contract.** Nothing of this decides anything about life and death: process ids are used
//! again, start times move between time namespaces, and command lines can be written at will.
//! Liveness is what the `liveness` module says. What cannot be found is zero or `None` here.

// Facts of the system that a process is on, whichever mechanism it has.
#[cfg(target_os = "linux")]
mod linux;
#[cfg(all(unix, not(target_os = "linux")))]
mod portable;
#[cfg(not(any(unix, windows)))]
mod stub;
#[cfg(all(test, unix))]
#[expect(dead_code, reason = "compiled to prove that it compiles")]
mod stub;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as sys;
#[cfg(all(unix, not(target_os = "linux")))]
use portable as sys;
#[cfg(not(any(unix, windows)))]
use stub as sys;
#[cfg(windows)]
use windows as sys;

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::error::Result;
use crate::fork;

/// Who a process is, for display.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Its id, in its own pid namespace.
    pub pid: u32,
    /// The effective user id.
    pub uid: u32,
    /// When it started, in clock ticks since the boot.
    pub start: u64,
    /// Which pid namespace the id belongs to.
    pub pid_namespace: u64,
}

/// Who this process is. It is found out once, and again in a child.
pub fn identity() -> Identity {
    let uid = effective_uid();
    // Without the page, which takes a lack of memory, it is found out every time.
    let Ok(words) = fork::process_words() else {
        return sys::identity(uid);
    };
    let [_, ready, pid, start, pid_namespace, ..] = words;
    // Acquire: pairs with the store below, after which the other words are written.
    if ready.load(Acquire) == 0 {
        // Two threads may both find out: they write the same.
        let found = sys::identity(uid);
        pid.store(found.pid.into(), Relaxed);
        start.store(found.start, Relaxed);
        pid_namespace.store(found.pid_namespace, Relaxed);
        ready.store(1, Release); // pairs with the load above
        return found;
    }
    Identity {
        pid: u32::try_from(pid.load(Relaxed)).unwrap_or(0),
        uid,
        start: start.load(Relaxed),
        pid_namespace: pid_namespace.load(Relaxed),
    }
}

/// The command line of process `pid`, if it is still the one that started at `start`.
pub fn command_line(pid: u32, start: u64) -> Option<String> {
    sys::command_line(pid, start)
}

/// What a process does, as the system shows it: that of its first thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activity {
    /// It runs, or sleeps until something happens.
    Running,
    /// A signal stopped it.
    Stopped,
    /// A debugger holds it.
    Held,
    /// It is being ended, and its memory written to a core dump first.
    DumpingCore,
}

/// What a process does, and who debugs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    /// What it does.
    pub activity: Activity,
    /// The pid of the process that traces it: a debugger, a tracer, a supervisor.
    pub tracer: Option<u32>,
}

/// The condition of process `pid`, if it is still the one that started at `start`.
pub fn condition(pid: u32, start: u64) -> Option<Condition> {
    sys::condition(pid, start)
}

/// When a process started, in nanoseconds since 1970, from what [`Identity::start`] says.
pub fn started_ns(start: u64) -> Option<u64> {
    sys::started_ns(start)
}

/// A process that has a file mapped, as the system shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mapper {
    /// Who it is.
    pub identity: Identity,
    /// Whether it may write through a map, rather than only read.
    pub writes: bool,
}

/// Which processes have a file mapped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mappers {
    /// Those that were seen, by their ids; never this process.
    pub seen: Vec<Mapper>,
    /// How many processes may not be looked at.
    pub hidden: usize,
}

/// The other processes that map the file which this one has mapped at `address`.
///
/// # Errors
/// Nothing is mapped there, or the system does not show it.
pub fn mappers(address: usize) -> Result<Mappers> {
    sys::mappers(address)
}

/// A number for this boot of the machine: the FNV-1a hash of the kernel's boot id, which is text
/// of 36 characters; a line end after it does not count.
pub fn boot_id() -> Result<u64> {
    static KNOWN: AtomicU64 = AtomicU64::new(0);
    match KNOWN.load(Relaxed) {
        0 => {
            let hash = fnv_1a(sys::boot_id()?.trim_ascii_end());
            KNOWN.store(hash, Relaxed);
            Ok(hash)
        }
        known => Ok(known),
    }
}

/// Fills `buf` with bytes that nobody can guess.
pub fn random(buf: &mut [u8]) -> Result<()> {
    sys::random(buf)
}

/// Whether this process has no thread but the one that asks; `false` if that cannot be found out.
pub fn is_only_thread() -> bool {
    sys::is_only_thread()
}

/// The user id that permissions are judged by. It may change while the process runs.
pub fn effective_uid() -> u32 {
    sys::effective_uid()
}

/// Nanoseconds since 1970 by the wall clock, for display.
pub fn clock_ns() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
}

fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv_1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv_1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv_1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}

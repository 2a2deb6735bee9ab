//! Linux: proc(5), getrandom(2), getpwuid_r(3).

use std::io;
use std::os::unix::fs::MetadataExt;

use super::{Activity, Condition, Identity, Mapper, Mappers};
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

pub(super) fn condition(pid: u32, start: u64) -> Option<Condition> {
    let status = std::fs::read(format!("/proc/{pid}/status")).ok()?;
    // The start time is read after it: if it is the right one now, it was then.
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    if start_in(&stat)? != start {
        return None;
    }
    let Condition { activity, tracer } = condition_in(&String::from_utf8_lossy(&status));
    Some(Condition { activity, tracer: tracer.map(process_of) })
}

/// The process that a thread belongs to: the number of a tracer is that of one of its threads.
fn process_of(thread: u32) -> u32 {
    let status = std::fs::read(format!("/proc/{thread}/status")).unwrap_or_default();
    member(&String::from_utf8_lossy(&status), "Tgid:").parse().unwrap_or(thread)
}

/// A member of a status file. The name of the program is in its first line, with every line end escaped.
fn member<'a>(status: &'a str, name: &str) -> &'a str {
    let found = status.lines().find_map(|line| line.strip_prefix(name));
    found.map_or("", str::trim)
}

fn condition_in(status: &str) -> Condition {
    let activity = match member(status, "State:").as_bytes().first() {
        // Kernels before 4.15 do not say so.
        _ if member(status, "CoreDumping:") == "1" => Activity::DumpingCore,
        Some(b'T') => Activity::Stopped,
        Some(b't') => Activity::Held,
        _ => Activity::Running,
    };
    let tracer = member(status, "TracerPid:").parse().ok().filter(|pid| *pid != 0);
    Condition { activity, tracer }
}

pub(super) fn started_ns(start: u64) -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let boot = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    let boot: u64 = boot.trim().parse().ok()?;
    // SAFETY: sysconf(3) takes any number and has no precondition.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    let ticks = u64::try_from(ticks).ok().filter(|ticks| *ticks > 0)?;
    let since_boot = u128::from(start) * 1_000_000_000 / u128::from(ticks);
    u64::try_from(u128::from(boot) * 1_000_000_000 + since_boot).ok()
}

pub(super) fn mappers(address: usize) -> Result<Mappers> {
    let refused = |error| Error::new("read the maps", error);
    let own = std::fs::read_to_string("/proc/self/maps").map_err(refused)?;
    // Told by the device and inode that the maps themselves show: stat(2) has other device numbers
    // on some filesystems.
    let file = own.lines().filter_map(Map::of).find(|map| map.start == address);
    let file = file.ok_or_else(|| refused(io::ErrorKind::NotFound.into()))?.file;
    let me = own_number_in_proc();
    let mut mappers = Mappers::default();
    for entry in std::fs::read_dir("/proc").map_err(refused)? {
        let name = entry.map_err(refused)?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        let Some(pid) = pid.filter(|pid| *pid != me) else { continue };
        match std::fs::read_to_string(format!("/proc/{pid}/maps")) {
            Ok(maps) => mappers.seen.extend(mapper(pid, &maps, file)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => mappers.hidden += 1,
            // It ended meanwhile, or is a thread of the kernel.
            Err(_) => {}
        }
    }
    mappers.seen.sort_by_key(|mapper| mapper.identity.pid);
    Ok(mappers)
}

/// This process's number in /proc, which may be that of another pid namespace than its own.
fn own_number_in_proc() -> u32 {
    let link = std::fs::read_link("/proc/self").ok();
    let number = link.and_then(|link| link.to_str()?.parse().ok());
    number.unwrap_or_else(std::process::id)
}

/// One line of /proc/PID/maps.
struct Map<'a> {
    start: usize,
    permissions: &'a str,
    /// Device and inode, as they stand there.
    file: (&'a str, &'a str),
}

impl<'a> Map<'a> {
    fn of(line: &'a str) -> Option<Map<'a>> {
        let mut words = line.split_ascii_whitespace();
        let (start, _) = words.next()?.split_once('-')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let permissions = words.next()?;
        let file = (words.nth(1)?, words.next()?);
        Some(Map { start, permissions, file })
    }
}

/// The process as one that maps `file`, if it does in a way that lets it read.
fn mapper(pid: u32, maps: &str, file: (&str, &str)) -> Option<Mapper> {
    // A page that is only there to hold a lock cannot be read.
    let reads = |map: &Map<'_>| map.file == file && map.permissions.starts_with('r');
    let maps: Vec<_> = maps.lines().filter_map(Map::of).filter(reads).collect();
    if maps.is_empty() {
        return None;
    }
    let folder = format!("/proc/{pid}");
    let stat = std::fs::read(format!("{folder}/stat")).ok()?;
    let identity = Identity {
        pid,
        uid: std::fs::metadata(&folder).ok()?.uid(),
        start: start_in(&stat)?,
        // The number is the one that our own /proc has for it.
        pid_namespace: super::identity().pid_namespace,
    };
    Some(Mapper { identity, writes: maps.iter().any(|map| map.permissions[1..].starts_with('w')) })
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

pub(super) fn is_only_thread() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == 1)
}

pub(super) fn effective_uid() -> u32 {
    // Not by rustix, which panics where a sandbox refuses the call; the number is nobody's then.
    // SAFETY: geteuid(2) has no precondition.
    unsafe { libc::geteuid() }
}

fn start_in(stat: &[u8]) -> Option<u64> {
    field_in(stat, 22)?.parse().ok()
}

/// A field of a stat line after the second, counted from 1. The name in field 2 may hold anything, so
/// counting starts after the last parenthesis.
fn field_in(stat: &[u8], number: usize) -> Option<&str> {
    let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
    let fields = std::str::from_utf8(&stat[name_ends + 1..]).ok()?;
    fields.split_ascii_whitespace().nth(number - 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_after_the_name_whatever_it_is() {
        let stat = b"7 (a) T 3 (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assert_eq!((field_in(stat, 3), start_in(stat)), (Some("S"), Some(4711)));
        assert_eq!(field_in(b"7 (short) S", 22), None);
    }

    #[test]
    fn conditions_are_told_apart_whatever_the_name_is() {
        let told = |status: &str| {
            let found = condition_in(status);
            (found.activity, found.tracer)
        };
        let rest = "Pid:\t7\nTracerPid:\t0\nCoreDumping:\t0\n";
        let name = "Name:\tT State:\tT\\nTracerPid: 9\n";
        let of = |state: &str| told(&format!("{name}State:\t{state}\n{rest}"));
        assert_eq!(of("S (sleeping)"), (Activity::Running, None));
        assert_eq!(of("T (stopped)"), (Activity::Stopped, None));
        assert_eq!(of("t (tracing stop)"), (Activity::Held, None));
        let dumping = "Name:\ta\nState:\tS (sleeping)\nTracerPid:\t12\nCoreDumping:\t1\n";
        assert_eq!(told(dumping), (Activity::DumpingCore, Some(12)));
        assert_eq!(told(""), (Activity::Running, None));
    }

    #[test]
    fn maps_are_told_by_their_file_and_their_permissions() {
        let maps = "7f00-8f00 r--s 00000000 00:17 5  /dev/shm/a (deleted)\n\
                    9f00-af00 ---s 00000000 00:17 6\n";
        let pid = std::process::id();
        assert!(mapper(pid, maps, ("00:17", "5")).is_some_and(|found| !found.writes));
        assert_eq!(mapper(pid, maps, ("00:17", "6")), None);
        assert_eq!(mapper(pid, maps, ("00:18", "5")), None);
        let both = "1000-2000 r--s 0 0:1 9\n2000-3000 rw-s 0 0:1 9\n";
        assert!(mapper(pid, both, ("0:1", "9")).is_some_and(|found| found.writes));
    }

    #[test]
    fn who_we_are_can_be_seen() {
        let me = identity(effective_uid());
        let activity = condition(me.pid, me.start).map(|condition| condition.activity);
        assert_eq!(activity, Some(Activity::Running));
        assert_eq!(condition(me.pid, me.start + 1), None);
        let now = super::super::clock_ns();
        assert!(started_ns(me.start).is_some_and(|ns| ns < now + 2_000_000_000 && ns > now / 2));
    }
}

//! Which mechanism this process uses for what it shares: chosen once, and the same in its children.
//!
//! On Linux there are two: its own, and the portable one, which `COHABIT_OS=portable` chooses, so that
//! what other systems use is run and tested here. As `COHABIT_DIR`, it is a stranger's word in a program
//! that gained privileges by being started, and ignored there. Every other Unix has the portable one,
//! Windows its own.
//!
//! Processes of different mechanisms do not see each other's lives, so no object is used by both: its
//! header names the mechanism of its maker ([`Mechanism::code`]), and who has another one refuses it.
//!
//! A concern in which mechanisms differ calls them by [`sys!`]. One that is the same on every Unix has
//! `posix.rs` instead. A new mechanism is a variant here, an arm of the macro, and a file in each folder.

#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// By what means processes see each other live, wait and wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// Open file description locks that end with the address space, and futexes.
    Linux,
    /// Plain POSIX: a lock file for each attachment, and waits that look again and again.
    Portable,
    /// Windows: sections of the page file, named events for lives and waits.
    Windows,
    /// This system has none yet: every call says that it is unsupported.
    Missing,
}

impl Mechanism {
    /// The number that stands for it in an object's header: 0 to 3.
    pub const fn code(self) -> u32 {
        match self {
            Mechanism::Linux => 0,
            Mechanism::Portable => 1,
            Mechanism::Windows => 2,
            Mechanism::Missing => 3,
        }
    }

    /// The mechanism that a number in a header stands for.
    pub const fn from_code(code: u32) -> Option<Mechanism> {
        match code {
            0 => Some(Mechanism::Linux),
            1 => Some(Mechanism::Portable),
            2 => Some(Mechanism::Windows),
            _ => None,
        }
    }

    /// Its name, as `COHABIT_OS` takes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mechanism::Linux => "linux",
            Mechanism::Portable => "portable",
            Mechanism::Windows => "windows",
            Mechanism::Missing => "none",
        }
    }
}

/// The mechanism of this process.
#[cfg(target_os = "linux")]
#[inline]
pub fn mechanism() -> Mechanism {
    match CHOSEN.load(Relaxed) {
        UNKNOWN => choose(),
        PORTABLE => Mechanism::Portable,
        _ => Mechanism::Linux,
    }
}

/// The mechanism of this process.
#[cfg(not(target_os = "linux"))]
pub const fn mechanism() -> Mechanism {
    if cfg!(unix) {
        Mechanism::Portable
    } else if cfg!(windows) {
        Mechanism::Windows
    } else {
        Mechanism::Missing
    }
}

#[cfg(target_os = "linux")]
static CHOSEN: AtomicU8 = AtomicU8::new(UNKNOWN);
#[cfg(target_os = "linux")]
const UNKNOWN: u8 = 0;
#[cfg(target_os = "linux")]
const LINUX: u8 = 1;
#[cfg(target_os = "linux")]
const PORTABLE: u8 = 2;

/// What is chosen first stays, also where the environment changes meanwhile.
#[cfg(target_os = "linux")]
#[cold]
fn choose() -> Mechanism {
    let portable = environment("COHABIT_OS").is_some_and(|name| name == "portable");
    let found = if portable { PORTABLE } else { LINUX };
    let _first_stays = CHOSEN.compare_exchange(UNKNOWN, found, Relaxed, Relaxed);
    mechanism()
}

/// A variable of the environment that is set and not empty; `None` in a program that gained privileges by
/// being started, since there it is a stranger's word.
#[cfg(unix)]
pub(crate) fn environment(name: &str) -> Option<std::ffi::OsString> {
    if gained_privileges() {
        return None;
    }
    std::env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(target_os = "linux")]
fn gained_privileges() -> bool {
    // SAFETY: getauxval(3) reads what the kernel gave the process at its start, and has no
    // precondition.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn gained_privileges() -> bool {
    // SAFETY: issetugid(2) has no precondition.
    unsafe { libc::issetugid() != 0 }
}

/// Calls a function of this process's mechanism: `sys!(open(path, access))` is `linux::open(path, access)`
/// or `portable::open(path, access)`, of the module that it is written in.
#[cfg(target_os = "linux")]
macro_rules! sys {
    ($function:ident($($argument:expr),* $(,)?)) => {
        match $crate::mechanism::mechanism() {
            $crate::mechanism::Mechanism::Portable => portable::$function($($argument),*),
            _ => linux::$function($($argument),*),
        }
    };
}

/// Calls a function of the one mechanism that this system has.
#[cfg(all(unix, not(target_os = "linux")))]
macro_rules! sys {
    ($function:ident($($argument:expr),* $(,)?)) => { portable::$function($($argument),*) };
}

/// Calls a function of the one mechanism that this system has.
#[cfg(windows)]
macro_rules! sys {
    ($function:ident($($argument:expr),* $(,)?)) => { windows::$function($($argument),*) };
}

/// Calls the function that says that it is unsupported.
#[cfg(not(any(unix, windows)))]
macro_rules! sys {
    ($function:ident($($argument:expr),* $(,)?)) => { stub::$function($($argument),*) };
}

pub(crate) use sys;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mechanism_is_its_number() {
        for mechanism in [Mechanism::Linux, Mechanism::Portable, Mechanism::Windows] {
            assert_eq!(Mechanism::from_code(mechanism.code()), Some(mechanism));
        }
        assert_eq!(Mechanism::from_code(4), None);
        assert_eq!(Mechanism::from_code(Mechanism::Missing.code()), None);
        assert_eq!(mechanism(), mechanism());
    }
}

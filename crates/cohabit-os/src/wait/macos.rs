//! macOS 14.4 and later: `os_sync_wait_on_address` with the flag SHARED, whose waiters the kernel knows by the
//! memory and not by the address. Older ones do not have it: there a wait is the portable one.
//!
//! It knows no absolute deadline, so a wait that is resumed is given what is left of it.

use std::ffi::{CStr, c_int, c_void};
use std::mem::transmute;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

use super::polled;
use crate::process::Identity;

/// OS_SYNC_WAIT_ON_ADDRESS_SHARED and OS_SYNC_WAKE_BY_ADDRESS_SHARED.
const SHARED: u32 = 1;
/// OS_CLOCK_MACH_ABSOLUTE_TIME.
const MACH_ABSOLUTE_TIME: u32 = 32;
/// How many bytes are compared.
const LOW_HALF: usize = 4;

type WaitFn = unsafe extern "C" fn(*mut c_void, u64, usize, u32, u32, u64) -> c_int;
type WakeFn = unsafe extern "C" fn(*mut c_void, usize, u32) -> c_int;

/// The functions of the system's library, where it has them.
struct Calls {
    wait: WaitFn,
    wake_one: WakeFn,
    wake_all: WakeFn,
}

fn calls() -> Option<&'static Calls> {
    static FOUND: OnceLock<Option<Calls>> = OnceLock::new();
    FOUND.get_or_init(look_up).as_ref()
}

fn look_up() -> Option<Calls> {
    let wait = symbol(c"os_sync_wait_on_address_with_timeout")?;
    let one = symbol(c"os_sync_wake_by_address_any")?;
    let all = symbol(c"os_sync_wake_by_address_all")?;
    // SAFETY: <os/os_sync_wait_on_address.h> declares the function of this name so.
    let wait = unsafe { transmute::<*mut c_void, WaitFn>(wait) };
    // SAFETY: as above.
    let wake_one = unsafe { transmute::<*mut c_void, WakeFn>(one) };
    // SAFETY: as above.
    let wake_all = unsafe { transmute::<*mut c_void, WakeFn>(all) };
    Some(Calls { wait, wake_one, wake_all })
}

fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the name ends with a zero; looking a name up changes nothing.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

pub(super) fn monotonic_ns() -> u64 {
    polled::monotonic_ns()
}

pub(super) fn wait(word: &AtomicU64, expected_low: u32, deadline_ns: u64) {
    let Some(calls) = calls() else { return polled::wait(word, expected_low, deadline_ns) };
    let left = deadline_ns.saturating_sub(monotonic_ns());
    if left == 0 {
        return;
    }
    // Every Mac of this library is little-endian, so the low half is at the word's own address.
    let (address, expected) = (word.as_ptr().cast(), u64::from(expected_low));
    // SAFETY: the word is alive for the whole call, which only reads its low half, atomically.
    unsafe { (calls.wait)(address, expected, LOW_HALF, SHARED, MACH_ABSOLUTE_TIME, left) };
}

pub(super) fn hears_deaths() -> bool {
    polled::hears_deaths()
}

pub(super) fn wait_or_death(
    word: &AtomicU64,
    expected_low: u32,
    whose: &[Identity],
    deadline_ns: u64,
) {
    match calls() {
        Some(_) => wait(word, expected_low, deadline_ns),
        None => polled::wait_or_death(word, expected_low, whose, deadline_ns),
    }
}

pub(super) fn any_max() -> usize {
    polled::any_max()
}

pub(super) fn wait_any(words: &[(&AtomicU64, u32)], deadline_ns: u64) {
    polled::wait_any(words, deadline_ns);
}

pub(super) fn wake(word: &AtomicU64, count: i32) -> bool {
    let Some(calls) = calls() else { return polled::wake(word, count) };
    let wake = if count == 1 { calls.wake_one } else { calls.wake_all };
    // SAFETY: waking reads and writes nothing at the address; it only names whom to wake.
    unsafe { wake(word.as_ptr().cast(), LOW_HALF, SHARED) };
    // Who polls for several words at a time is not known there.
    true
}

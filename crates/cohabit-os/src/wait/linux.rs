//! Linux: the shared futex. See futex(2), FUTEX_WAIT_BITSET, whose deadline is absolute, and
//! futex_waitv(2), which waits on up to 128 of them.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU8, AtomicU64};
use std::time::Duration;

use libc::c_long;
use rustix::time::{ClockId, clock_gettime};

use crate::process::Identity;

const NS_PER_S: u64 = 1_000_000_000;

/// Any waker is ours: the mask that plain FUTEX_WAKE matches.
const ANY: u32 = u32::MAX;

/// What `SYS_futex` takes on every word size: two longs, whatever time_t the C library has.
#[repr(C)]
struct Moment {
    seconds: c_long,
    nanoseconds: c_long,
}

pub(super) fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * NS_PER_S + u64::try_from(now.tv_nsec).unwrap_or(0)
}

pub(super) fn wait(word: &AtomicU64, expected_low: u32, deadline_ns: u64) {
    let until = Moment {
        seconds: c_long::try_from(deadline_ns / NS_PER_S).unwrap_or(c_long::MAX),
        nanoseconds: c_long::try_from(deadline_ns % NS_PER_S).unwrap_or(0),
    };
    let unused = std::ptr::null::<u32>();
    // SAFETY: the word is alive for the whole call, the kernel only reads its low half, and it does
    // so as an atomic load (Invariant 3); `until` has the layout that the call reads.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_futex,
            low_half(word),
            libc::FUTEX_WAIT_BITSET,
            expected_low,
            &raw const until,
            unused,
            ANY,
        )
    };
    if answer == 0 {
        return;
    }
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN | libc::EINTR | libc::ETIMEDOUT) => {}
        _ => refused(deadline_ns),
    }
}

/// A sandbox that refuses the call must cost time and not a processor.
#[cold]
fn refused(deadline_ns: u64) {
    let left = deadline_ns.saturating_sub(monotonic_ns());
    std::thread::sleep(Duration::from_nanos(left).min(Duration::from_millis(1)));
}

/// FUTEX_WAITV_MAX.
const WAITV_MAX: usize = 128;
/// FUTEX2_SIZE_U32, without FUTEX2_PRIVATE: 32 bits are compared, and other processes are heard.
const WAITV_SHARED_32: u32 = 2;

/// One word of `SYS_futex_waitv`: `struct futex_waitv`, the same on every word size.
#[repr(C)]
#[derive(Clone, Copy)]
struct Waited {
    expected: u64,
    address: u64,
    flags: u32,
    reserved: u32,
}

impl Waited {
    const NONE: Waited = Waited { expected: 0, address: 0, flags: WAITV_SHARED_32, reserved: 0 };
}

/// `struct __kernel_timespec`: 64 bits of seconds on every word size.
#[repr(C)]
struct LongMoment {
    seconds: i64,
    nanoseconds: i64,
}

/// Whether the kernel, and the sandbox, know the call: 0 is not asked yet.
static WAITV: AtomicU8 = AtomicU8::new(0);
const WAITV_IS_THERE: u8 = 1;
const WAITV_IS_MISSING: u8 = 2;

/// Who waits looks again soon, and asks for the byte. A pidfd would tell at once, in the holder's pid namespace only.
pub(super) fn hears_deaths() -> bool {
    false
}

pub(super) fn wait_or_death(
    word: &AtomicU64,
    expected_low: u32,
    _whose: &[Identity],
    deadline_ns: u64,
) {
    wait(word, expected_low, deadline_ns);
}

pub(super) fn any_max() -> usize {
    if WAITV.load(Relaxed) == 0 {
        // No words at all is EINVAL from who knows the call, and another error from who does not.
        let known = waitv(&[], 0) == Some(libc::EINVAL);
        WAITV.store(if known { WAITV_IS_THERE } else { WAITV_IS_MISSING }, Relaxed);
    }
    if WAITV.load(Relaxed) == WAITV_IS_THERE { WAITV_MAX } else { 1 }
}

pub(super) fn wait_any(words: &[(&AtomicU64, u32)], deadline_ns: u64) {
    let mut waited = [Waited::NONE; WAITV_MAX];
    let mut count = 0;
    for (waited, (word, expected_low)) in waited.iter_mut().zip(words) {
        waited.expected = u64::from(*expected_low);
        waited.address = low_half(word).addr() as u64;
        count += 1;
    }
    match waitv(&waited[..count], deadline_ns) {
        None | Some(libc::EAGAIN | libc::EINTR | libc::ETIMEDOUT) => {}
        Some(_) => {
            // A sandbox was closed after the question in `any_max`.
            WAITV.store(WAITV_IS_MISSING, Relaxed);
            refused(deadline_ns);
        }
    }
}

/// Calls futex_waitv; the error, or nothing once a wake-up came.
fn waitv(waited: &[Waited], deadline_ns: u64) -> Option<i32> {
    let until = LongMoment {
        seconds: i64::try_from(deadline_ns / NS_PER_S).unwrap_or(i64::MAX),
        nanoseconds: i64::try_from(deadline_ns % NS_PER_S).unwrap_or(0),
    };
    let no_flags: c_long = 0;
    let count = c_long::try_from(waited.len()).unwrap_or(0);
    // SAFETY: the array and `until` live for the call and have the layouts that it reads; the
    // kernel reads the low halves that the array names, as atomic loads (Invariant 3), and answers
    // EFAULT where it cannot: no address in it can do harm.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_futex_waitv,
            waited.as_ptr(),
            count,
            no_flags,
            &raw const until,
            c_long::from(libc::CLOCK_MONOTONIC),
        )
    };
    if answer >= 0 { None } else { io::Error::last_os_error().raw_os_error() }
}

pub(super) fn wake(word: &AtomicU64, count: i32) -> bool {
    // SAFETY: waking reads and writes nothing at the address; it only names whom to wake.
    let woken = unsafe { libc::syscall(libc::SYS_futex, low_half(word), libc::FUTEX_WAKE, count) };
    // Who is not told, because a sandbox refuses the call, does not know that nobody waited.
    woken != 0
}

/// The address of the half that the kernel compares.
fn low_half(word: &AtomicU64) -> *const u32 {
    let halves = word.as_ptr().cast::<u32>().cast_const();
    if cfg!(target_endian = "big") { halves.wrapping_add(1) } else { halves }
}

//! Linux: the shared futex. See futex(2), FUTEX_WAIT_BITSET, whose deadline is absolute.

use std::io;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use libc::c_long;
use rustix::time::{ClockId, clock_gettime};

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
        // A sandbox that refuses the call must cost time and not a processor.
        _ => {
            let left = deadline_ns.saturating_sub(monotonic_ns());
            std::thread::sleep(Duration::from_nanos(left).min(Duration::from_millis(1)));
        }
    }
}

pub(super) fn wake(word: &AtomicU64, count: i32) {
    // SAFETY: waking reads and writes nothing at the address; it only names whom to wake.
    unsafe { libc::syscall(libc::SYS_futex, low_half(word), libc::FUTEX_WAKE, count) };
}

/// The address of the half that the kernel compares.
fn low_half(word: &AtomicU64) -> *const u32 {
    let halves = word.as_ptr().cast::<u32>().cast_const();
    if cfg!(target_endian = "big") { halves.wrapping_add(1) } else { halves }
}

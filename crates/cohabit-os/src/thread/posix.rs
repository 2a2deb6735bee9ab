//! Every Unix: pthread_sigmask(3).

use std::mem::MaybeUninit;
use std::ptr;

/// Signals that a thread raises by what it does itself: blocked, they would end the process past its
/// own handler.
const FAULTS: [i32; 6] =
    [libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGSEGV, libc::SIGSYS, libc::SIGTRAP];

pub(super) fn without_signals<R>(run: impl FnOnce() -> R) -> R {
    let before = all_but_faults().and_then(|mask| set_mask(&mask));
    let result = run();
    if let Some(before) = before {
        set_mask(&before);
    }
    result
}

/// Every signal but those of faults.
fn all_but_faults() -> Option<libc::sigset_t> {
    let mut mask = MaybeUninit::uninit();
    // SAFETY: `mask` is ours and as large as a set; the call writes all of it.
    let filled = unsafe { libc::sigfillset(mask.as_mut_ptr()) };
    if filled != 0 {
        return None;
    }
    // SAFETY: the call above succeeded, so it wrote the set.
    let mut mask = unsafe { mask.assume_init() };
    for fault in FAULTS {
        // SAFETY: `mask` is a set that was filled; a number that is no signal would be refused.
        let _taken_out = unsafe { libc::sigdelset(&raw mut mask, fault) };
    }
    Some(mask)
}

/// Sets this thread's mask; the one before, unless the system refused.
fn set_mask(mask: &libc::sigset_t) -> Option<libc::sigset_t> {
    let mut before = MaybeUninit::uninit();
    // SAFETY: both point to sets that live for the call, which reads the one and writes the other.
    let refused = unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, ptr::from_ref(mask), before.as_mut_ptr())
    };
    // SAFETY: the call succeeded, so it wrote the set.
    (refused == 0).then(|| unsafe { before.assume_init() })
}

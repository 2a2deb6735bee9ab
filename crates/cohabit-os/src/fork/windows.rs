//! Windows: processes are started and not forked, so there is no child that could find anything.
//!
//! The exit hook is the C library's: it runs when main returns, and not for `std::process::exit`, which
//! goes past the C library. Such an end is like a kill, which costs nobody anything: a hook at the very
//! end would run after other threads were ended in the middle of anything, with their locks held.

use std::ffi::c_int;
use std::ptr::NonNull;

use windows_sys::Win32::System::Memory::{MEM_COMMIT, MEM_RESERVE, PAGE_READWRITE, VirtualAlloc};

use crate::error::Result;
use crate::windows::refused;

// SAFETY: the C library declares it so.
unsafe extern "C" {
    fn atexit(hook: extern "C" fn()) -> c_int;
}

pub(super) fn child_zeroed(len: usize) -> Result<NonNull<u8>> {
    // SAFETY: with no address given, the system chooses pages that nothing else uses.
    let base =
        unsafe { VirtualAlloc(std::ptr::null(), len, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) };
    NonNull::new(base.cast()).ok_or_else(|| refused("map private pages"))
}

pub(super) fn in_child() {}

/// Nothing forks.
pub(super) fn register_fork_hooks(
    _before: extern "C" fn(),
    _in_parent: extern "C" fn(),
    _in_child: extern "C" fn(),
) {
}

pub(super) fn at_exit(hook: extern "C" fn()) {
    // SAFETY: a safe function without arguments may be called at any time, at exit too.
    let _ = unsafe { atexit(hook) };
}

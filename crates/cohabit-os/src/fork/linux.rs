//! Linux: `MADV_WIPEONFORK`, `pthread_atfork`, `atexit`.

use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use rustix::mm::{self, Advice, MapFlags, ProtFlags};

use crate::error::{Error, Result};

pub(super) fn child_zeroed(len: usize) -> Result<NonNull<u8>> {
    let step = "map private pages";
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // NORESERVE: a table of addresses is large and almost empty.
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: with no hint the kernel picks pages that nothing else uses.
    let base = unsafe { mm::mmap_anonymous(ptr::null_mut(), len, protection, flags) };
    let base = base.map_err(|errno| Error::new(step, errno.into()))?;
    // SAFETY: these are the pages of the line above, and nobody else has their address yet.
    let advised = unsafe { mm::madvise(base, len, Advice::LinuxWipeOnFork) };
    if let Err(errno) = advised {
        // SAFETY: as above: nobody else has the address, and nobody will.
        let _ = unsafe { mm::munmap(base, len) };
        return Err(Error::new("madvise (wipe on fork)", errno.into()));
    }
    NonNull::new(base.cast()).ok_or_else(|| Error::unsupported(step))
}

/// Has the C library call our hooks around every fork. It does not wait, since a fork may come
/// while another thread is in here: two threads may both register, which the hooks allow for.
pub(super) fn register_fork_hooks(before: extern "C" fn(), after: extern "C" fn()) {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.load(Relaxed) {
        return;
    }
    let (before, after): (unsafe extern "C" fn(), unsafe extern "C" fn()) = (before, after);
    // SAFETY: the hooks are safe functions of this crate. They stay loaded as long as they may be
    // called: the C library forgets the hooks of a library that is unloaded.
    let refused = unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) };
    DONE.store(refused == 0, Relaxed);
}

pub(super) fn at_exit(hook: extern "C" fn()) {
    // SAFETY: a safe function without arguments may be called at any time, at exit too.
    let _ = unsafe { libc::atexit(hook) };
}

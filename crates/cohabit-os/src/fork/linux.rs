//! Linux: `MADV_WIPEONFORK`. See madvise(2).

use std::ptr::{self, NonNull};

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

pub(super) fn in_child() {
    // The kernel has wiped the pages already.
}

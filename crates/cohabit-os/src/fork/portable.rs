//! Plain POSIX: pages that a child maps anew, right after the fork.
//!
//! The list of them is only ever added to, in one step, so a child finds it whole. A child that the C library
//! does not know of, such as one of a raw clone, finds its parent's pages instead.
//!
//! Invariant: what is in the list was mapped by [`child_zeroed`] and is never unmapped; the list itself is
//! never freed.

use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use rustix::mm::{self, MapFlags, ProtFlags};

use crate::error::{Error, Result};

/// One run of pages, and the one that was listed before it.
struct Pages {
    base: NonNull<u8>,
    len: usize,
    next: *mut Pages,
}

static LISTED: AtomicPtr<Pages> = AtomicPtr::new(ptr::null_mut());

pub(super) fn child_zeroed(len: usize) -> Result<NonNull<u8>> {
    super::register_hooks();
    let step = "map private pages";
    let refused = |errno: rustix::io::Errno| Error::new(step, errno.into());
    // SAFETY: with no hint the system picks pages that nothing else uses.
    let base = unsafe { mm::mmap_anonymous(ptr::null_mut(), len, PROTECTION, MapFlags::PRIVATE) };
    let base = NonNull::new(base.map_err(refused)?.cast());
    let base = base.ok_or_else(|| Error::unsupported(step))?;
    let mut next = LISTED.load(Acquire); // pairs with the exchange below
    let listed = Box::into_raw(Box::new(Pages { base, len, next }));
    // AcqRel: pairs with the loads here and in `in_child`: who finds the entry finds it written.
    while let Err(other) = LISTED.compare_exchange(next, listed, AcqRel, Acquire) {
        next = other;
        // SAFETY: the box of the lines above, which nobody else has seen yet.
        unsafe { (*listed).next = next };
    }
    Ok(base)
}

const PROTECTION: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

/// Begins all pages anew. Called in a child before anything else of ours runs there.
pub(super) fn in_child() {
    let mut at = LISTED.load(Relaxed);
    // SAFETY: the invariant: null, or an entry that stays for ever and does not change once it is listed.
    while let Some(Pages { base, len, next }) = unsafe { at.as_ref() } {
        let flags = MapFlags::PRIVATE.union(MapFlags::FIXED);
        // SAFETY: the invariant: these pages are ours, private, and reached as atomics or by whoever made
        // them, whose threads are not in this child.
        let mapped = unsafe { mm::mmap_anonymous(base.as_ptr().cast(), *len, PROTECTION, flags) };
        if mapped.is_err() {
            // SAFETY: as above. What cannot be mapped anew is written over.
            unsafe { base.as_ptr().write_bytes(0, *len) };
        }
        at = *next;
    }
}

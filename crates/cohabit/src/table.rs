//! From the address of a cell to the token of the attachment that it lives in, in a few nanoseconds.
//!
//! A cell is used through `&self` and must know as whom it locks. Bytes of the segment could lie, and
//! a forked child must not act as its parent, so the answer comes from private memory: a table of two
//! levels with one entry for each 4 KiB of an attached object.
//!
//! Invariants:
//! 1. a leaf, once published in `ROOT`, is never taken away or unmapped;
//! 2. leaves are pages that are zero again in every child (fork or raw clone), so a child finds 0,
//!    "not attached", without any other check;
//! 3. an entry is not 0 exactly while the attachment that owns these pages is attached here.

use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use cohabit_os::fork::child_zeroed;

const PAGE_BITS: u32 = 12;
#[cfg(target_pointer_width = "64")]
const LEAF_BITS: u32 = 18;
#[cfg(target_pointer_width = "64")]
const ROOT_BITS: u32 = 18;
#[cfg(not(target_pointer_width = "64"))]
const LEAF_BITS: u32 = 10;
#[cfg(not(target_pointer_width = "64"))]
const ROOT_BITS: u32 = 10;

const LEAF: usize = 1 << LEAF_BITS;

static ROOT: [AtomicPtr<AtomicU64>; 1 << ROOT_BITS] =
    [const { AtomicPtr::new(std::ptr::null_mut()) }; 1 << ROOT_BITS];

/// The token word of the attachment that `address` lies in, or 0.
#[inline(always)]
pub(crate) fn token_at(address: usize) -> u64 {
    let page = address >> PAGE_BITS;
    let Some(root) = ROOT.get(page >> LEAF_BITS) else {
        return 0;
    };
    // Acquire: pairs with the Release of the exchange in `leaf`: its zeros are there before it is.
    let leaf = root.load(Ordering::Acquire);
    if leaf.is_null() {
        return 0;
    }
    // SAFETY: by invariant 1 a leaf is LEAF entries for ever, and the index is below LEAF.
    let entry = unsafe { &*leaf.wrapping_add(page & (LEAF - 1)) };
    // Relaxed: whoever holds a reference to the cell got it after `set`, in this process.
    entry.load(Ordering::Relaxed)
}

/// Enters `token` for every page of `[base, base + size)`; 0 takes the entries away again.
///
/// # Errors
/// Memory for a leaf (2 MiB of address space for each GiB used) cannot be had.
pub(crate) fn set(base: usize, size: usize, token: u64) -> cohabit_os::Result<()> {
    let pages = (base >> PAGE_BITS)..=((base + size - 1) >> PAGE_BITS);
    for page in pages {
        let leaf = leaf(page >> LEAF_BITS)?;
        // SAFETY: by invariant 1 a leaf is LEAF entries for ever, and the index is below LEAF.
        let entry = unsafe { &*leaf.wrapping_add(page & (LEAF - 1)) };
        entry.store(token, Ordering::Relaxed);
    }
    Ok(())
}

/// The leaf for a root index, made at first use.
fn leaf(index: usize) -> cohabit_os::Result<*mut AtomicU64> {
    let root = ROOT.get(index).ok_or_else(|| cohabit_os::Error::unsupported("address table"))?;
    // Acquire: pairs with the Release of the exchange below, by another thread.
    let known = root.load(Ordering::Acquire);
    if !known.is_null() {
        return Ok(known);
    }
    let fresh = child_zeroed(LEAF * size_of::<AtomicU64>())?.as_ptr().cast::<AtomicU64>();
    // Release: pairs with the Acquire loads. A loser's pages stay mapped, untouched: address space
    // only, and at most once for each thread that races here.
    match root.compare_exchange(std::ptr::null_mut(), fresh, Ordering::Release, Ordering::Acquire) {
        Ok(_) => Ok(fresh),
        Err(winner) => Ok(winner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_and_go() {
        let base = 0x4000_0000;
        assert_eq!(token_at(base), 0);
        set(base, 3 * 4096, 7).unwrap();
        assert_eq!(token_at(base), 7);
        assert_eq!(token_at(base + 3 * 4096 - 1), 7);
        assert_eq!(token_at(base + 3 * 4096), 0);
        set(base, 3 * 4096, 0).unwrap();
        assert_eq!(token_at(base + 100), 0);
        assert_eq!(token_at(usize::MAX), 0);
    }
}

//! What a process must know of its children: pages that they do not inherit, a lock that a fork
//! respects, and a hook for the end.
//!
//! **Contract.**
//!
//! 1. Pages of [`child_zeroed`] are private, zero at first, never unmapped, and zero again in any
//!    child that has an address space of its own, however it was made (madvise(2), MADV_WIPEONFORK). By
//!    the portable mechanism: in any child that the C library makes; another one is as its parent.
//! 2. While a [`ProcessGuard`] exists, no `fork` of the C library happens in this process, and in a
//!    child the lock is free (pthread_atfork(3)). A raw `clone` asks nobody: a child made by one
//!    while the lock was held may find it held for ever, and shares what was open at that moment.
//! 3. Whoever holds the process lock never waits for another process, so it is never held long.
//! 4. A lineage number is equal in two moments exactly if they belong to the same address space,
//!    never to a parent and its child: it stands in a page of Invariant 1.
//! 5. A [`PerProcess`] value is made at most once in each address space and never moved or dropped.
//!    A child finds none, whatever its parent's was in the middle of: the way to it is a page of
//!    Invariant 1. It makes its own; the parent's copy stays behind, unreachable.

#[cfg(unix)]
mod descriptors;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod portable;
#[cfg(unix)]
mod posix;
#[cfg(not(any(unix, windows)))]
mod stub;
#[cfg(all(test, unix))]
#[expect(dead_code, reason = "compiled to prove that it compiles")]
mod stub;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use posix as same;
#[cfg(not(any(unix, windows)))]
use stub as same;
#[cfg(windows)]
use windows as same;

#[cfg(unix)]
pub(crate) use descriptors::OwnDescriptor;

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::atomic::{AtomicPtr, AtomicU64};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::mechanism::sys;

/// Private pages that are zero now, and zero again in any child. They are never unmapped.
pub fn child_zeroed(len: usize) -> Result<NonNull<u8>> {
    sys!(child_zeroed(len))
}

/// Holds the process lock until it is dropped, by the thread that took it.
#[derive(Debug)]
pub struct ProcessGuard {
    _guard: MutexGuard<'static, ()>,
}

static LOCK: Mutex<()> = Mutex::new(());
static FORKS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// What a fork keeps still, while this thread forks. It has no destructor, so it is there even while
    /// a thread ends.
    static ACROSS_FORK: Cell<Option<ManuallyDrop<Still>>> = const { Cell::new(None) };
}

/// What does not change while the process is copied.
struct Still {
    _process: MutexGuard<'static, ()>,
    #[cfg(unix)]
    descriptors: descriptors::Frozen,
}

impl Still {
    fn now() -> Still {
        // In this order, as everywhere: who has the process lock may open what is listed.
        let _process = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        FORKS.fetch_add(1, Relaxed);
        Still {
            _process,
            #[cfg(unix)]
            descriptors: descriptors::freeze(),
        }
    }
}

fn register_hooks() {
    same::register_fork_hooks(before_fork, after_fork, begin_child);
}

/// Takes the one lock of this process that a fork also takes. It is not reentrant, and a thread
/// that forks while it holds it waits for itself.
///
/// It guards what must not be half done in a child: a lock that was taken through a description
/// that the child would share. A panic under it poisons nothing, since it protects no data.
pub fn process_lock() -> ProcessGuard {
    register_hooks();
    ProcessGuard { _guard: LOCK.lock().unwrap_or_else(PoisonError::into_inner) }
}

/// Calls `hook` when the process ends by `exit` or by a return from main, after hooks that were
/// registered later. It is not called for a death by signal, for `_exit` or for `exec`.
pub fn at_exit(hook: extern "C" fn()) {
    same::at_exit(hook);
}

/// How many forks this process and its ancestors made. It changes under the process lock only.
pub(crate) fn forks() -> u64 {
    register_hooks();
    FORKS.load(Relaxed)
}

/// The number of this address space (Invariant 4).
pub(crate) fn lineage() -> Result<u64> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mark = &process_words()?[0];
    let seen = mark.load(Relaxed);
    if seen != 0 {
        return Ok(seen);
    }
    // A child inherits NEXT, which is above every number that its ancestors have used.
    let mine = NEXT.fetch_add(1, Relaxed);
    Ok(mark.compare_exchange(0, mine, Relaxed, Relaxed).map_or_else(|other| other, |_| mine))
}

/// How many words [`process_words`] has. Word 0 is the lineage; `process` uses the rest.
pub(crate) const PROCESS_WORDS: usize = 8;

/// Words of this address space that a child finds zero.
pub(crate) fn process_words() -> Result<&'static [AtomicU64; PROCESS_WORDS]> {
    static PAGE: AtomicPtr<[AtomicU64; PROCESS_WORDS]> = AtomicPtr::new(ptr::null_mut());
    // Acquire: pairs with the exchange below, so that the page is mapped for whoever sees it.
    let mut page = PAGE.load(Acquire);
    if page.is_null() {
        let fresh = child_zeroed(size_of::<[AtomicU64; PROCESS_WORDS]>())?.as_ptr().cast();
        // Who loses this race leaves a page unused, once: cheaper than a lock that a fork may find
        // taken. AcqRel: pairs with the load above.
        page = match PAGE.compare_exchange(ptr::null_mut(), fresh, AcqRel, Acquire) {
            Ok(_) => fresh,
            Err(first) => first,
        };
    }
    // SAFETY: Invariant 1: the page was mapped by `child_zeroed`, is aligned to a page, larger than
    // the words, zeroed (valid for atomics), and stays mapped in this process and its children.
    Ok(unsafe { &*page })
}

/// One `T` for each address space, made at its first use (Invariant 5).
#[derive(Debug)]
pub struct PerProcess<T: 'static> {
    /// A page that a child finds zero, once it was mapped; in it, the way to the value.
    page: AtomicPtr<AtomicPtr<T>>,
}

impl<T: Send + Sync + 'static> PerProcess<T> {
    /// None yet.
    pub const fn new() -> Self {
        Self { page: AtomicPtr::new(ptr::null_mut()) }
    }

    /// This process's value, if it has made one.
    pub fn get(&self) -> Option<&'static T> {
        // Acquire: pairs with the exchange in `place`, as in `process_words`.
        let page = self.page.load(Acquire);
        // SAFETY: Invariant 1: null, or a page that `place` mapped: zeroed, never unmapped, only used
        // as this one atomic pointer.
        let place = unsafe { page.as_ref() }?;
        // Acquire: pairs with the exchange in `get_or_make`, so that the value is written.
        let value = place.load(Acquire);
        // SAFETY: Invariant 5: null, or a box that was leaked in this address space, for ever.
        unsafe { value.as_ref() }
    }

    /// This process's value; the first call makes it. Where several make one at a time, one is kept.
    ///
    /// # Errors
    /// The page cannot be had.
    pub fn get_or_make(&self, make: impl FnOnce() -> T) -> Result<&'static T> {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        let place = self.place()?;
        let fresh = Box::into_raw(Box::new(make()));
        // AcqRel: pairs with the load in `get`, and, where another one was first, with its exchange.
        match place.compare_exchange(ptr::null_mut(), fresh, AcqRel, Acquire) {
            // SAFETY: the box of a few lines above, now reachable for ever, and never freed.
            Ok(_) => Ok(unsafe { &*fresh }),
            Err(first) => {
                // SAFETY: the box of a few lines above, which nobody else has seen.
                drop(unsafe { Box::from_raw(fresh) });
                // SAFETY: Invariant 5: a box that another thread leaked here, for ever.
                Ok(unsafe { &*first })
            }
        }
    }

    /// Where the way to the value stands.
    fn place(&self) -> Result<&'static AtomicPtr<T>> {
        // Acquire: pairs with the exchange below.
        let mut page = self.page.load(Acquire);
        if page.is_null() {
            let fresh = child_zeroed(size_of::<AtomicPtr<T>>())?.as_ptr().cast();
            // As in `process_words`: a loser's page stays unused. AcqRel: pairs with the load above.
            page = match self.page.compare_exchange(ptr::null_mut(), fresh, AcqRel, Acquire) {
                Ok(_) => fresh,
                Err(first) => first,
            };
        }
        // SAFETY: Invariant 1: a page that `child_zeroed` mapped: aligned, zeroed (a null pointer is
        // valid for an atomic one), never unmapped, only used as this one atomic pointer.
        Ok(unsafe { &*page })
    }
}

impl<T: Send + Sync + 'static> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Before a fork, on the thread that forks. Twice is once: hooks may have been registered twice.
extern "C" fn before_fork() {
    let still = ACROSS_FORK.take().unwrap_or_else(|| ManuallyDrop::new(Still::now()));
    ACROSS_FORK.set(Some(still));
}

/// After a fork, on the same thread of the parent.
extern "C" fn after_fork() {
    drop(ACROSS_FORK.take().map(ManuallyDrop::into_inner));
}

/// After a fork, on that thread's copy in the child.
extern "C" fn begin_child() {
    sys!(in_child());
    #[cfg(unix)]
    if let Some(mut still) = ACROSS_FORK.take() {
        descriptors::in_child(&mut still.descriptors);
        ACROSS_FORK.set(Some(still));
    }
    after_fork();
}

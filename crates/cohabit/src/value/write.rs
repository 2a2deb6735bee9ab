//! Writing: take the lock, fill a free copy, commit it, let go.
//!
//! Killed before the commit, nothing has changed that anyone sees; killed after it, the value is the
//! value, and a waiter that was not woken looks again within 100 ms.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cell::{self, CellWords, Commit};
use super::{Value, Version, checked, checked_box};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{self, Held, Patience, Updating};
use crate::plain::Plain;
use crate::site::Site;
use crate::words;

/// The largest private copy that `update` keeps on the stack, in bytes.
const ON_STACK_MAX: usize = 16 * 1024;

/// Takes the lock and reads what is committed.
#[inline(always)]
pub(super) fn begin<C: CellWords + ?Sized>(
    cell: &C,
    site: Site,
    patience: Patience,
) -> Result<(Held<'_>, Commit)> {
    let held = lock::acquire(cell.lock(), site.me(), &site, patience);
    let held = held.map_err(|error| site.name(error))?;
    let commit = cell::committed(cell).map_err(|error| site.name(error))?;
    Ok((held, commit))
}

/// Fills a free copy by `fill` and commits it: see [`cell::publish`].
#[inline(always)]
pub(crate) fn publish<C: CellWords + ?Sized, H>(
    cell: &C,
    held: H,
    commit: Commit,
    fill: impl FnOnce(&[AtomicU64]),
) -> Version {
    Version(cell::publish(cell, held, commit, fill).version())
}

/// A lock that is held while a caller's closure runs, which may fork: a child lets nothing go.
pub(crate) struct HeldOverClosure<'a> {
    held: Option<Held<'a>>,
    site: Site,
}

impl<'a> HeldOverClosure<'a> {
    pub(crate) fn new(held: Held<'a>, site: Site) -> Self {
        Self { held: Some(held), site }
    }
}

impl Drop for HeldOverClosure<'_> {
    fn drop(&mut self) {
        if !self.site.is_here() {
            std::mem::forget(self.held.take());
        }
    }
}

/// Replaces the whole value.
#[inline(always)]
pub(crate) fn whole<T: Plain>(
    cell: &Value<T>,
    site: Site,
    patience: Patience,
    value: &T,
) -> Result<Version> {
    let (held, commit) = begin(cell, site, patience)?;
    Ok(publish(cell, held, commit, |words| replace(cell, commit, value, words)))
}

/// Fills a copy with a new value. Of an appendable struct, what newer programs have behind its fields is
/// taken over from the committed copy, which nobody writes.
#[inline(always)]
fn replace<T: Plain>(cell: &Value<T>, commit: Commit, value: &T, words: &[AtomicU64]) {
    match T::REST_FROM {
        None => words::store(value, words),
        Some(end) => words::store_over(value, end, cell.data(commit.index()), words),
    }
}

/// Replaces one part, which starts at byte `at` and lies inside the value: the committed copy is copied inside the segment, patched, and committed.
pub(crate) fn part<C: CellWords + ?Sized, F: Plain>(
    cell: &C,
    site: Site,
    patience: Patience,
    at: usize,
    value: &F,
) -> Result<Version> {
    let (held, commit) = begin(cell, site, patience)?;
    let from = cell.data(commit.index());
    Ok(publish(cell, held, commit, |to| {
        copy_words(from, to);
        words::store_part(value, to, at);
    }))
}

/// Copies words inside the segment; nobody writes `from`, and `to` is the lock holder's.
pub(crate) fn copy_words(from: &[AtomicU64], to: &[AtomicU64]) {
    for (from, to) in from.iter().zip(to) {
        to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Changes a private copy and commits it.
#[inline(always)]
pub(crate) fn update<T: Plain, R>(
    cell: &Value<T>,
    site: Site,
    patience: Patience,
    change: impl FnOnce(&mut T) -> R,
) -> Result<R> {
    let (held, commit) = begin(cell, site, patience)?;
    if size_of::<T>() <= ON_STACK_MAX {
        update_on_stack(cell, site, HeldOverClosure::new(held, site), commit, change)
    } else {
        update_on_heap(cell, site, HeldOverClosure::new(held, site), commit, change)
    }
}

#[inline(never)]
fn update_on_stack<T: Plain, R>(
    cell: &Value<T>,
    site: Site,
    held: HeldOverClosure<'_>,
    commit: Commit,
    change: impl FnOnce(&mut T) -> R,
) -> Result<R> {
    let mut copy = MaybeUninit::<T>::uninit();
    // SAFETY: `copy` is ours, aligned and as large as a T.
    unsafe { words::load(cell.data(commit.index()), copy.as_mut_ptr()) };
    let mut value = checked(copy).map_err(|error| site.name(error))?;
    let result = run(cell, site, || change(&mut value))?;
    publish(cell, held, commit, |words| replace(cell, commit, &value, words));
    Ok(result)
}

#[inline(never)]
fn update_on_heap<T: Plain, R>(
    cell: &Value<T>,
    site: Site,
    held: HeldOverClosure<'_>,
    commit: Commit,
    change: impl FnOnce(&mut T) -> R,
) -> Result<R> {
    let mut copy = Box::<T>::new_uninit();
    // SAFETY: `copy` is ours, aligned and as large as a T.
    unsafe { words::load(cell.data(commit.index()), copy.as_mut_ptr()) };
    let mut value = checked_box(copy).map_err(|error| site.name(error))?;
    let result = run(cell, site, || change(&mut value))?;
    publish(cell, held, commit, |words| replace(cell, commit, &*value, words));
    Ok(result)
}

/// Runs the caller's closure, marked, so that a write to the same cell in it is told from a wait.
pub(crate) fn run<C: CellWords + ?Sized, R>(
    cell: &C,
    site: Site,
    change: impl FnOnce() -> R,
) -> Result<R> {
    let _updating = Updating::mark(cell.lock()).map_err(|error| site.name(error))?;
    let result = change();
    check_here(site).map(|()| result)
}

/// Refuses a child that was forked inside the closure: the update is its parent's to finish.
pub(crate) fn check_here(site: Site) -> Result<()> {
    if site.is_here() {
        return Ok(());
    }
    let detail = "the update forked, and this is the child: the parent finishes it";
    Err(site.name(Error::new(ErrorKind::Forked, "", detail)))
}

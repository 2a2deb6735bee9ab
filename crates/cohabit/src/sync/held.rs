//! Which locks this thread holds: what tells "I wait for myself" from "another thread of mine has it".
//!
//! A lock word names a process, not a thread. So each thread notes the addresses of what it holds, in
//! memory of its own: by index and without an allocation for the first [`NOTED`], as nearly all are.
//!
//! A guard that is forgotten stays noted, as its lock stays held.

use std::cell::{Cell, RefCell};

/// How many locks a thread can hold at once before noting one more may allocate.
const NOTED: usize = 16;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static HELD: [Cell<usize>; NOTED] = const { [const { Cell::new(0) }; NOTED] };
    static MORE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Notes that this thread holds what stands at `address`.
#[inline(always)]
pub(crate) fn note(address: usize) {
    let count = COUNT.get();
    if count < NOTED {
        HELD.with(|held| held[count].set(address));
        COUNT.set(count + 1);
    } else {
        note_more(address);
    }
}

/// Takes the note back; the last one noted is the quickest.
#[inline(always)]
pub(crate) fn forget(address: usize) {
    let last = COUNT.get().wrapping_sub(1);
    if last < NOTED && HELD.with(|held| held[last].get()) == address {
        COUNT.set(last);
    } else {
        forget_any(address);
    }
}

/// Whether this thread holds what stands at `address`.
#[cold]
pub(crate) fn holds(address: usize) -> bool {
    let count = COUNT.get().min(NOTED);
    HELD.with(|held| held[..count].iter().any(|cell| cell.get() == address))
        || MORE.try_with(|more| more.borrow().contains(&address)) == Ok(true)
}

#[cold]
fn note_more(address: usize) {
    // A thread that is ending has no room any more: then it waits for itself, as it would in std.
    let _ending = MORE.try_with(|more| more.borrow_mut().push(address));
}

#[cold]
fn forget_any(address: usize) {
    let count = COUNT.get().min(NOTED);
    let found = HELD.with(|held| {
        let at = held[..count].iter().rposition(|cell| cell.get() == address)?;
        held[at].set(held[count - 1].get());
        Some(at)
    });
    if found.is_some() {
        COUNT.set(count - 1);
        return;
    }
    let _ending = MORE.try_with(|more| {
        let mut more = more.borrow_mut();
        if let Some(at) = more.iter().rposition(|noted| *noted == address) {
            more.swap_remove(at);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_taken_back_in_any_order_and_beyond_the_first() {
        let all: Vec<usize> = (1..=3 * NOTED).map(|n| n * 8).collect();
        all.iter().for_each(|address| note(*address));
        note(8);
        assert!(all.iter().all(|address| holds(*address)) && !holds(4));
        for address in all.iter().step_by(2).chain(all.iter().skip(1).step_by(2).rev()) {
            assert!(holds(*address));
            forget(*address);
        }
        assert!(holds(8) && !holds(16));
        forget(8);
        forget(8);
        assert!(!all.iter().any(|address| holds(*address)));
        assert_eq!(COUNT.get(), 0);
    }
}

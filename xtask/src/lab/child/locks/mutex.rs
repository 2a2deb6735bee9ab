//! What children do with a mutex.
//!
//! Whoever takes it says what it was told and what it found, mends that, and adds one to each number.
use super::{BRIEF, LONG, Orders, Sums, answer, in_words, kill_myself};
use cohabit::{Error, LockError, LockResult, Mutex, MutexGuard, View};
use std::panic::{AssertUnwindSafe, catch_unwind};

type Guard<'a> = MutexGuard<'a, Sums>;

/// The guard, if there is one, and what was told and found.
fn taken(outcome: LockResult<Guard<'_>>) -> Result<(Guard<'_>, String), Error> {
    let (told, guard) = match outcome {
        Ok(guard) => ("whole", guard),
        Err(LockError::OwnerDied(guard)) => ("owner-died", guard),
        Err(LockError::Poisoned(guard)) => ("poisoned", guard),
        Err(LockError::Failed(error)) => return Err(error),
    };
    let found = format!("{told} {} {}", guard.one, guard.other);
    Ok((guard, found))
}

/// The same, mended after a death.
pub(super) fn settled(outcome: LockResult<Guard<'_>>) -> Result<(Guard<'_>, String), Error> {
    let (mut guard, found) = taken(outcome)?;
    if found.starts_with("owner-died") {
        let sum = guard.one.max(guard.other);
        (guard.one, guard.other) = (sum, sum);
        guard.mark_consistent();
    }
    Ok((guard, found))
}

pub(super) fn add(mutex: &Mutex<Sums>, outcome: LockResult<Guard<'_>>) -> Result<String, Error> {
    let (mut guard, found) = settled(outcome)?;
    if found.starts_with("poisoned") {
        mutex.clear_poison()?;
    }
    guard.one += 1;
    guard.other += 1;
    Ok(found)
}

/// Does one operation by its name in the laboratory's list.
pub(super) fn act(mutex: &Mutex<Sums>, what: &str) -> Result<String, Error> {
    match what {
        "mutex_look" => taken(mutex.lock()).map(|(_, found)| found),
        "mutex_try_lock" | "mutex_try_lock_takeover" => add(mutex, mutex.try_lock()),
        "mutex_lock_timeout" | "mutex_lock_timeout_takeover" => {
            add(mutex, mutex.lock_timeout(LONG))
        }
        "mutex_lock_briefly" => add(mutex, mutex.lock_timeout(BRIEF)),
        "mutex_lock_panics" => {
            let (guard, found) = settled(mutex.lock())?;
            let panicked = catch_unwind(AssertUnwindSafe(move || {
                let _held = guard;
                panic!("on purpose")
            }));
            // The panic is what was wanted.
            let _panic: Result<(), _> = panicked;
            Ok(found)
        }
        "mutex_replace" | "mutex_replace_takeover" | "mutex_replace_poisoned" => {
            mutex.replace(Sums { one: 70, other: 70 }).map(|()| String::new())
        }
        "mutex_replace_timeout" => {
            mutex.replace_timeout(Sums { one: 70, other: 70 }, LONG).map(|()| String::new())
        }
        "mutex_clear_poison" => mutex.clear_poison().map(|()| String::new()),
        "mutex_is_poisoned" => mutex.is_poisoned().map(|is| is.to_string()),
        _ => add(mutex, mutex.lock()),
    }
}

/// What an observer sees.
pub(super) fn peek(view: View<'_, Mutex<Sums>>) -> Result<String, Error> {
    view.peek().map(|sums| format!("{} {}", sums.one, sums.other))
}

/// Dies while it holds the lock, half way.
pub(super) fn die_inside(mutex: &Mutex<Sums>) -> Result<(), Error> {
    let (mut guard, _) = settled(mutex.lock())?;
    guard.one += 1;
    kill_myself()
}

/// Holds the lock until the next order, and adds.
pub(super) fn hold(mutex: &Mutex<Sums>, orders: &mut Orders) -> Result<(), String> {
    let (mut guard, _) = settled(mutex.lock()).map_err(|error| in_words(&error))?;
    answer(Ok(String::new()))?;
    orders.pause();
    guard.one += 1;
    guard.other += 1;
    Ok(())
}

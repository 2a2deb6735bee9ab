//! What children do with a `RwLock`.
//!
//! Whoever comes in says what it was told and what it found; a writer mends that, and adds one to each number.
use super::{BRIEF, LONG, Orders, Sums, answer, in_words, kill_myself};
use cohabit::{Error, LockError, LockResult, RwLock, RwLockWriteGuard, View};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

type Writes<'a> = RwLockWriteGuard<'a, Sums>;

/// The guard, if there is one, and what was told and found.
fn taken<G: Deref<Target = Sums>>(outcome: LockResult<G>) -> Result<(G, String), Error>
where
    Error: From<LockError<G>>,
{
    let (told, guard) = match outcome {
        Ok(guard) => ("whole", guard),
        Err(LockError::OwnerDied(guard)) => ("owner-died", guard),
        Err(LockError::Poisoned(guard)) => ("poisoned", guard),
        Err(error @ LockError::Failed(_)) => return Err(error.into()),
    };
    let found = format!("{told} {} {}", guard.one, guard.other);
    Ok((guard, found))
}

/// The same of a writer, mended after a death.
fn settled(outcome: LockResult<Writes<'_>>) -> Result<(Writes<'_>, String), Error> {
    let (mut guard, found) = taken(outcome)?;
    if found.starts_with("owner-died") {
        let sum = guard.one.max(guard.other);
        (guard.one, guard.other) = (sum, sum);
        guard.mark_consistent();
    }
    Ok((guard, found))
}

fn add(lock: &RwLock<Sums>, outcome: LockResult<Writes<'_>>) -> Result<String, Error> {
    let (mut guard, found) = settled(outcome)?;
    if found.starts_with("poisoned") {
        lock.clear_poison()?;
    }
    guard.one += 1;
    guard.other += 1;
    Ok(found)
}

/// Does one operation by its name in the laboratory's list, without its first word.
pub(super) fn act(lock: &RwLock<Sums>, verb: &str) -> Result<String, Error> {
    let seventy = || Sums { one: 70, other: 70 };
    match verb {
        "try_read" | "try_read_takeover" => taken(lock.try_read()).map(|(_, found)| found),
        "read_timeout" => taken(lock.read_timeout(LONG)).map(|(_, found)| found),
        "read_briefly" => taken(lock.read_timeout(BRIEF)).map(|(_, found)| found),
        "look_alone" => taken(lock.write()).map(|(_, found)| found),
        "try_write" | "try_write_takeover" | "try_write_dead_reader" => add(lock, lock.try_write()),
        "write_timeout" => add(lock, lock.write_timeout(LONG)),
        "write_briefly" => add(lock, lock.write_timeout(BRIEF)),
        "write_panics" => {
            let (guard, found) = settled(lock.write())?;
            let panicked = catch_unwind(AssertUnwindSafe(move || {
                let _held = guard;
                panic!("on purpose")
            }));
            // The panic is what was wanted.
            let _panic: Result<(), _> = panicked;
            Ok(found)
        }
        "replace" | "replace_takeover" | "replace_poisoned" => {
            lock.replace(seventy()).map(|()| String::new())
        }
        "replace_timeout" => lock.replace_timeout(seventy(), LONG).map(|()| String::new()),
        "clear_poison" => lock.clear_poison().map(|()| String::new()),
        "is_poisoned" => lock.is_poisoned().map(|is| is.to_string()),
        verb if verb.starts_with("read") => taken(lock.read()).map(|(_, found)| found),
        _ => add(lock, lock.write()),
    }
}

/// What an observer sees.
pub(super) fn peek(view: View<'_, RwLock<Sums>>) -> Result<String, Error> {
    view.peek().map(|sums| format!("{} {}", sums.one, sums.other))
}

/// Dies while it is inside, a writer half way.
pub(super) fn die_inside(lock: &RwLock<Sums>, deed: &str) -> Result<(), Error> {
    if deed == "reading" {
        let _guard = taken(lock.read())?;
        kill_myself()
    }
    let (mut guard, _) = settled(lock.write())?;
    guard.one += 1;
    kill_myself()
}

/// Is inside until the next order; a writer adds then.
pub(super) fn hold(lock: &RwLock<Sums>, which: &str, orders: &mut Orders) -> Result<(), String> {
    let failed = |error: Error| in_words(&error);
    if which == "read" {
        let _guard = taken(lock.read()).map_err(failed)?;
        answer(Ok(String::new()))?;
        orders.pause();
        return Ok(());
    }
    let (mut guard, _) = settled(lock.write()).map_err(failed)?;
    answer(Ok(String::new()))?;
    orders.pause();
    guard.one += 1;
    guard.other += 1;
    Ok(())
}

//! What children do with a semaphore.
use super::{BRIEF, LONG, Orders, answer, in_words, kill_myself};
use cohabit::{Error, ErrorKind, Semaphore, SemaphorePermit, View};

/// Does one operation by its name in the laboratory's list, without its first word.
pub(super) fn act(semaphore: &Semaphore, verb: &str) -> Result<String, Error> {
    match verb {
        "try_acquire" | "try_acquire_takeover" => semaphore.try_acquire().map(drop)?,
        "acquire_timeout" => semaphore.acquire_timeout(LONG).map(drop)?,
        "acquire_briefly" => semaphore.acquire_timeout(BRIEF).map(drop)?,
        "acquire_awaited" => drop(both(semaphore)?),
        "forget" => semaphore.acquire()?.forget(),
        "add" | "add_awaited" => semaphore.add_permits(1)?,
        "available" => return semaphore.available_permits().map(|free| free.to_string()),
        "count" => return count(semaphore),
        _ => semaphore.acquire().map(drop)?,
    }
    Ok(String::new())
}

fn both(semaphore: &Semaphore) -> Result<[SemaphorePermit<'_>; 2], Error> {
    Ok([semaphore.acquire()?, semaphore.acquire()?])
}

/// How many permits can be had without waiting; all are given back.
fn count(semaphore: &Semaphore) -> Result<String, Error> {
    let mut had = Vec::new();
    loop {
        match semaphore.try_acquire() {
            Ok(permit) => had.push(permit),
            Err(error) if error.kind() == ErrorKind::Busy => return Ok(had.len().to_string()),
            Err(error) => return Err(error),
        }
    }
}

/// What an observer sees.
pub(super) fn look(view: View<'_, Semaphore>) -> String {
    view.available_permits().to_string()
}

/// Dies while it holds both permits.
pub(super) fn die_inside(semaphore: &Semaphore) -> Result<(), Error> {
    let _both = both(semaphore)?;
    kill_myself()
}

/// Holds both permits until the next order.
pub(super) fn hold(semaphore: &Semaphore, orders: &mut Orders) -> Result<(), String> {
    let _both = both(semaphore).map_err(|error| in_words(&error))?;
    answer(Ok(String::new()))?;
    orders.pause();
    Ok(())
}

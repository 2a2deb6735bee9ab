//! What children do with events and condition variables.
use super::{Hall, LONG, mutex};
use cohabit::{Error, Event, LockError};

/// Does one operation on an event.
pub(super) fn event(event: &Event, verb: &str) -> Result<String, Error> {
    match verb {
        "set" | "set_again" | "set_awaited" => event.set()?,
        "reset" => event.reset()?,
        "try_wait" => return event.try_wait().map(|passed| passed.to_string()),
        "is_set" => return event.is_set().map(|is_set| is_set.to_string()),
        "wait_timeout" => event.wait_timeout(LONG)?,
        _ => event.wait()?,
    }
    Ok(String::new())
}

/// Does one operation on the condition variable; a wait is for the number to grow.
pub(super) fn condvar(hall: &Hall, verb: &str) -> Result<String, Error> {
    match verb {
        "notify_one" | "notify_one_awaited" => {
            mutex::add(&hall.mutex, hall.mutex.lock())?;
            hall.changed.notify_one()?;
        }
        "notify_all" | "notify_all_awaited" => {
            mutex::add(&hall.mutex, hall.mutex.lock())?;
            hall.changed.notify_all()?;
        }
        _ => {
            let (mut guard, _) = mutex::settled(hall.mutex.lock())?;
            let before = guard.one.max(guard.other);
            while guard.one == before {
                let waited = if verb == "wait_timeout" {
                    let waited = hall.changed.wait_timeout(guard, LONG);
                    waited.map(|(guard, _)| guard).map_err(without_time)
                } else {
                    hall.changed.wait(guard)
                };
                (guard, _) = mutex::settled(waited)?;
            }
        }
    }
    Ok(String::new())
}

fn without_time<G, W>(error: LockError<(G, W)>) -> LockError<G> {
    match error {
        LockError::OwnerDied((guard, _)) => LockError::OwnerDied(guard),
        LockError::Poisoned((guard, _)) => LockError::Poisoned(guard),
        LockError::Failed(error) => LockError::Failed(error),
    }
}

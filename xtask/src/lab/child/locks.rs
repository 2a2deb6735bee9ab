//! Children that use locks.
//!
//! What a mutex guards are two numbers, equal whenever nobody holds it. Whoever takes it says what it
//! was told and what it found, mends that, and adds one to each.
use super::{Orders, answer, in_folder, in_words, kill_myself};
use crate::lab::trace;
use cohabit::{Error, LockError, LockResult, Mutex, MutexGuard, Shared, SharedView, plain};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Longer than the watchdog: who waits in vain must not be saved by its own deadline.
const LONG: Duration = Duration::from_secs(60);

/// What the mutex guards.
#[plain]
#[derive(Default)]
pub(super) struct Sums {
    one: u64,
    other: u64,
}

type Object = Mutex<Sums>;

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
fn settled(outcome: LockResult<Guard<'_>>) -> Result<(Guard<'_>, String), Error> {
    let (mut guard, found) = taken(outcome)?;
    if found.starts_with("owner-died") {
        let sum = guard.one.max(guard.other);
        (guard.one, guard.other) = (sum, sum);
        guard.mark_consistent();
    }
    Ok((guard, found))
}

fn add(object: &Object, outcome: LockResult<Guard<'_>>) -> Result<String, Error> {
    let (mut guard, found) = settled(outcome)?;
    if found.starts_with("poisoned") {
        object.clear_poison()?;
    }
    guard.one += 1;
    guard.other += 1;
    Ok(found)
}

/// Does one operation by its name in the laboratory's list.
fn act(object: &Object, what: &str) -> Result<String, Error> {
    match what {
        "mutex_try_lock" | "mutex_try_lock_takeover" => add(object, object.try_lock()),
        "mutex_lock_timeout" | "mutex_lock_timeout_takeover" => {
            add(object, object.lock_timeout(LONG))
        }
        "mutex_look" => taken(object.lock()).map(|(_, found)| found),
        "mutex_lock_panics" => {
            let (guard, found) = settled(object.lock())?;
            let panicked = catch_unwind(AssertUnwindSafe(move || {
                let _held = guard;
                panic!("on purpose")
            }));
            // The panic is what was wanted.
            let _panic: Result<(), _> = panicked;
            Ok(found)
        }
        "mutex_replace" | "mutex_replace_takeover" | "mutex_replace_poisoned" => {
            object.replace(Sums { one: 70, other: 70 }).map(|()| String::new())
        }
        "mutex_replace_timeout" => {
            object.replace_timeout(Sums { one: 70, other: 70 }, LONG).map(|()| String::new())
        }
        "mutex_clear_poison" => object.clear_poison().map(|()| String::new()),
        "mutex_is_poisoned" => object.is_poisoned().map(|is| is.to_string()),
        _ => add(object, object.lock()),
    }
}

/// The victim: opens, then does one operation under the eyes of the tracer.
pub(super) fn suffer(what: &str, folder: &str, name: &str) -> Result<(), String> {
    let options = Shared::<Object>::options().scope(in_folder(folder));
    let failed = |error: Error| in_words(&error);
    let done = if what == "mutex_peek" {
        let view = options.open_read_only(name).map_err(failed)?;
        trace::perform(|| view.view().peek().map(|sums| sums.one.to_string()))
    } else {
        let object = options.open(name).map_err(failed)?;
        trace::perform(|| act(&object, what))
    };
    done.map_err(|error| error.to_string())?.map(drop).map_err(failed)
}

/// Dies while it holds the lock, half way.
pub(super) fn die(deed: &str, folder: &str, name: &str) -> Result<(), String> {
    let options = Shared::<Object>::options().scope(in_folder(folder));
    let failed = |error: Error| in_words(&error);
    let object = options.open(name).map_err(failed)?;
    let (mut guard, _) = settled(object.lock()).map_err(failed)?;
    match deed {
        "inside" => {
            guard.one += 1;
            kill_myself()
        }
        _ => Err(format!("no such deed: {deed}")),
    }
}

/// How a player reaches the object.
enum Hold {
    Nothing,
    User(Shared<Object>),
    Observer(SharedView<Object>),
}

/// A player: one order after the other.
pub(super) fn play() -> Result<(), String> {
    let mut orders = Orders::new();
    let mut hold = Hold::Nothing;
    while let Some(line) = orders.next() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let result = obey(&words, &mut hold, &mut orders);
        answer(result)?;
    }
    Ok(())
}

fn obey(words: &[&str], hold: &mut Hold, orders: &mut Orders) -> Result<String, String> {
    let failed = |error: Error| in_words(&error);
    let options = |folder| Shared::<Object>::options().scope(in_folder(folder));
    match (words, &*hold) {
        (["create", folder, name], _) => {
            *hold = Hold::User(options(folder).create(name, Sums::default).map_err(failed)?);
        }
        (["open", folder, name], _) => {
            *hold = Hold::User(options(folder).open(name).map_err(failed)?);
        }
        (["view", folder, name], _) => {
            *hold = Hold::Observer(options(folder).open_read_only(name).map_err(failed)?);
        }
        (["leave"], _) => *hold = Hold::Nothing,
        (["do", what], Hold::User(object)) => return act(object, what).map_err(failed),
        (["peek"], Hold::Observer(view)) => {
            let sums = view.view().peek().map_err(failed)?;
            return Ok(format!("{} {}", sums.one, sums.other));
        }
        (["hold"], Hold::User(object)) => {
            let (mut guard, _) = settled(object.lock()).map_err(failed)?;
            answer(Ok(String::new()))?;
            orders.pause();
            guard.one += 1;
            guard.other += 1;
        }
        _ => return Err(format!("no such order: {words:?}")),
    }
    Ok(String::new())
}

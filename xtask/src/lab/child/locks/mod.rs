//! Children that use locks.
//!
//! One object has them all, so that the players are the same for every operation.
mod barrier;
mod mutex;
mod once;
mod rw_lock;
mod semaphore;
mod signals;

use super::{Orders, answer, in_folder, in_words, kill_myself};
use crate::lab::trace;
use cohabit::{
    Barrier, Condvar, Error, Event, Mutex, Once, OnceCell, RwLock, Semaphore, Shared, SharedView,
    plain, shareable,
};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Longer than the watchdog: who waits in vain must not be saved by its own deadline.
const LONG: Duration = Duration::from_secs(60);
/// Enough to ask the kernel about a holder, who lives.
const BRIEF: Duration = Duration::from_millis(25);

/// What the mutex guards: equal when it is whole.
#[plain]
#[derive(Default, PartialEq)]
pub(super) struct Sums {
    one: u64,
    other: u64,
}

/// The object: the oracle knows where each part is.
#[shareable]
struct Hall {
    mutex: Mutex<Sums>,
    auto: Event,
    manual: Event,
    changed: Condvar,
    once: Once,
    deed: [AtomicU64; 2],
    answer: OnceCell<Sums>,
    barrier: Barrier,
    table: RwLock<Sums>,
    permits: Semaphore,
}

fn new() -> Hall {
    Hall {
        mutex: Mutex::default(),
        auto: Event::auto(),
        manual: Event::manual(),
        changed: Condvar::new(),
        once: Once::new(),
        deed: [0, 0].map(AtomicU64::new),
        answer: OnceCell::new(),
        barrier: Barrier::new(barrier::PARTIES),
        table: RwLock::default(),
        permits: Semaphore::new(2),
    }
}

/// Does one operation by its name in the laboratory's list.
fn act(hall: &Hall, what: &str) -> Result<String, Error> {
    match what.split_once('_') {
        Some(("event", verb)) => signals::event(&hall.auto, verb),
        Some(("manual", verb)) => signals::event(&hall.manual, verb),
        Some(("once", verb)) => once::once(hall, verb),
        Some(("oncecell", verb)) => once::cell(hall, verb),
        Some(("barrier", verb)) => barrier::act(&hall.barrier, verb),
        Some(("semaphore", verb)) => semaphore::act(&hall.permits, verb),
        Some(("rw", verb)) => rw_lock::act(&hall.table, verb),
        Some(("condvar", verb)) => signals::condvar(hall, verb),
        _ => mutex::act(&hall.mutex, what),
    }
}

/// The same for who may only look.
fn look(view: &SharedView<Hall>, what: &str) -> Result<String, Error> {
    match what {
        "is_set true" | "manual_view" => Ok(view.view().manual().is_set().to_string()),
        "is_set false" | "event_view" => Ok(view.view().auto().is_set().to_string()),
        "once_view" | "oncecell_view" => once::look(view.view(), what),
        "semaphore_view" => Ok(semaphore::look(view.view().permits())),
        "rw_peek" => rw_lock::peek(view.view().table()),
        _ => mutex::peek(view.view().mutex()),
    }
}

/// The victim: opens, then does one operation under the eyes of the tracer.
pub(super) fn suffer(what: &str, folder: &str, name: &str) -> Result<(), String> {
    let options = Shared::<Hall>::options().scope(in_folder(folder));
    let failed = |error: Error| in_words(&error);
    let done = if what.ends_with("_peek") || what.ends_with("_view") {
        let view = options.open_read_only(name).map_err(failed)?;
        trace::perform(|| look(&view, what))
    } else {
        let object = options.open(name).map_err(failed)?;
        trace::perform(|| act(&object, what))
    };
    done.map_err(|error| error.to_string())?.map(drop).map_err(failed)
}

/// Dies while it holds a lock, half way.
pub(super) fn die(deed: &str, folder: &str, name: &str) -> Result<(), String> {
    let options = Shared::<Hall>::options().scope(in_folder(folder));
    let failed = |error: Error| in_words(&error);
    let object = options.open(name).map_err(failed)?;
    match deed {
        "once" | "oncecell" => once::die_inside(&object, deed).map_err(failed),
        "one" | "two" => barrier::die_in_there(&object.barrier, deed),
        "permits" => semaphore::die_inside(&object.permits).map_err(failed),
        "reading" | "writing" => rw_lock::die_inside(&object.table, deed).map_err(failed),
        "inside" => mutex::die_inside(&object.mutex).map_err(failed),
        _ => Err(format!("no such deed: {deed}")),
    }
}

/// How a player reaches the object.
enum Hold {
    Nothing,
    User(Shared<Hall>),
    Observer(SharedView<Hall>),
}

/// A player: one order after the other.
pub(super) fn play() -> Result<(), String> {
    let mut orders = Orders::new();
    let mut hold = Hold::Nothing;
    while let Some(line) = orders.next() {
        let result = obey(&line, &mut hold, &mut orders);
        answer(result)?;
    }
    Ok(())
}

fn obey(line: &str, hold: &mut Hold, orders: &mut Orders) -> Result<String, String> {
    let failed = |error: Error| in_words(&error);
    let words: Vec<&str> = line.split_whitespace().collect();
    let options = |folder| Shared::<Hall>::options().scope(in_folder(folder));
    match (&words[..], &*hold) {
        (["create", folder, name], _) => {
            *hold = Hold::User(options(folder).create(name, new).map_err(failed)?);
        }
        (["open", folder, name], _) => {
            *hold = Hold::User(options(folder).open(name).map_err(failed)?);
        }
        (["view", folder, name], _) => {
            *hold = Hold::Observer(options(folder).open_read_only(name).map_err(failed)?);
        }
        (["leave"], _) => *hold = Hold::Nothing,
        (["do", what], Hold::User(hall)) => return act(hall, what).map_err(failed),
        (_, Hold::Observer(view)) => return look(view, line).map_err(failed),
        (["stay", which], Hold::User(hall)) => once::stay(hall, which, orders)?,
        (["hold", "permits"], Hold::User(hall)) => semaphore::hold(&hall.permits, orders)?,
        (["hold", which], Hold::User(hall)) => rw_lock::hold(&hall.table, which, orders)?,
        (["hold"], Hold::User(hall)) => mutex::hold(&hall.mutex, orders)?,
        _ => return Err(format!("no such order: {line}")),
    }
    Ok(String::new())
}

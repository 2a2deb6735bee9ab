//! The role `ledger`: holds, or wants to hold, one mutex, as the test says, line by line.
//!
//! ```text
//! lock · try_lock · lock_timeout MS      ok N · owner-died N · poisoned N · err CODE | TEXT
//! add N                                  ok N, the sum, through the guard
//! unlock · forget · consistent · panic   ok · ok · ok · panicked, while the guard was held
//! replace N · replace_timeout N MS       ok · err …
//! clear_poison · is_poisoned             ok · ok true
//! peek                                   ok N, without the lock
//! drop · leave                           ok · (end)
//! ```

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use cohabit::{LockError, LockResult, Mutex, MutexGuard, Shared, plain};

use crate::support::{Peer, line};

/// What the mutex guards. Not all bits are one.
#[plain]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ledger {
    pub(crate) sum: u64,
    pub(crate) open: bool,
    pub(crate) parts: [u32; 3],
}

pub(crate) fn new() -> Ledger {
    Ledger { sum: 0, open: true, parts: [1, 2, 3] }
}

pub(crate) fn open() -> Shared<Mutex<Ledger>> {
    Shared::open_or_create("ledger", new).expect("a ledger")
}

type Guard = MutexGuard<'static, Ledger>;

/// The outcome of a lock as one line; a guard, if there is one, stays in `held`.
fn told(outcome: LockResult<Guard>, held: &mut Option<Guard>) -> String {
    let (word, guard) = match outcome {
        Ok(guard) => ("ok", guard),
        Err(LockError::OwnerDied(guard)) => ("owner-died", guard),
        Err(LockError::Poisoned(guard)) => ("poisoned", guard),
        Err(LockError::Failed(error)) => return format!("err {} | {error}", error.code()),
    };
    let sum = guard.sum;
    *held = Some(guard);
    format!("{word} {sum}")
}

pub(crate) fn ledger(peer: &mut Peer) {
    let object = open();
    // Leaked: a guard borrows its handle, and this one is for the rest of the process.
    let mutex: &'static Shared<Mutex<Ledger>> = Box::leak(Box::new(object.clone()));
    let mut object = Some(object);
    let mut held = None;
    peer.say("here");
    loop {
        let said = peer.hear();
        let words: Vec<_> = said.split(' ').collect();
        let number = |at: usize| words[at].parse().expect("a number");
        let ms = |at: usize| Duration::from_millis(number(at));
        let answer = match words[0] {
            "leave" => {
                drop(held.take());
                return;
            }
            "lock" => told(mutex.lock(), &mut held),
            "try_lock" => told(mutex.try_lock(), &mut held),
            "lock_timeout" => told(mutex.lock_timeout(ms(1)), &mut held),
            "replace" => {
                line(mutex.replace(Ledger { sum: number(1), ..new() }).map(|()| "replaced"))
            }
            "replace_timeout" => {
                let value = Ledger { sum: number(1), ..new() };
                line(mutex.replace_timeout(value, ms(2)).map(|()| "replaced"))
            }
            "clear_poison" => line(mutex.clear_poison().map(|()| "cleared")),
            "is_poisoned" => line(mutex.is_poisoned()),
            "peek" => {
                let view = Shared::<Mutex<Ledger>>::open_read_only("ledger").expect("a view");
                line(view.view().peek().map(|ledger| ledger.sum))
            }
            "drop" => {
                object = None;
                "ok".to_owned()
            }
            word => with_guard(word, &words, &mut held),
        };
        peer.say(answer);
        let _kept = &object;
    }
}

fn with_guard(word: &str, words: &[&str], held: &mut Option<Guard>) -> String {
    let mut guard = held.take().expect("a guard");
    match word {
        "add" => {
            guard.sum += words[1].parse::<u64>().expect("a number");
            let sum = guard.sum;
            *held = Some(guard);
            return format!("ok {sum}");
        }
        "consistent" => {
            guard.mark_consistent();
            *held = Some(guard);
        }
        "unlock" => drop(guard),
        "forget" => mem::forget(guard),
        "panic" => {
            let panicked = catch_unwind(AssertUnwindSafe(move || {
                let _held = guard;
                std::panic::resume_unwind(Box::new("as the test asked"));
            }));
            panicked.expect_err("the panic goes on");
            return "panicked".to_owned();
        }
        other => panic!("no such word: {other}"),
    }
    "ok".to_owned()
}

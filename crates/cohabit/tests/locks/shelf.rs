//! The role `shelf`: is inside of one `RwLock`, or wants to be, as the test says, line by line.
//!
//! ```text
//! read · try_read · read_timeout MS      ok N · owner-died N · poisoned N · err CODE | TEXT
//! write · try_write · write_timeout MS   the same
//! add N                                  ok N, the sum, through the guard of a writer
//! go · forget · consistent · panic       ok · ok · ok · panicked, while the guard was held
//! replace N · replace_timeout N MS       ok · err …
//! clear_poison · is_poisoned             ok · ok true
//! peek                                   ok N, without the lock
//! leave                                  (end)
//! ```

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use cohabit::{Error, LockError, LockResult, RwLock, RwLockReadGuard, RwLockWriteGuard, Shared};

use crate::ledger::{self, Ledger};
use crate::support::{Child, Peer, World, line};

pub(crate) fn open() -> Shared<RwLock<Ledger>> {
    Shared::open_or_create("shelf", ledger::new).expect("a shelf")
}

/// So many processes with the shelf open.
pub(crate) fn shelves<const N: usize>(world: &World) -> [Child; N] {
    let mut all = std::array::from_fn(|_| world.child("shelf"));
    all.iter_mut().for_each(|child: &mut Child| drop(child.expect_next("here")));
    all
}

enum Guard {
    Reads(RwLockReadGuard<'static, Ledger>),
    Writes(RwLockWriteGuard<'static, Ledger>),
}

impl Guard {
    fn sum(&self) -> u64 {
        match self {
            Guard::Reads(guard) => guard.sum,
            Guard::Writes(guard) => guard.sum,
        }
    }
}

/// The outcome of a lock as one line; a guard, if there is one, stays in `held`.
fn told<G>(outcome: LockResult<G>, kept: fn(G) -> Guard, held: &mut Option<Guard>) -> String {
    let (word, guard) = match outcome {
        Ok(guard) => ("ok", kept(guard)),
        Err(LockError::OwnerDied(guard)) => ("owner-died", kept(guard)),
        Err(LockError::Poisoned(guard)) => ("poisoned", kept(guard)),
        Err(LockError::Failed(error)) => return refused(&error),
    };
    let sum = guard.sum();
    *held = Some(guard);
    format!("{word} {sum}")
}

fn refused(error: &Error) -> String {
    format!("err {} | {error}", error.code())
}

pub(crate) fn shelf(peer: &mut Peer) {
    let object = open();
    // Leaked: a guard borrows its handle, and this one is for the rest of the process.
    let lock: &'static Shared<RwLock<Ledger>> = Box::leak(Box::new(object.clone()));
    let mut held = None;
    peer.say("here");
    loop {
        let said = peer.hear();
        let words: Vec<_> = said.split(' ').collect();
        let number = |at: usize| words[at].parse().expect("a number");
        let ms = |at: usize| Duration::from_millis(number(at));
        let value = || Ledger { sum: number(1), ..ledger::new() };
        let answer = match words[0] {
            "leave" => {
                drop(held.take());
                return;
            }
            "read" => told(lock.read(), Guard::Reads, &mut held),
            "try_read" => told(lock.try_read(), Guard::Reads, &mut held),
            "read_timeout" => told(lock.read_timeout(ms(1)), Guard::Reads, &mut held),
            "write" => told(lock.write(), Guard::Writes, &mut held),
            "try_write" => told(lock.try_write(), Guard::Writes, &mut held),
            "write_timeout" => told(lock.write_timeout(ms(1)), Guard::Writes, &mut held),
            "replace" => line(lock.replace(value()).map(|()| "replaced")),
            "replace_timeout" => line(lock.replace_timeout(value(), ms(2)).map(|()| "replaced")),
            "clear_poison" => line(lock.clear_poison().map(|()| "cleared")),
            "is_poisoned" => line(lock.is_poisoned()),
            "peek" => {
                let view = Shared::<RwLock<Ledger>>::open_read_only("shelf").expect("a view");
                line(view.view().peek().map(|ledger| ledger.sum))
            }
            word => with_guard(word, &words, &mut held),
        };
        peer.say(answer);
    }
}

fn with_guard(word: &str, words: &[&str], held: &mut Option<Guard>) -> String {
    let guard = held.take().expect("a guard");
    match (word, guard) {
        ("add", Guard::Writes(mut guard)) => {
            guard.sum += words[1].parse::<u64>().expect("a number");
            let sum = guard.sum;
            *held = Some(Guard::Writes(guard));
            return format!("ok {sum}");
        }
        ("consistent", Guard::Writes(mut guard)) => {
            guard.mark_consistent();
            *held = Some(Guard::Writes(guard));
        }
        ("go", guard) => drop(guard),
        ("forget", guard) => mem::forget(guard),
        ("panic", guard) => {
            let panicked = catch_unwind(AssertUnwindSafe(move || {
                let _held = guard;
                std::panic::resume_unwind(Box::new("as the test asked"));
            }));
            panicked.expect_err("the panic goes on");
            return "panicked".to_owned();
        }
        (other, _) => panic!("no such word for this guard: {other}"),
    }
    "ok".to_owned()
}

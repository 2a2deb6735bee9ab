//! A victim that uses all locks. Guards are taken and not looked into: inside of a guard peers are trusted.

use std::sync::atomic::Ordering::Relaxed;

use cohabit::{Barrier, Condvar, Event, Mutex, Once, OnceCell, RwLock, Semaphore};

use crate::board::{self, BOARD, Board, State};
use crate::calls::{Calls, WAIT, here};
use crate::{Round, is_over};

pub(crate) fn run(round: &Round, calls: &Calls) {
    let board = round.at_first::<Board>().open_or_create(BOARD, board::new).expect("a board");
    here();
    while !is_over() {
        board.level[1].fetch_sub(1, Relaxed);
        mutex(calls, &board.journal, &board.bell);
        word(calls, &board.word);
        event(calls, &board.door);
        event(calls, &board.gate);
        rw_lock(calls, &board.book);
        semaphore(calls, &board.seats);
        barrier(calls, &board.start);
        once(calls, &board.first);
        once_cell(calls, &board.memo);
    }
    calls.did("drop of Shared", || drop(board));
}

fn mutex(calls: &Calls, mutex: &Mutex<State>, bell: &Condvar) {
    drop(calls.lock("Mutex::try_lock", || mutex.try_lock()));
    calls.call("Mutex::is_poisoned", || mutex.is_poisoned());
    calls.call("Mutex::clear_poison", || mutex.clear_poison());
    calls.call("Mutex::replace_timeout", || mutex.replace_timeout(board::state(), WAIT));
    if let Some(mut guard) = calls.lock("Mutex::lock_timeout", || mutex.lock_timeout(WAIT)) {
        calls.did("MutexGuard::mark_consistent", || guard.mark_consistent());
        let waited = calls.lock("Condvar::wait_timeout", || bell.wait_timeout(guard, WAIT));
        calls.did("drop of MutexGuard", || drop(waited));
    }
    calls.call("Condvar::notify_one", || bell.notify_one());
    calls.call("Condvar::notify_all", || bell.notify_all());
}

/// Every bit pattern is a number, so this one is used.
fn word(calls: &Calls, mutex: &Mutex<u64>) {
    if let Some(mut guard) = calls.lock("Mutex::lock_timeout", || mutex.lock_timeout(WAIT)) {
        *guard = guard.wrapping_add(1);
        calls.did("drop of MutexGuard", || drop(guard));
    }
}

fn event(calls: &Calls, event: &Event) {
    calls.call("Event::set", || event.set());
    calls.call("Event::is_set", || event.is_set());
    calls.call("Event::try_wait", || event.try_wait());
    calls.call("Event::wait_timeout", || event.wait_timeout(WAIT));
    calls.call("Event::reset", || event.reset());
}

fn rw_lock(calls: &Calls, lock: &RwLock<State>) {
    drop(calls.lock("RwLock::try_read", || lock.try_read()));
    drop(calls.lock("RwLock::try_write", || lock.try_write()));
    calls.call("RwLock::is_poisoned", || lock.is_poisoned());
    calls.call("RwLock::clear_poison", || lock.clear_poison());
    calls.call("RwLock::replace_timeout", || lock.replace_timeout(board::state(), WAIT));
    let first = calls.lock("RwLock::read_timeout", || lock.read_timeout(WAIT));
    let second = calls.lock("RwLock::read_timeout", || lock.read_timeout(WAIT));
    calls.did("drop of RwLockReadGuard", || drop((first, second)));
    if let Some(mut guard) = calls.lock("RwLock::write_timeout", || lock.write_timeout(WAIT)) {
        calls.did("RwLockWriteGuard::mark_consistent", || guard.mark_consistent());
        calls.did("drop of RwLockWriteGuard", || drop(guard));
    }
}

fn semaphore(calls: &Calls, semaphore: &Semaphore) {
    calls.call("Semaphore::available_permits", || semaphore.available_permits());
    let first = calls.call("Semaphore::try_acquire", || semaphore.try_acquire());
    let second = calls.call("Semaphore::acquire_timeout", || semaphore.acquire_timeout(WAIT));
    calls.did("drop of SemaphorePermit", || drop(first));
    if let Some(permit) = second {
        calls.did("SemaphorePermit::forget", || permit.forget());
    }
    calls.call("Semaphore::add_permits", || semaphore.add_permits(1));
}

/// Of two, who may come together and, since there are others, seldom do.
fn barrier(calls: &Calls, barrier: &Barrier) {
    calls.call("Barrier::wait_timeout", || barrier.wait_timeout(WAIT).map(|it| it.is_leader()));
    calls.call("Barrier::set_parties", || barrier.set_parties(2));
}

fn once(calls: &Calls, once: &Once) {
    calls.call("Once::try_call_once", || once.try_call_once(|| ()));
    calls.call("Once::call_once_timeout", || once.call_once_timeout(|| (), WAIT));
    calls.call("Once::is_completed", || once.is_completed());
    calls.call("Once::wait_timeout", || once.wait_timeout(WAIT));
}

fn once_cell(calls: &Calls, cell: &OnceCell<State>) {
    let mut into = State::default();
    calls.call("OnceCell::get", || cell.get());
    calls.call("OnceCell::get_into", || cell.get_into(&mut into));
    calls.look_at(&into);
    calls.call("OnceCell::get_boxed", || cell.get_boxed());
    calls.call("OnceCell::get_part", || cell.get_part(State::LAMP));
    calls.call("OnceCell::set_timeout", || cell.set_timeout(board::state(), WAIT));
    calls.call("OnceCell::get_or_init_timeout", || cell.get_or_init_timeout(board::state, WAIT));
    let init = || Ok::<State, ()>(board::state());
    calls.call("OnceCell::get_or_try_init_timeout", || {
        cell.get_or_try_init_timeout(init, WAIT).map(Result::ok)
    });
    calls.call("OnceCell::wait_timeout", || cell.wait_timeout(WAIT));
}

//! A victim that uses all parts of both objects as a typed user, again and again, and cheats if it is told to.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::task::{Context, Poll, Waker};

use cohabit::{Part, Shared, Value, Version};

use crate::board::{self, BOARD, Board, Lamp, ROW, ROW_LEN, State};
use crate::calls::{Calls, WAIT, here};
use crate::{Round, is_over};

pub(crate) fn run(round: &Round, calls: &Calls) {
    let board = round.at_first::<Board>().open_or_create(BOARD, board::new).expect("a board");
    let row = round.at_first::<Value<[Lamp]>>().len(ROW_LEN);
    let row = row.open_or_create(ROW, board::row).expect("a row");
    here();
    while !is_over() {
        value(calls, &board.state);
        waits(calls, &board.state);
        small(calls, &board.small);
        cells(calls, &board);
        slice(calls, &row);
        calls.call("Shared::standing", || board.standing());
        calls.call("Shared::status", || board.status());
        calls.call("Shared::users", || board.users());
        calls.call("Shared::users", || row.users());
        cheat(round, calls, &board);
    }
    calls.did("drop of Shared", || drop((board, row)));
}

fn value(calls: &Calls, value: &Value<State>) {
    calls.call("Value::get", || value.get());
    calls.call("Value::read", || value.read());
    let mut into = State::default();
    calls.call("Value::get_into", || value.get_into(&mut into));
    calls.look_at(&into);
    calls.call("Value::get_boxed", || value.get_boxed());
    calls.call("Value::get_part", || value.get_part(State::LAMP));
    calls.call("Value::get_part", || value.get_part(State::ROW.at(2)));
    calls.call("Value::try_set", || value.try_set(board::state()));
    calls.call("Value::set_timeout", || value.set_timeout(board::state(), WAIT));
    calls.call("Value::try_set_from", || value.try_set_from(&board::state()));
    calls.call("Value::set_from_timeout", || value.set_from_timeout(&board::state(), WAIT));
    calls.call("Value::try_set_part", || value.try_set_part(State::X, 3));
    calls.call("Value::set_part_timeout", || value.set_part_timeout(State::LAMP, lamp(), WAIT));
    let change = |state: &mut State| state.x = state.x.wrapping_add(1);
    calls.call("Value::try_update", || value.try_update(change));
    calls.call("Value::update_timeout", || value.update_timeout(change, WAIT));
    if let Some(pinned) = calls.call("Value::pin", || value.pin()) {
        calls.did("Pinned::version", || pinned.version());
        calls
            .call("Pinned::get_part", || pinned.get_part(State::MARKS).map(|marks| marks.to_vec()));
        calls.did("drop of Pinned", || drop(pinned));
    }
}

fn lamp() -> Lamp {
    board::state().lamp
}

fn waits(calls: &Calls, value: &Value<State>) {
    let seen = calls.call("Value::version", || value.version()).unwrap_or(Version::NONE);
    calls.call("Value::wait_changed", || value.wait_changed(seen, WAIT));
    calls.call("Value::wait_version", || value.wait_version(seen, WAIT));
    calls.did("Value::changed", || poll(value.changed(seen)).is_some_and(|it| it.is_ok()));
    calls.did("Value::changed_version", || poll(value.changed_version(Version::NONE)).is_some());
    if let Some(mut descriptor) = calls.call("Value::change_fd", || value.change_fd(seen)) {
        calls.call("ChangeFd::rearm", || descriptor.rearm(Version::NONE));
        calls.did("drop of ChangeFd", || drop(descriptor));
    }
}

/// Looks once, and gives up: what waits is then taken out of the book again.
pub(crate) fn poll<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn small(calls: &Calls, value: &Value<Lamp>) {
    calls.call("Value::get", || value.get());
    calls.call("Value::try_set", || value.try_set(lamp()));
    calls.call("Value::update_timeout", || value.update_timeout(|lamp| lamp.on ^= true, WAIT));
    calls.call("Value::wait_changed", || value.wait_changed(Version::NONE, WAIT));
}

fn cells(calls: &Calls, board: &Board) {
    board.hits.fetch_add(1, Relaxed);
    calls.did("Flag::load", || board.stop.load(Acquire));
    calls.did("Flag::store", || board.stop.store(true, Release));
    calls.did("Flag::swap", || board.stop.swap(false, AcqRel));
    let (limits, dials) = (&board.limits, &board.dials);
    let mut into = State::default();
    calls.call("Frozen::get", || limits.get());
    calls.call("Frozen::get_into", || limits.get_into(&mut into));
    calls.call("Frozen::get_boxed", || limits.get_boxed());
    calls.call("Frozen::get_part", || limits.get_part(State::LAMP.then(Lamp::GEAR)));
    calls.call("Loose::load", || dials.load());
    calls.call("Loose::load_into", || dials.load_into(&mut into));
    calls.call("Loose::load_part", || dials.load_part(State::ROW));
    calls.call("Loose::store", || dials.store(board::state()));
    calls.call("Loose::store_from", || dials.store_from(&board::state()));
    calls.call("Loose::store_part", || dials.store_part(State::LAMP.then(Lamp::ON), true));
    calls.look_at(&into);
}

fn slice(calls: &Calls, row: &Shared<Value<[Lamp]>>) {
    calls.call("Value::get_boxed", || row.get_boxed());
    let mut into = [Lamp::default(); ROW_LEN as usize];
    calls.call("Value::get_into", || row.get_into(&mut into));
    calls.call("Value::get_part", || row.get_part(Part::element(8)));
    calls.call("Value::get_part", || row.get_part(Part::<[Lamp], Lamp>::element(9)));
    calls.call("Value::set_from_timeout", || row.set_from_timeout(&into, WAIT));
    calls.call("Value::update_timeout", || row.update_timeout(|all| all[3].on ^= true, WAIT));
    calls.call("Value::set_part_timeout", || row.set_part_timeout(Part::element(2), lamp(), WAIT));
    calls.call("Value::wait_version", || row.wait_version(Version::NONE, WAIT));
    if let Some(pinned) = calls.call("Value::pin", || row.pin()) {
        calls.call("Pinned::get_part", || pinned.get_part(Part::element(1)));
    }
    calls.look_at(&into);
}

/// What a careless program would do with a peer's word; each of these must be found.
fn cheat(round: &Round, calls: &Calls, board: &Board) {
    let word = board.hits.load(Relaxed);
    let table = vec![1_u8; 8];
    match round.cheat.as_str() {
        "index" => {
            let place = table.as_ptr().wrapping_add(word as usize % 4096);
            // SAFETY: there is no argument: this is the cheat that the sanitizer must find.
            calls.did("cheat", || unsafe { place.read_volatile() });
        }
        "panic" => drop(calls.did("cheat", || table[word as usize % 4096])),
        "sum" => drop(calls.did("cheat", || (word as u32 | 1 << 31) + 0x8000_0000)),
        "hang" => calls.did("cheat", || {
            while word != u64::MAX {
                std::thread::yield_now();
            }
        }),
        "bits" => {
            // As who takes a peer's bytes for a value: the bool is 7.
            let bytes = [word | 7, 7];
            // SAFETY: there is no argument: this is the cheat that the look at the bits must find.
            calls.call("cheat", || Ok(unsafe { bytes.as_ptr().cast::<Lamp>().read_volatile() }));
        }
        _ => {}
    }
}

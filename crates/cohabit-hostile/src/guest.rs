//! A victim that knows no type: it uses both objects by their schemas, as `cohabit` on the command line does.

use cohabit::Version;
use cohabit::untyped::Untyped;

use crate::board::{BOARD, ROW};
use crate::calls::{Calls, WAIT, here};
use crate::{Round, is_over};

pub(crate) fn run(round: &Round, calls: &Calls) {
    let names = [BOARD, ROW];
    let objects = names.map(|name| Untyped::open(name, &round.scope).expect("the same"));
    here();
    while !is_over() {
        for object in &objects {
            cells(calls, object);
            calls.call("Untyped::standing", || object.standing());
            calls.call("Untyped::status", || object.status());
            calls.call("Untyped::users", || object.users());
            calls.call("Untyped::locks", || object.locks());
        }
        calls.call("Untyped::observers", || objects[0].observers());
        calls.call("Untyped::read", || objects[1].read());
        calls.call("Untyped::update", || objects[1].update(WAIT, invert).map(drop));
        calls.call("Untyped::wait_version", || objects[1].wait_version(Version::NONE, WAIT));
    }
    calls.did("drop of Untyped", || drop(objects));
}

fn cells(calls: &Calls, object: &Untyped) {
    for cell in object.cells() {
        calls.call("Cell::read", || cell.read());
        calls.call("Cell::read_part", || cell.read_part(0..1));
        calls.did("Cell::is_unlocked", || cell.is_unlocked());
        calls.call("Cell::update", || cell.update(WAIT, invert).map(drop));
        if cell.has_versions() {
            calls.call("Cell::wait_version", || cell.wait_version(Version::NONE, WAIT));
        }
    }
}

fn invert(bytes: &mut [u8]) -> Result<(), ()> {
    bytes.iter_mut().for_each(|byte| *byte ^= 1);
    Ok(())
}

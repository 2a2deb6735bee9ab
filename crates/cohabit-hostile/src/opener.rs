//! A victim that comes and goes: it opens, creates, lists, collects and removes what it finds.

use cohabit::untyped::Untyped;
use cohabit::{Value, collect, list, remove};

use crate::board::{self, BOARD, Board, Lamp, ROW, ROW_LEN, SINGLE, State};
use crate::calls::{Calls, here};
use crate::observer::looks;
use crate::{Round, is_over};

pub(crate) fn run(round: &Round, calls: &Calls) {
    here();
    while !is_over() {
        let options = round.options::<Board>();
        let board =
            calls.call("Options::open_or_create", || options.open_or_create(BOARD, board::new));
        calls.did("drop of Shared", || drop(board));
        calls.call("Options::open", || options.open(BOARD));
        let row = round.options::<Value<[Lamp]>>().len(ROW_LEN);
        calls.call("Options::create", || row.create(ROW, board::row));
        let single = round.options::<Value<State>>();
        let single =
            calls.call("Options::open_or_create", || single.open_or_create(SINGLE, board::state));
        looks(round, calls);
        if let Some(single) = &single {
            calls.call("Value::get", || single.get());
        }
        calls.did("drop of Shared", || drop(single));
        calls.call("Untyped::open_read_only", || Untyped::open_read_only(BOARD, &round.scope));
        calls.call("Untyped::open", || Untyped::open(ROW, &round.scope));
        calls.call("cohabit::list", || list(&round.scope));
        calls.call("cohabit::collect", || collect(&round.scope));
        calls.call("cohabit::remove", || remove(&round.scope, SINGLE, false));
    }
}

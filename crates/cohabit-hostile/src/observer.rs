//! A victim that may only read, and follows the values of others.

use cohabit::{Part, Shared, SharedView, Value, Version, View};

use crate::board::{BOARD, Board, Lamp, ROW, SINGLE, State};
use crate::calls::{Calls, WAIT, here};
use crate::user::poll;
use crate::{Round, is_over};

pub(crate) fn run(round: &Round, calls: &Calls) {
    let board = round.at_first::<Board>().open_read_only(BOARD).expect("a view");
    let row = round.at_first::<Value<[Lamp]>>().open_read_only(ROW).expect("a view");
    here();
    while !is_over() {
        let view = calls.did("SharedView::view", || board.view());
        calls.did("View::load", || (view.hits().load(), view.stop().load()));
        for level in view.level().iter() {
            calls.did("View::load", || level.load());
        }
        value(calls, view.state());
        let (limits, dials) = (view.limits(), view.dials());
        let mut into = State::default();
        calls.call("View::get", || limits.get());
        calls.call("View::get_into", || limits.get_into(&mut into));
        calls.call("View::get_boxed", || limits.get_boxed());
        calls.call("View::get_part", || limits.get_part(State::LAMP));
        calls.call("View::load", || dials.load());
        calls.call("View::load_into", || dials.load_into(&mut into));
        calls.look_at(&into);
        calls.call("View::load_part", || dials.load_part(State::ROW));
        calls.call("View::peek", || view.journal().peek());
        calls.call("View::peek", || view.word().peek());
        calls.call("View::peek", || view.book().peek());
        calls.did("View::available_permits", || view.seats().available_permits());
        calls.did("View::is_set", || (view.door().is_set(), view.gate().is_set()));
        calls.did("View::is_completed", || view.first().is_completed());
        calls.call("View::get", || view.memo().get());
        calls.call("View::get_boxed", || view.memo().get_boxed());
        calls.call("View::get_part", || view.memo().get_part(State::LAMP));
        calls.call("SharedView::get_boxed", || row.get_boxed());
        calls.call("SharedView::get_part", || row.get_part(Part::element(8)));
        calls.did("SharedView::version", || row.version());
        calls.call("SharedView::wait_version", || row.wait_version(row.version(), WAIT));
        calls.call("SharedView::standing", || board.standing());
        calls.call("SharedView::status", || board.status());
        calls.call("SharedView::users", || board.users());
    }
    calls.did("drop of SharedView", || drop((board, row)));
}

fn value(calls: &Calls, view: View<'_, Value<State>>) {
    let mut into = State::default();
    let seen = calls.did("View::version", || view.version());
    calls.call("View::get", || view.get());
    calls.call("View::read", || view.read());
    calls.call("View::get_into", || view.get_into(&mut into));
    calls.look_at(&into);
    calls.call("View::get_boxed", || view.get_boxed());
    calls.call("View::get_part", || view.get_part(State::MARKS).map(|marks| marks.to_vec()));
    calls.call("View::wait_changed", || view.wait_changed(seen, WAIT));
    calls.call("View::wait_version", || view.wait_version(Version::NONE, WAIT));
    calls.did("View::changed", || poll(view.changed(seen)).is_some_and(|it| it.is_ok()));
    calls.did("View::changed_version", || poll(view.changed_version(Version::NONE)).is_some());
    if let Some(mut descriptor) = calls.call("View::change_fd", || view.change_fd(seen)) {
        calls.call("ChangeFd::rearm", || descriptor.rearm(Version::NONE));
    }
}

/// A view of an object that is nothing but a value.
fn single(calls: &Calls, view: &SharedView<Value<State>>) {
    let mut into = State::default();
    let seen = calls.did("SharedView::version", || view.version());
    calls.call("SharedView::get", || view.get());
    calls.call("SharedView::read", || view.read());
    calls.call("SharedView::get_into", || view.get_into(&mut into));
    calls.look_at(&into);
    calls.call("SharedView::wait_changed", || view.wait_changed(seen, WAIT));
    calls.did("SharedView::changed", || poll(view.changed(seen)).is_some_and(|it| it.is_ok()));
    calls.did("SharedView::changed_version", || poll(view.changed_version(seen)).is_some());
    let descriptor = calls.call("SharedView::change_fd", || view.change_fd(seen));
    calls.did("drop of ChangeFd", || drop(descriptor));
}

/// What an opener does as an observer.
pub(crate) fn looks(round: &Round, calls: &Calls) {
    let options = round.options::<Board>();
    calls.call("Options::open_read_only", || options.open_read_only(BOARD));
    calls.call("Options::open_read_only_wait", || options.open_read_only_wait(BOARD, WAIT));
    calls.call("Options::open_wait", || options.open_wait(BOARD, WAIT));
    let other = round.options::<Value<State>>();
    // Another type: refused with the difference between the schemas, whatever stands there.
    calls.call("Options::open_read_only", || other.open_read_only(BOARD).map(drop));
    for follow in [
        calls.call("Options::follow", || other.follow(SINGLE)),
        calls.call("Options::follow_as_user", || other.follow_as_user(SINGLE)),
    ] {
        let Some(mut follow) = follow else { continue };
        let mut into = State::default();
        calls.call("Follow::next", || follow.next(WAIT));
        calls.call("Follow::next_into", || follow.next_into(&mut into, WAIT));
        calls.look_at(&into);
        calls.did("drop of Follow", || drop(follow));
    }
    if let Some(view) = calls.call("Options::open_read_only", || other.open_read_only(SINGLE)) {
        single(calls, &view);
    }
    calls.call("Shared::open", || Shared::<Board>::options().open("none").map(drop));
}

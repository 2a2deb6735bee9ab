//! What futures resolve to, whatever executor runs them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use cohabit::changed::{ChangeFd, Changed, ChangedVersion};
use cohabit::{Part, Shared, SharedValue, Value, Version, shareable};

use crate::executor::{Counter, block_on, poll_once};
use crate::support::user::Pair;
use crate::support::{Peer, World, has_handles, until};

/// Says every value that it is told of, as a user and as an observer, until the number is 0.
pub(crate) fn echo(peer: &mut Peer) {
    let object = SharedValue::<Pair>::open("rpm").expect("an object");
    let view = SharedValue::<Pair>::open_read_only("rpm").expect("a view");
    let mut seen = object.version().expect("a version");
    peer.say("here");
    loop {
        let (pair, version) = block_on(object.changed(seen)).expect("a value");
        assert_eq!(block_on(object.changed_version(seen)).expect("a version"), version);
        assert_eq!(block_on(view.changed(seen)).expect("a value"), (pair, version));
        assert_eq!(block_on(view.changed_version(seen)).expect("a version"), version);
        peer.say(format!("{}@{version}", pair.whole()));
        if pair.number == 0 {
            return;
        }
        seen = version;
    }
}

#[test]
fn a_future_resolves_to_what_another_process_writes() {
    let world = World::new();
    let mut writer = world.child("user");
    writer.expect("create rpm", "ok");
    let mut reader = world.child("echo");
    reader.expect_next("here");
    for number in [7, 8, 7, 7, 9, 0] {
        let version = writer.ask(format!("set {number}"));
        let version = version.strip_prefix("ok ").expect("a version");
        assert_eq!(reader.hear(), format!("{number}@{version}"));
    }
    reader.finish();
}

#[test]
fn only_an_observer_waits_and_hears_of_it() {
    let world = World::new();
    let mut writer = world.child("user");
    writer.expect("create rpm", "ok");
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let view = options.open_read_only("rpm").expect("a view");
    let mut seen = view.version();
    for number in 1..20 {
        let (pair, version) = std::thread::scope(|threads| {
            let reader = threads.spawn(|| block_on(view.changed(seen)));
            writer.expect(format!("set {number}"), "ok");
            reader.join().expect("no panic").expect("a value")
        });
        assert_eq!(pair.whole(), number);
        seen = version;
    }
}

#[test]
fn what_has_changed_already_is_ready_at_once() {
    let world = World::new();
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let object = options.create("rpm", || Pair::of(1)).expect("an object");
    let (wakes, first) = (Counter::new(), Version::NONE);
    assert!(matches!(poll_once(&mut object.changed(first), &wakes), Poll::Ready(Ok(_))));
    let now = object.version().expect("a version");
    let mut future = object.changed(now);
    assert!(poll_once(&mut future, &wakes).is_pending());
    object.set(Pair::of(2)).expect("a set");
    until(|| wakes.count() == 1);
    let Poll::Ready(Ok((pair, version))) = poll_once(&mut future, &wakes) else {
        panic!("it has changed");
    };
    assert_eq!((pair.whole(), version.number()), (2, 2));
    // Polled again, as no executor does, it looks again.
    assert!(matches!(poll_once(&mut future, &wakes), Poll::Ready(Ok(_))));
}

#[test]
fn a_value_outside_of_an_object_is_not_shared() {
    let value = Value::new(Pair::of(1));
    let seen = value.version().map_or(Version::NONE, |version| version);
    let code = |outcome: cohabit::Result<()>| outcome.expect_err("an error").code();
    assert_eq!(code(value.change_fd(seen).map(drop)), "not-shared");
    // Its version is 1, so there is something to wait for from there only.
    let world = World::new();
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let first = options.create("rpm", || Pair::of(1)).expect("an object").version();
    let first = first.expect("a version");
    assert_eq!(code(block_on(value.changed(first)).map(drop)), "not-shared");
    assert_eq!(code(block_on(value.changed_version(first)).map(drop)), "not-shared");
}

#[test]
fn large_values_are_awaited_by_version() {
    type Large = [u64; 20_000];
    let world = World::new();
    let options = SharedValue::<Large>::options().scope(world.scope());
    let object = options.create_with("large", |_| ()).expect("an object");
    let seen = object.version().expect("a version");
    let next = std::thread::scope(|threads| {
        let waits = threads.spawn(|| block_on(object.changed_version(seen)));
        object.set_from(&vec![3; 20_000].try_into().expect("so many")).expect("a set");
        waits.join().expect("no panic")
    });
    assert_eq!(next.expect("a version").number(), 2);
}

#[shareable]
struct Board {
    state: Value<Pair>,
    count: AtomicU64,
    rows: Value<[u64]>,
}

#[test]
fn parts_of_an_object_and_slices_are_awaited_by_users_and_observers() {
    let world = World::new();
    let options = Shared::<Board>::options().scope(world.scope()).len(100);
    let board = options.create_in_place("board", |board: &Board| {
        board.count.store(1, Ordering::Relaxed);
        board.state.set(Pair::of(1)).map(drop)
    });
    let board = board.expect("an object");
    let seen = board.state.version().expect("a version");
    let of_rows = board.rows.version().expect("a version");
    let view = options.open_read_only("board").expect("a view");
    let (state, rows) = (view.view().state(), view.view().rows());
    let mut fds = [
        board.state.change_fd(seen).expect("a descriptor"),
        state.change_fd(seen).expect("a descriptor"),
        board.rows.change_fd(of_rows).expect("a descriptor"),
        rows.change_fd(of_rows).expect("a descriptor"),
    ];
    let wakes: [Arc<Counter>; 4] = std::array::from_fn(|_| Counter::new());
    let (mut by_user, mut by_view) = (board.state.changed(seen), state.changed(seen));
    let mut rows_by_user = board.rows.changed_version(of_rows);
    let mut rows_by_view = rows.changed_version(of_rows);
    assert!(poll_once(&mut by_user, &wakes[0]).is_pending());
    assert!(poll_once(&mut by_view, &wakes[1]).is_pending());
    assert!(poll_once(&mut rows_by_user, &wakes[2]).is_pending());
    assert!(poll_once(&mut rows_by_view, &wakes[3]).is_pending());
    let now = board.state.set(Pair::of(7)).expect("a set");
    until(|| wakes[0].count() == 1 && wakes[1].count() == 1);
    assert_eq!(block_on(by_user).expect("a value"), (Pair::of(7), now));
    assert_eq!(block_on(by_view).expect("a value"), (Pair::of(7), now));
    // The other part of the same object is another word.
    assert_eq!((wakes[2].count(), wakes[3].count()), (0, 0));
    let now = board.rows.set_part(Part::element(99), 5).expect("a set");
    until(|| wakes[2].count() == 1 && wakes[3].count() == 1);
    assert_eq!(block_on(rows_by_user).expect("a version"), now);
    assert_eq!(block_on(rows_by_view).expect("a version"), now);
    for (fd, seen) in fds.iter_mut().zip([seen, seen, of_rows, of_rows]) {
        assert!(fd.rearm(seen).expect("a version") > seen);
    }
}

#[test]
fn an_object_without_a_name_is_awaited_too() {
    if !has_handles() {
        return;
    }
    let object = SharedValue::<Pair>::anonymous(|| Pair::of(1)).expect("an object");
    let (seen, wakes) = (object.version().expect("a version"), Counter::new());
    let mut future = object.changed(seen);
    assert!(poll_once(&mut future, &wakes).is_pending());
    let mut fd = object.change_fd(seen).expect("a descriptor");
    // Longer than the thread takes to ask the kernel about names: there is none to lose.
    let second = std::time::Instant::now() + std::time::Duration::from_millis(1500);
    until(|| std::time::Instant::now() > second);
    assert_eq!(wakes.count(), 0);
    object.set(Pair::of(2)).expect("a set");
    until(|| wakes.count() == 1);
    assert_eq!(block_on(future).expect("a value").0.whole(), 2);
    assert!(fd.rearm(seen).expect("a version") > seen);
}

/// Futures move between threads, and need not be pinned.
#[test]
fn futures_and_descriptors_are_send_sync_and_unpin() {
    fn holds<T: Send + Sync + Unpin>() {}
    holds::<Changed<'static, Pair>>();
    holds::<ChangedVersion<'static>>();
    holds::<ChangeFd>();
    #[cfg(feature = "tokio")]
    holds::<cohabit::changed::TokioChangeFd>();
}

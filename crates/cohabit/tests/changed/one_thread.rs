//! One waiting thread in a process at most, however many objects and futures; what it costs when
//! nothing happens; and that it keeps no process from ending.

use std::time::{Duration, Instant};

use cohabit::{SharedValue, SharedView, Value};
use tokio::runtime::Builder;

use crate::executor::{Counter, poll_once};
use crate::support::user::Pair;
use crate::support::{Peer, World, sys, until};

fn name(index: usize) -> String {
    format!("object-{index}")
}

/// Waits for many objects in many tasks, and counts threads all the while.
pub(crate) fn thousand(peer: &mut Peer) {
    let objects: usize = peer.argument(0).parse().expect("a number");
    let futures: usize = peer.argument(1).parse().expect("a number");
    let open = |index| SharedValue::<Pair>::open(&name(index)).expect("an object");
    let objects: Vec<_> = (0..objects).map(open).collect();
    let open = |index| SharedValue::<Pair>::open_read_only(&name(index)).expect("a view");
    let views: Vec<SharedView<Value<Pair>>> = (0..objects.len()).map(open).collect();
    assert_eq!(sys::threads(), 1);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut set = tokio::task::JoinSet::new();
        for index in 0..futures {
            let (object, view) =
                (objects[index % objects.len()].clone(), views[index % objects.len()].clone());
            let mut seen = view.version();
            set.spawn(async move {
                loop {
                    // Every tenth looks through a view.
                    let changed = match index % 10 {
                        0 => view.changed(seen).await,
                        _ => object.changed(seen).await,
                    };
                    let (pair, version) = changed.expect("a value");
                    if pair.whole() == 0 {
                        return;
                    }
                    seen = version;
                }
            });
        }
        // Most come to their wait before the first change, and all of them see the last.
        tokio::task::yield_now().await;
        peer.say("here");
        while let Some(ended) = set.join_next().await {
            ended.expect("a task's end");
            assert_eq!(sys::threads(), 2, "one thread besides this one");
        }
    });
    assert_eq!(sys::threads(), 2);
    peer.say("done");
}

#[test]
fn a_thousand_futures_on_two_hundred_objects_take_one_thread() {
    const OBJECTS: usize = 200;
    let world = World::new();
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let create = |index| options.create(&name(index), || Pair::of(1)).expect("an object");
    let objects: Vec<_> = (0..OBJECTS).map(create).collect();
    let mut reader = world.child_with("thousand", &[&OBJECTS.to_string(), "1000"]);
    reader.expect_next("here");
    for number in [5, 4, 3, 2, 0] {
        for object in &objects {
            object.set(Pair::of(number)).expect("a set");
        }
    }
    reader.expect_next("done");
    reader.finish();
}

/// When the thread begins: with the first wait that has to wait, and not before.
pub(crate) fn first_use(peer: &mut Peer) {
    let object = SharedValue::<Pair>::create("rpm", || Pair::of(1)).expect("an object");
    let seen = object.version().expect("a version");
    let wakes = Counter::new();
    let none = cohabit::Version::NONE;
    let mut future = object.changed(seen);
    assert!(poll_once(&mut object.changed(none), &wakes).is_ready());
    drop(object.changed(seen));
    assert_eq!(sys::threads(), 1, "nobody had to wait");
    // The others come while the first one starts it.
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..100 {
                    assert!(poll_once(&mut object.changed(seen), &wakes).is_pending());
                }
            });
        }
    });
    assert!(poll_once(&mut future, &wakes).is_pending());
    until(|| sys::threads() == 2);
    drop(future);
    let fd = object.change_fd(seen).expect("a descriptor");
    assert_eq!(sys::threads(), 2);
    drop(fd);
    assert_eq!(wakes.count(), 0, "nothing has changed");
    peer.say("done");
}

#[test]
fn the_thread_begins_with_the_first_wait_and_stays_the_only_one() {
    let world = World::new();
    let mut child = world.child("first-use");
    child.expect_next("done");
    child.finish();
}

/// Waits for objects that stay as they are, and says what that costs.
pub(crate) fn quiet(peer: &mut Peer) {
    let count: usize = peer.argument(0).parse().expect("a number");
    let seconds: u64 = peer.argument(1).parse().expect("a number");
    let by_view = peer.argument(2) == "view";
    let create = |index| SharedValue::<Pair>::create(&name(index), || Pair::of(1));
    let objects: Vec<_> = (0..count).map(|index| create(index).expect("an object")).collect();
    let open = |index| SharedValue::<Pair>::open_read_only(&name(index)).expect("a view");
    let views: Vec<_> = (0..count).map(open).collect();
    let wakes = Counter::new();
    let seen = views.first().map_or(cohabit::Version::NONE, |view| view.version());
    let mut futures: Vec<_> = (0..count)
        .map(|i| if by_view { views[i].changed(seen) } else { objects[i].changed(seen) })
        .collect();
    assert!(futures.iter_mut().all(|future| poll_once(future, &wakes).is_pending()));
    let (start, before) = (Instant::now(), sys::processor_time());
    std::thread::sleep(Duration::from_secs(seconds));
    let (used, elapsed) = (sys::processor_time() - before, start.elapsed());
    assert_eq!(wakes.count(), 0, "nothing has changed");
    let in_an_hour = used.as_secs_f64() / elapsed.as_secs_f64() * 3600.0;
    peer.say(format!("{used:?} in {elapsed:?}, which is {in_an_hour:.1} s in an hour"));
}

/// What is measured is printed; only that nothing is told of is asserted.
#[test]
fn waiting_for_quiet_objects_costs_next_to_nothing() {
    let world = World::new();
    for (count, how) in
        [("0", "user"), ("1", "user"), ("100", "user"), ("200", "user"), ("1", "view")]
    {
        let mut child = world.child_with("quiet", &[count, "1", how]);
        println!("{count} awaited, as {how}: {}", child.hear());
        child.finish();
    }
}

/// Ends with futures that wait, in the way that the test asks for.
pub(crate) fn goes_away(peer: &mut Peer) {
    let before = sys::views();
    let object = SharedValue::<Pair>::create("rpm", || Pair::of(1)).expect("an object");
    let seen = object.version().expect("a version");
    let wakes = Counter::new();
    let mut future = object.changed(seen);
    assert!(poll_once(&mut future, &wakes).is_pending());
    let fd = object.change_fd(seen).expect("a descriptor");
    match peer.argument(0) {
        "exit" => std::process::exit(0),
        "main" => {
            std::mem::forget(fd);
            peer.on_to_main = true;
        }
        _ => {
            // A forgotten future keeps no object: the process leaves it with the last handle.
            std::mem::forget(future);
            drop((object, fd));
            let gone = SharedValue::<Pair>::open("rpm").expect_err("nobody is left");
            assert_eq!(gone.code(), "not-found");
            until(|| sys::views() == before);
            // The thread is as ready as before.
            let next = SharedValue::<Pair>::create("rpm", || Pair::of(1)).expect("an object");
            let mut future = next.changed(seen);
            assert!(poll_once(&mut future, &wakes).is_pending());
            next.set(Pair::of(2)).expect("a set");
            until(|| wakes.count() > 0);
            assert!(poll_once(&mut future, &wakes).is_ready());
        }
    }
}

#[test]
fn a_process_ends_with_waits_outstanding() {
    for how in ["exit", "main", "forget"] {
        let world = World::new();
        world.run("goes-away", &[how]);
        world.assert_empty();
    }
}

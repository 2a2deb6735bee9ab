//! In tokio, on one thread and on several: awaiting, timeouts, selecting and cancelling.

use std::time::Duration;

use cohabit::{SharedValue, Version};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::support::user::Pair;
use crate::support::{Peer, World};

/// Longer than any test runs.
const LONG: Duration = Duration::from_secs(86_400);

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn echo_all(peer: &Peer, object: &SharedValue<Pair>) {
    let mut seen = object.version().expect("a version");
    peer.say("here");
    loop {
        let changed = timeout(LONG, object.changed(seen)).await.expect("in time");
        let (pair, version) = changed.expect("a value");
        peer.say(format!("{}@{version}", pair.whole()));
        if pair.number == 0 {
            return;
        }
        seen = version;
    }
}

/// Says every value, from a runtime on this thread.
pub(crate) fn echo(peer: &mut Peer) {
    let object = SharedValue::<Pair>::open("rpm").expect("an object");
    current_thread().block_on(echo_all(peer, &object));
}

/// The same from a task of a runtime with two threads, which owns its handle.
pub(crate) fn echo_on_threads(peer: &mut Peer) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let object = SharedValue::<Pair>::open("rpm").expect("an object");
    let (says, hears) = std::sync::mpsc::channel();
    let mut seen = object.version().expect("a version");
    let task = runtime.spawn(async move {
        says.send("here".to_owned()).expect("somebody hears");
        loop {
            let (pair, version) = object.changed(seen).await.expect("a value");
            says.send(format!("{}@{version}", pair.whole())).expect("somebody hears");
            if pair.number == 0 {
                return;
            }
            seen = version;
        }
    });
    hears.iter().for_each(|line| peer.say(line));
    runtime.block_on(task).expect("the task's end");
}

#[test]
fn tokio_tasks_are_woken_by_another_process() {
    for role in ["echo-tokio", "echo-tokio-threads"] {
        let world = World::new();
        let mut writer = world.child("user");
        writer.expect("create rpm", "ok");
        let mut reader = world.child(role);
        reader.expect_next("here");
        for number in [7, 8, 7, 7, 9, 0] {
            let version = writer.ask(format!("set {number}"));
            let version = version.strip_prefix("ok ").expect("a version");
            assert_eq!(reader.hear(), format!("{number}@{version}"));
        }
        reader.finish();
    }
}

#[test]
fn a_timeout_of_the_runtime_ends_the_wait_and_loses_nothing() {
    let world = World::new();
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let object = options.create("rpm", || Pair::of(1)).expect("an object");
    let seen = object.version().expect("a version");
    current_thread().block_on(async {
        for _ in 0..3 {
            assert!(timeout(Duration::from_millis(5), object.changed(seen)).await.is_err());
        }
        object.set(Pair::of(2)).expect("a set");
        let changed = timeout(LONG, object.changed(seen)).await.expect("in time");
        assert_eq!(changed.expect("a value").0.whole(), 2);
    });
}

/// Selects between a value and a timer that nearly always wins, so that futures are made and dropped
/// all the time; no value that stands for long is missed.
pub(crate) fn select(peer: &mut Peer) {
    let object = SharedValue::<Pair>::open("rpm").expect("an object");
    let mut seen = object.version().expect("a version");
    let (mut cancelled, mut changes) = (0_u64, 0_u64);
    peer.say("here");
    current_thread().block_on(async {
        loop {
            tokio::select! {
                biased;
                changed = object.changed(seen) => {
                    let (pair, version) = changed.expect("a value");
                    assert!(version > seen, "versions grow");
                    (seen, changes) = (version, changes + 1);
                    if pair.whole() == 0 {
                        break;
                    }
                }
                () = tokio::task::yield_now() => cancelled += 1,
            }
        }
    });
    assert!(changes > 0);
    peer.say(format!("{cancelled} cancelled"));
}

#[test]
fn a_select_loop_that_cancels_all_the_time_misses_nothing() {
    let world = World::new();
    let mut writer = world.child("user");
    writer.expect("create rpm", "ok");
    let mut selector = world.child("select");
    selector.expect_next("here");
    for number in (1..1000).chain([0]) {
        writer.expect(format!("set {number}"), "ok");
    }
    println!("{}", selector.hear());
    selector.finish();
}

#[test]
fn many_tasks_share_one_value() {
    let world = World::new();
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let object = options.create("rpm", || Pair::of(1)).expect("an object");
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let task = |object: SharedValue<Pair>| async move {
        let mut seen = Version::NONE;
        loop {
            let (pair, version) = object.changed(seen).await.expect("a value");
            if pair.whole() == 50 {
                return;
            }
            seen = version;
        }
    };
    let tasks: Vec<_> = (0..100).map(|_| runtime.spawn(task(object.clone()))).collect();
    for number in 2..=50 {
        object.set(Pair::of(number)).expect("a set");
        std::thread::yield_now();
    }
    for task in tasks {
        runtime.block_on(task).expect("the task's end");
    }
}

#[cfg(feature = "tokio")]
#[test]
fn a_descriptor_in_tokios_reactor_wakes_its_task() {
    let world = World::new();
    let mut writer = world.child("user");
    writer.expect("create rpm", "ok");
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let view = options.open_read_only("rpm").expect("a view");
    let object = options.open("rpm").expect("an object");
    current_thread().block_on(async {
        let mut seen = object.version().expect("a version");
        let mut as_user = object.change_fd(seen).and_then(|fd| fd.into_tokio()).expect("a fd");
        let mut as_observer = view.change_fd(seen).and_then(|fd| fd.into_tokio()).expect("a fd");
        drop((object, view));
        for number in 1..50 {
            for fd in [&mut as_user, &mut as_observer] {
                let waits = timeout(Duration::from_micros(100), fd.changed(seen)).await;
                assert!(waits.is_err(), "nothing has changed");
            }
            writer.expect(format!("set {number}"), "ok");
            let version = as_user.changed(seen).await.expect("a version");
            assert_eq!(as_observer.changed(seen).await.expect("a version"), version);
            seen = version;
        }
        writer.expect("drop", "ok");
        drop(as_user);
        let ended = as_observer.changed(seen).await.expect_err("nobody is left");
        assert_eq!(ended.code(), "ended");
    });
}

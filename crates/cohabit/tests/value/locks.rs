//! The lock of a value: of the killed, of the stopped, of one's own, of threads.

use std::sync::Barrier;
use std::time::Duration;

use cohabit::untyped::Untyped;
use cohabit::{Scope, SharedValue};

use crate::support::user::Pair;
use crate::support::{Child, Peer, World};

fn two_users(world: &World) -> [Child; 2] {
    let mut users = [world.child("user"), world.child("user")];
    users.iter_mut().for_each(|user| drop(user.expect("open_or_create rpm", "ok")));
    users
}

#[test]
fn the_lock_of_a_killed_holder_is_taken_over() {
    let world = World::new();
    let [mut a, mut b] = two_users(&world);
    for (form, version) in [("set 5", 2), ("set_timeout 6 100000", 3), ("update", 4)] {
        let mut victim = world.child("user");
        victim.expect("open rpm", "ok");
        victim.expect("hold", "inside");
        a.say(form);
        // What was begun is seen by nobody.
        let before = b.ask("read");
        assert!(before.ends_with(&format!("@{}", version - 1)), "{before}");
        victim.kill();
        a.expect_next("ok");
        assert!(b.ask("read").ends_with(&format!("@{version}")));
    }
    // Also without any waiting.
    a.expect("hold", "inside");
    a.kill();
    b.expect("try_set 9", "ok 5");
    b.expect("try_update", "ok 10");
}

#[test]
fn a_stopped_holder_is_named_and_never_robbed() {
    let world = World::new();
    let [mut a, mut b] = two_users(&world);
    a.expect("hold", "inside");
    a.stop();
    let holder = format!("pid {}", a.pid());
    for form in ["try_set 5", "set_timeout 5 30", "try_update", "update_timeout 30"] {
        let busy = b.expect(form, "err busy");
        assert!(busy.contains("`rpm`") && busy.contains(&holder), "{form}: {busy}");
    }
    b.expect("read", "ok 0@1");
    b.say("set 7");
    a.resume();
    a.expect("commit", "ok 1");
    b.expect_next("ok 3");
    a.expect("read", "ok 7@3");
}

#[test]
fn a_stopped_bystander_delays_no_recovery() {
    let world = World::new();
    let [mut holder, mut bystander] = two_users(&world);
    let mut survivor = world.child("user");
    survivor.expect("open rpm", "ok");
    holder.expect("hold", "inside");
    // It waits for the lock, and is stopped there.
    bystander.say("set 5");
    bystander.stop();
    holder.kill();
    survivor.expect("set 6", "ok 2");
    survivor.expect("set 7", "ok 3");
    bystander.resume();
    bystander.expect_next("ok 4");
}

#[test]
fn an_update_that_panics_commits_nothing_and_lets_go() {
    let world = World::new();
    let [mut a, mut b] = two_users(&world);
    a.expect("hold", "inside");
    a.expect("panic", "panicked");
    b.expect("read", "ok 0@1");
    b.expect("try_set 5", "ok 2");
    a.expect("try_update", "ok 6");
}

/// Updates inside updates.
pub(crate) fn nested(_peer: &mut Peer) {
    let create = |name: &str| SharedValue::<Pair>::create(name, || Pair::of(0)).expect("an object");
    let (a, b) = (create("a"), create("b"));
    let outcome = a.update(|pair| {
        let wait = Duration::from_secs(100);
        let codes = [
            a.update(|_| ()).unwrap_err().code(),
            a.try_update(|_| ()).unwrap_err().code(),
            a.set(Pair::of(5)).unwrap_err().code(),
            a.set_timeout(Pair::of(5), wait).unwrap_err().code(),
            a.set_part(Pair::NUMBER, 5).unwrap_err().code(),
        ];
        assert_eq!(codes, ["deadlock"; 5]);
        assert_eq!(a.get().expect("reading is no writing"), Pair::of(0));
        assert_eq!(a.set(Pair::of(5)).unwrap_err().object(), "a");
        b.update(|inner| *inner = Pair::of(8)).expect("another cell");
        b.set(Pair::of(9)).expect("another cell");
        *pair = Pair::of(1);
    });
    outcome.expect("the outer one");
    assert_eq!(a.read().expect("a value").0, Pair::of(1));
    assert_eq!(b.read().expect("a value"), (Pair::of(9), b.version().expect("a version")));
    // The mark of a panicking update does not stay.
    let panicking =
        std::panic::AssertUnwindSafe(|| a.update(|_| std::panic::resume_unwind(Box::new(1))));
    let panicked: Result<cohabit::Result<()>, _> = std::panic::catch_unwind(panicking);
    panicked.expect_err("the panic goes on");
    a.update(|pair| *pair = Pair::of(2)).expect("an update");
}

#[test]
fn an_update_inside_an_update_of_the_same_cell_is_a_deadlock() {
    World::new().run("nested", &[]);
}

/// Threads of one process contend as processes do.
pub(crate) fn threads(_peer: &mut Peer) {
    const THREADS: u64 = 4;
    const ADDS: u64 = 2_000;
    let object = SharedValue::<Pair>::create("rpm", || Pair::of(0)).expect("an object");
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ADDS {
                    let add = |pair: &mut Pair| *pair = Pair::of(pair.whole() + 1);
                    object.update(add).expect("an update");
                }
            });
        }
    });
    assert_eq!(object.get().expect("a value").whole(), THREADS * ADDS);
    let (inside, tried) = (Barrier::new(2), Barrier::new(2));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let hold = |_: &mut Pair| {
                inside.wait();
                tried.wait();
            };
            object.update(hold).expect("an update");
        });
        inside.wait();
        assert_eq!(object.try_set(Pair::of(1)).unwrap_err().code(), "busy");
        let wait = Duration::from_millis(5);
        let busy = object.set_timeout(Pair::of(1), wait).unwrap_err();
        assert_eq!(busy.code(), "busy");
        assert!(busy.detail().contains(&std::process::id().to_string()), "{busy}");
        tried.wait();
    });
}

#[test]
fn threads_of_one_process_contend() {
    World::new().run("threads", &[]);
}

/// Updates without the type inside those with it, and the other way round.
pub(crate) fn nested_untyped(_peer: &mut Peer) {
    let object = SharedValue::<Pair>::create("rpm", || Pair::of(0)).expect("an object");
    let raw = Untyped::open("rpm", &Scope::User).expect("the same");
    let wait = Duration::from_secs(100);
    let keep = |_: &mut [u8]| Ok::<(), ()>(());
    let inside = || {
        // First those that give up, should it be taken for a wait.
        let hasty = [
            object.try_set(Pair::of(5)).unwrap_err().code(),
            object.try_update(|_| ()).unwrap_err().code(),
            object.set_timeout(Pair::of(5), Duration::from_millis(1)).unwrap_err().code(),
            raw.update(Duration::ZERO, keep).unwrap_err().code(),
        ];
        assert_eq!(hasty, ["deadlock"; 4]);
        let patient = [
            object.set(Pair::of(5)).unwrap_err().code(),
            object.update(|_| ()).unwrap_err().code(),
            raw.update(wait, keep).unwrap_err().code(),
        ];
        assert_eq!(patient, ["deadlock"; 3]);
        assert_eq!(object.read().expect("reading is no writing").1.number(), 1);
    };
    let failed = raw.update(wait, |_| {
        inside();
        Err::<(), ()>(())
    });
    failed.expect("it ran").expect_err("as it said");
    object.try_update(|_| inside()).expect("an update");
    assert_eq!(object.version().expect("a version").number(), 2);
    raw.update(wait, keep).expect("the lock was let go").expect("as it said");
}

#[test]
fn a_write_inside_an_untyped_update_of_the_same_cell_is_a_deadlock() {
    World::new().run("nested-untyped", &[]);
}

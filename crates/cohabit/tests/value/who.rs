//! Who holds a lock, who waits, who reads: seen from outside, without disturbing anybody.

use cohabit::untyped::Untyped;
use cohabit::{ErrorKind, LockState, User};

use crate::support::{Child, World, raw, windows_since};

fn look(world: &World) -> Untyped {
    Untyped::open_read_only("rpm", &world.scope()).unwrap()
}

fn only_lock(object: &Untyped) -> LockState {
    let [lock] = object.locks().unwrap().try_into().expect("one lock");
    lock
}

fn holder_of(lock: &LockState) -> Option<&User> {
    let [holder] = lock.holders.as_slice() else { panic!("{lock:?}") };
    holder.user.as_ref()
}

fn host(world: &World) -> Child {
    let mut host = world.child("user");
    host.expect("open_or_create rpm", "ok");
    host
}

#[test]
fn a_hold_is_told_from_the_next_one_by_its_commit() {
    let world = World::new();
    let mut holder = host(&world);
    let object = look(&world);
    assert_eq!(object.locks().unwrap(), []);
    holder.expect("hold", "inside");
    let first = only_lock(&object);
    assert_eq!((first.path.as_str(), first.awaited), ("", false));
    assert_eq!(holder_of(&first).map(|user| user.pid), Some(holder.pid()));
    assert!(first.is_same_hold(&only_lock(&object)));
    holder.expect("commit", "ok");
    assert_eq!(object.locks().unwrap(), []);
    holder.expect("hold", "inside");
    assert!(!first.is_same_hold(&only_lock(&object)));
    holder.expect("commit", "ok");
}

#[test]
fn a_waiter_is_seen_and_the_hold_stays_the_same() {
    let world = World::new();
    let mut holder = host(&world);
    let mut waiter = host(&world);
    holder.expect("hold", "inside");
    let object = look(&world);
    let first = only_lock(&object);
    waiter.say("set 5");
    // It says that it waits as soon as it does; the child's watchdog ends what never comes.
    let second = loop {
        let lock = only_lock(&object);
        if lock.awaited {
            break lock;
        }
        std::thread::yield_now();
    };
    assert!(first.is_same_hold(&second));
    holder.expect("commit", "ok");
    waiter.expect_next("ok");
}

#[test]
fn a_stopped_holder_is_told_and_a_dead_one_holds_nothing() {
    let world = World::new();
    let _host = host(&world);
    let mut holder = host(&world);
    holder.expect("hold", "inside");
    holder.stop();
    let object = look(&world);
    let lock = only_lock(&object);
    assert!(holder_of(&lock).is_some_and(|user| user.state.is_stopped()), "{lock:?}");
    let stopped = |user: &User| user.state.is_stopped().then_some(user.pid);
    let users = object.users().unwrap();
    assert_eq!(users.iter().filter_map(stopped).collect::<Vec<_>>(), [holder.pid()]);
    holder.kill();
    assert!(!only_lock(&object).is_held());
}

#[test]
fn a_lock_word_that_names_nobody_is_held_by_nobody() {
    let world = World::new();
    let _host = host(&world);
    let file = raw::open(&world.path("rpm"));
    let lock = raw::word(&file, 88);
    let object = look(&world);
    let put = |word: u64| raw::put(&file, lock, word);
    for word in [u64::MAX, 0xffff, 7 << 32 | 3] {
        put(word);
        let lock = only_lock(&object);
        assert!(!lock.is_held() && holder_of(&lock).is_none(), "{word:x}: {lock:?}");
    }
    put(1 << 16);
    assert_eq!(object.locks().unwrap(), []);
}

#[test]
fn observers_are_those_who_only_read() {
    let world = World::new();
    let mut user = host(&world);
    user.expect("view rpm", "ok");
    let mut observer = world.child("user");
    observer.expect("view rpm", "ok");
    let object = look(&world);
    if windows_since("the maps of other processes are not shown") {
        assert_eq!(object.observers().unwrap_err().kind(), ErrorKind::Unsupported);
        return;
    }
    let seen = object.observers().unwrap().seen;
    assert_eq!(seen.iter().map(|user| user.pid).collect::<Vec<_>>(), [observer.pid()]);
    assert!(seen[0].command.as_ref().is_some_and(|line| !line.is_empty()));
    assert!(seen[0].started_ns.is_some());
    observer.expect("drop_view", "ok");
    assert_eq!(object.observers().unwrap().seen, []);
    user.leave();
    assert_eq!(
        Untyped::open_read_only("rpm", &world.scope()).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

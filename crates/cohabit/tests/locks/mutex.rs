//! A mutex among the living: one at a time, poisoned by panics, with deadlines, threads and forks.

use std::sync::{Barrier, mpsc};
use std::time::Duration;

use cohabit::{Error, ErrorKind, LockError, Mutex, Shared};

use crate::ledger::{self, Ledger};
use crate::support::{Child, Peer, World, sys};

/// So many processes with the ledger open.
pub(crate) fn ledgers<const N: usize>(world: &World) -> [Child; N] {
    let mut all = std::array::from_fn(|_| world.child("ledger"));
    all.iter_mut().for_each(|child: &mut Child| drop(child.expect_next("here")));
    all
}

#[test]
fn one_at_a_time_and_the_next_sees_what_the_one_before_did() {
    let world = World::new();
    let [mut a, mut b] = ledgers(&world);
    a.expect("lock", "ok 0");
    a.expect("add 5", "ok 5");
    let busy = b.expect("try_lock", "err busy");
    assert!(busy.contains("`ledger`") && busy.contains(&format!("pid {}", a.pid())), "{busy}");
    let busy = b.expect("lock_timeout 20", "err busy");
    assert!(busy.contains("`ledger`") && busy.contains(&format!("pid {}", a.pid())), "{busy}");
    b.expect("replace_timeout 8 5", "err busy");
    // Half done is what it is: looking takes no lock.
    b.expect("peek", "ok 5");
    b.say("lock");
    a.expect("add 1", "ok 6");
    a.expect("unlock", "ok");
    b.expect_next("ok 6");
    a.expect("try_lock", "err busy");
    b.expect("unlock", "ok");
    a.expect("try_lock", "ok 6");
    a.expect("unlock", "ok");
    b.expect("replace 40", "ok");
    a.expect("lock_timeout 1000", "ok 40");
}

#[test]
fn a_panic_under_the_guard_poisons_until_it_is_cleared() {
    let world = World::new();
    let [mut a, mut b] = ledgers(&world);
    a.expect("lock", "ok 0");
    b.expect("is_poisoned", "ok false");
    a.expect("panic", "panicked");
    b.expect("is_poisoned", "ok true");
    for sum in [0, 2] {
        b.expect("lock", &format!("poisoned {sum}"));
        b.expect("add 2", "ok");
        b.expect("unlock", "ok");
    }
    // Also while others wait.
    b.expect("try_lock", "poisoned 4");
    a.say("lock");
    b.expect("unlock", "ok");
    a.expect_next("poisoned 4");
    // Cleared under the guard, as in std.
    a.expect("clear_poison", "ok");
    a.expect("unlock", "ok");
    b.expect("lock", "ok 4");
    b.expect("panic", "panicked");
    a.expect("replace 1", "ok");
    b.expect("lock", "ok 1");
}

#[test]
fn a_stopped_holder_is_named_and_never_robbed() {
    let world = World::new();
    let [mut a, mut b, mut c] = ledgers(&world);
    a.expect("lock", "ok 0");
    a.stop();
    let holder = format!("pid {}", a.pid());
    for form in ["try_lock", "lock_timeout 50", "replace_timeout 3 50"] {
        let busy = b.expect(form, "err busy");
        assert!(busy.contains(&holder), "{form}: {busy}");
    }
    b.say("lock");
    c.say("lock_timeout 60");
    c.expect_next("err busy");
    a.resume();
    a.expect("add 9", "ok 9");
    a.expect("unlock", "ok");
    b.expect_next("ok 9");
}

/// Two threads of one process, and one that would wait for itself.
pub(crate) fn threads(peer: &mut Peer) {
    const THREADS: u64 = 4;
    const ADDS: u64 = 3_000;
    let mutex = ledger::open();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..ADDS).for_each(|_| mutex.lock().expect("the lock").sum += 1));
        }
    });
    let mut guard = mutex.lock().expect("the lock");
    assert_eq!(guard.sum, THREADS * ADDS);
    guard.sum = 0;
    let wait = Duration::from_secs(100);
    let kinds = [
        mutex.lock().map(drop).unwrap_err().kind(),
        mutex.try_lock().map(drop).unwrap_err().kind(),
        mutex.lock_timeout(wait).map(drop).unwrap_err().kind(),
        mutex.replace(ledger::new()).unwrap_err().kind(),
        mutex.replace_timeout(ledger::new(), wait).unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::Deadlock; 5]);
    let (tried, waited) = (Barrier::new(2), mpsc::channel());
    std::thread::scope(|scope| {
        let mutex = &mutex;
        let tried = &tried;
        scope.spawn(move || {
            // Another thread's lock is no deadlock.
            assert_eq!(mutex.try_lock().map(drop).unwrap_err().kind(), ErrorKind::Busy);
            let short = Duration::from_millis(5);
            let busy = Error::from(mutex.lock_timeout(short).map(drop).unwrap_err());
            assert!(busy.detail().contains(&std::process::id().to_string()), "{busy}");
            tried.wait();
            waited.0.send(mutex.lock().expect("the lock").sum).expect("the test listens");
        });
        tried.wait();
        guard.sum = 77;
        drop(guard);
        assert_eq!(waited.1.recv().expect("the other"), 77);
    });
    forgets(&mutex);
    peer.say("done");
}

/// What is forgotten stays held, by this thread as by any.
fn forgets(mutex: &Mutex<Ledger>) {
    std::mem::forget(mutex.lock().expect("the lock"));
    assert_eq!(mutex.try_lock().map(drop).unwrap_err().kind(), ErrorKind::Deadlock);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| mutex.try_lock().map(drop).unwrap_err().kind());
        assert_eq!(other.join().expect("no panic"), ErrorKind::Busy);
    });
}

#[test]
fn threads_of_one_process_contend_and_none_waits_for_itself() {
    let world = World::new();
    world.child("threads").expect_next("done");
}

/// A fork while the lock is held.
#[cfg(unix)] // It forks.
pub(crate) fn forks(peer: &mut Peer) {
    let mutex = ledger::open();
    let mut guard = mutex.lock().expect("the lock");
    guard.sum = 3;
    let Some(child) = sys::forked_into_both() else {
        drop(guard); // Does nothing: it is the parent's.
        let kinds = [
            mutex.lock().map(drop).unwrap_err().kind(),
            mutex.try_lock().map(drop).unwrap_err().kind(),
            mutex.replace(ledger::new()).unwrap_err().kind(),
            mutex.is_poisoned().map(drop).unwrap_err().kind(),
            mutex.clear_poison().unwrap_err().kind(),
        ];
        let own = ledger::open();
        let busy = own.try_lock().map(drop).unwrap_err();
        let named = matches!(&busy, LockError::Failed(error)
            if error.detail().contains(&std::os::unix::process::parent_id().to_string()));
        let fine = kinds == [ErrorKind::Forked; 5] && busy.kind() == ErrorKind::Busy && named;
        sys::leave_at_once(if fine { 1 } else { 2 });
    };
    assert_eq!(sys::code_of(child), 1, "what the child found");
    // The child's end is not ours.
    assert_eq!(mutex.try_lock().map(drop).unwrap_err().kind(), ErrorKind::Deadlock);
    guard.sum += 1;
    drop(guard);
    assert_eq!(mutex.lock().expect("the lock").sum, 4);
    // In a panic that began before, a guard is no cause of it.
    struct LocksInDrop<'a>(&'a Mutex<Ledger>);
    impl Drop for LocksInDrop<'_> {
        fn drop(&mut self) {
            self.0.lock().expect("the lock").sum += 1;
        }
    }
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _unwound = LocksInDrop(&mutex);
        std::panic::resume_unwind(Box::new("as the test asked"));
    }));
    unwound.expect_err("the panic goes on");
    assert_eq!(mutex.lock().expect("no poison").sum, 5);
    peer.say("done");
}

#[cfg(unix)] // It forks.
#[test]
fn a_forked_child_holds_nothing_and_frees_nothing() {
    let world = World::new();
    world.child("forks").expect_next("done");
}

#[test]
fn a_mutex_by_itself_says_not_shared() {
    let mutex = Mutex::new(ledger::new());
    let kinds = [
        mutex.lock().map(drop).unwrap_err().kind(),
        mutex.try_lock().map(drop).unwrap_err().kind(),
        mutex.lock_timeout(Duration::ZERO).map(drop).unwrap_err().kind(),
        mutex.replace(ledger::new()).unwrap_err().kind(),
        mutex.is_poisoned().map(drop).unwrap_err().kind(),
        mutex.clear_poison().unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::NotShared; 6]);
    assert_eq!(format!("{mutex:?}"), "Mutex { .. }");
}

#[test]
fn it_is_as_large_as_its_word_and_what_it_guards() {
    assert_eq!((size_of::<Mutex<u64>>(), align_of::<Mutex<u64>>()), (16, 8));
    assert_eq!((size_of::<Mutex<u8>>(), align_of::<Mutex<u8>>()), (16, 8));
    assert_eq!((size_of::<Mutex<u128>>(), align_of::<Mutex<u128>>()), (32, 16));
    assert_eq!((size_of::<Mutex<[u8; 9]>>(), align_of::<Mutex<[u8; 9]>>()), (24, 8));
    let world = World::new();
    let options = Shared::<Mutex<u128>>::options().scope(world.scope());
    let wide = options.open_or_create("wide", || 7_u128).expect("an object");
    *wide.lock().expect("the lock") += 1;
    assert_eq!(*wide.lock().expect("the lock"), 8);
}

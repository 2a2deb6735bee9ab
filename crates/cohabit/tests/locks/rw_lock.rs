//! A `RwLock`: readers beside each other, a writer alone, deaths of both, and what is told of them.

use std::sync::Barrier;
use std::time::Duration;

use cohabit::{Error, ErrorKind, RwLock, Shared};

use crate::ledger;
use crate::shelf::{open, shelves};
use crate::support::{Child, Peer, World, raw, sys};

/// As many as there are places.
const READERS: usize = 31;

fn names(refused: &str, who: &Child) {
    assert!(refused.contains("`shelf`"), "{refused}");
    assert!(refused.contains(&format!("pid {}", who.pid())), "{refused}");
}

#[test]
fn readers_are_inside_together_and_a_writer_alone() {
    let world = World::new();
    let [mut a, mut b, mut writer] = shelves(&world);
    a.expect("read", "ok 0");
    b.expect("try_read", "ok 0");
    for form in ["try_write", "write_timeout 20", "replace_timeout 5 20"] {
        let busy = writer.expect(form, "err busy");
        assert!(busy.contains("`shelf`"), "{busy}");
    }
    a.expect("go", "ok");
    names(&writer.expect("write_timeout 20", "err busy"), &b);
    b.expect("go", "ok");
    writer.expect("write", "ok 0");
    writer.expect("add 5", "ok 5");
    for form in ["try_read", "read_timeout 20", "try_write", "write_timeout 20"] {
        names(&a.expect(form, "err busy"), &writer);
    }
    b.expect("peek", "ok 5");
    a.say("read");
    b.say("read_timeout 100000");
    writer.expect("add 1", "ok 6");
    writer.expect("go", "ok");
    a.expect_next("ok 6");
    b.expect_next("ok 6");
    a.expect("go", "ok");
    b.expect("go", "ok");
    writer.expect("replace 40", "ok");
    a.expect("try_write", "ok 40");
}

/// A writer that waits is next: readers that come later wait for it, and are told whom they wait for.
#[test]
fn a_writer_that_waits_comes_before_readers_that_come_later() {
    let world = World::new();
    let [mut a, mut b, mut writer] = shelves(&world);
    a.expect("read", "ok 0");
    writer.say("write");
    // Until it is in the way: looking is no proof that it was late.
    let busy = loop {
        let answer = b.ask("try_read");
        if answer.starts_with("err busy") {
            break answer;
        }
        b.expect("go", "ok");
    };
    names(&busy, &writer);
    b.say("read");
    a.expect("go", "ok");
    writer.expect_next("ok 0");
    writer.expect("add 3", "ok 3");
    writer.expect("go", "ok");
    b.expect_next("ok 3");
}

#[test]
fn a_dead_writer_is_told_to_readers_and_writers_until_a_writer_says_it_is_whole() {
    let world = World::new();
    let [mut a, mut b, mut victim] = shelves(&world);
    victim.expect("write", "ok 0");
    victim.expect("add 3", "ok 3");
    a.say("read");
    victim.kill();
    a.expect_next("owner-died 3");
    b.expect("try_read", "owner-died 3");
    a.expect("go", "ok");
    b.expect("go", "ok");
    b.expect("write", "owner-died 3");
    b.expect("consistent", "ok");
    b.expect("go", "ok");
    a.expect("read", "ok 3");
}

#[test]
fn a_dead_reader_is_told_to_nobody_and_in_nobodys_way() {
    let world = World::new();
    let [mut a, mut b, mut reader] = shelves(&world);
    reader.expect("read", "ok 0");
    reader.kill();
    a.expect("try_write", "ok 0");
    a.expect("go", "ok");
    let [mut reader] = shelves(&world);
    reader.expect("read", "ok 0");
    a.say("write");
    // The writer waits for that one.
    while !b.ask("try_read").starts_with("err busy") {
        b.expect("go", "ok");
    }
    reader.kill();
    a.expect_next("ok 0");
    a.expect("go", "ok");
    // A writer that still waits for a reader has changed nothing.
    b.expect("read", "ok 0");
    let [mut waits] = shelves(&world);
    waits.say("write");
    while !a.ask("try_read").starts_with("err busy") {
        a.expect("go", "ok");
    }
    waits.kill();
    a.expect("read", "ok 0");
    a.expect("go", "ok");
    b.expect("go", "ok");
    a.expect("write", "ok 0");
}

#[test]
fn stopped_ones_are_named_and_never_robbed() {
    let world = World::new();
    let [mut a, mut b, mut c] = shelves(&world);
    a.expect("read", "ok 0");
    a.stop();
    for form in ["try_write", "write_timeout 50", "replace_timeout 3 50"] {
        names(&b.expect(form, "err busy"), &a);
    }
    // It keeps no reader out.
    c.expect("read", "ok 0");
    c.expect("go", "ok");
    b.say("write");
    a.resume();
    a.expect("go", "ok");
    b.expect_next("ok 0");
    b.stop();
    for form in ["try_read", "read_timeout 50", "try_write"] {
        names(&c.expect(form, "err busy"), &b);
    }
    c.say("read");
    b.resume();
    b.expect("add 9", "ok 9");
    b.expect("go", "ok");
    c.expect_next("ok 9");
}

#[test]
fn a_panic_of_a_writer_poisons_and_that_of_a_reader_does_not() {
    let world = World::new();
    let [mut a, mut b] = shelves(&world);
    a.expect("read", "ok 0");
    a.expect("panic", "panicked");
    b.expect("is_poisoned", "ok false");
    a.expect("write", "ok 0");
    a.expect("panic", "panicked");
    b.expect("is_poisoned", "ok true");
    b.expect("read", "poisoned 0");
    a.expect("try_read", "poisoned 0");
    a.expect("go", "ok");
    b.expect("go", "ok");
    b.expect("write", "poisoned 0");
    b.expect("clear_poison", "ok");
    b.expect("go", "ok");
    a.expect("read", "ok 0");
    a.expect("go", "ok");
    a.expect("write", "ok 0");
    a.expect("panic", "panicked");
    b.expect("replace 7", "ok");
    a.expect("read", "ok 7");
}

#[test]
fn what_is_forgotten_is_kept_until_its_process_leaves() {
    let world = World::new();
    let [mut a, mut b, mut c] = shelves(&world);
    b.expect("read", "ok 0");
    b.expect("forget", "ok");
    names(&a.expect("try_write", "err busy"), &b);
    b.leave();
    a.expect("try_write", "ok 0");
    a.expect("forget", "ok");
    c.expect("try_read", "err busy");
    a.leave();
    c.expect("read", "owner-died 0");
}

/// All places are taken: by the living, who are waited for; by the dead, who are not.
pub(crate) fn crowd(peer: &mut Peer) {
    let lock = open();
    let (all_in, go) = (Barrier::new(READERS + 1), Barrier::new(READERS + 1));
    std::thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                let guard = lock.read().expect("a place");
                all_in.wait();
                go.wait();
                drop(guard);
            });
        }
        all_in.wait();
        peer.say("inside");
        peer.hear();
        go.wait();
    });
    peer.say("outside");
}

#[test]
fn who_finds_no_place_waits_for_one_and_takes_that_of_a_dead_one() {
    let world = World::new();
    let [mut a] = shelves(&world);
    let mut living = world.child("crowd");
    living.expect_next("inside");
    for form in ["try_read", "read_timeout 20"] {
        let busy = a.expect(form, "err busy");
        names(&busy, &living);
        assert!(busy.contains("all 31 readers' places"), "{busy}");
    }
    a.say("read");
    living.say("go");
    a.expect_next("ok 0");
    living.expect_next("outside");
    a.expect("go", "ok");
    let mut dead = world.child("crowd");
    dead.expect_next("inside");
    dead.kill();
    a.expect("try_read", "ok 0");
    a.expect("go", "ok");
    a.expect("try_write", "ok 0");
}

/// Threads of one process, and one that would wait for itself.
pub(crate) fn rw_threads(peer: &mut Peer) {
    const THREADS: u64 = 4;
    const ADDS: u64 = 2_000;
    let lock = open();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for round in 0..ADDS {
                    let mut guard = lock.write().expect("the lock");
                    guard.sum += 1;
                    guard.parts = [guard.sum as u32; 3];
                    drop(guard);
                    let guard = lock.read().expect("the lock");
                    assert!(guard.sum > round && guard.parts == [guard.sum as u32; 3]);
                }
            });
        }
    });
    assert_eq!(lock.read().expect("the lock").sum, THREADS * ADDS);
    let wait = Duration::from_secs(100);
    let refused = || {
        let kinds = [
            lock.read().map(drop).unwrap_err().kind(),
            lock.try_read().map(drop).unwrap_err().kind(),
            lock.read_timeout(wait).map(drop).unwrap_err().kind(),
            lock.write().map(drop).unwrap_err().kind(),
            lock.try_write().map(drop).unwrap_err().kind(),
            lock.write_timeout(wait).map(drop).unwrap_err().kind(),
            lock.replace(ledger::new()).unwrap_err().kind(),
            lock.replace_timeout(ledger::new(), wait).unwrap_err().kind(),
        ];
        assert_eq!(kinds, [ErrorKind::Deadlock; 8]);
    };
    let guard = lock.read().expect("the lock");
    refused();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(lock.read().expect("beside the other").sum, THREADS * ADDS);
            // Another thread's is no deadlock.
            let busy = Error::from(lock.try_write().map(drop).unwrap_err());
            assert_eq!(busy.kind(), ErrorKind::Busy);
            assert!(busy.detail().contains(&std::process::id().to_string()), "{busy}");
        });
    });
    drop(guard);
    let guard = lock.write().expect("the lock");
    refused();
    drop(guard);
    peer.say("done");
}

#[test]
fn threads_of_one_process_read_together_and_none_waits_for_itself() {
    let world = World::new();
    world.child("rw-threads").expect_next("done");
}

/// Forks while it reads, and while it writes.
#[cfg(unix)] // It forks.
pub(crate) fn rw_forks(peer: &mut Peer) {
    let lock = open();
    let in_child = |writes: bool| {
        let kinds = [
            lock.read().map(drop).unwrap_err().kind(),
            lock.write().map(drop).unwrap_err().kind(),
            lock.replace(ledger::new()).unwrap_err().kind(),
            lock.is_poisoned().map(drop).unwrap_err().kind(),
            lock.clear_poison().unwrap_err().kind(),
        ];
        let own = open();
        let reads = own.try_read().map(drop).map_err(|error| error.kind());
        let kind = own.try_write().map(drop).unwrap_err().kind();
        let as_it_should = if writes { Err(ErrorKind::Busy) } else { Ok(()) };
        let fine =
            kinds == [ErrorKind::Forked; 5] && kind == ErrorKind::Busy && reads == as_it_should;
        sys::leave_at_once(if fine { 1 } else { 2 });
    };
    let guard = lock.read().expect("the lock");
    let Some(child) = sys::forked_into_both() else {
        drop(guard); // Does nothing: it is the parent's.
        in_child(false)
    };
    assert_eq!(sys::code_of(child), 1, "what the child of a reader found");
    drop(guard);
    let mut guard = lock.write().expect("the lock");
    guard.sum = 3;
    let Some(child) = sys::forked_into_both() else {
        drop(guard);
        in_child(true)
    };
    assert_eq!(sys::code_of(child), 1, "what the child of a writer found");
    guard.sum += 1;
    drop(guard);
    assert_eq!(lock.read().expect("the lock").sum, 4);
    peer.say("done");
}

#[cfg(unix)] // It forks.
#[test]
fn a_forked_child_is_not_inside_and_lets_nobody_go() {
    let world = World::new();
    world.child("rw-forks").expect_next("done");
}

#[test]
fn a_rw_lock_by_itself_says_not_shared_and_has_its_size() {
    let lock = RwLock::new(ledger::new());
    let kinds = [
        lock.read().map(drop).unwrap_err().kind(),
        lock.try_read().map(drop).unwrap_err().kind(),
        lock.read_timeout(Duration::ZERO).map(drop).unwrap_err().kind(),
        lock.write().map(drop).unwrap_err().kind(),
        lock.try_write().map(drop).unwrap_err().kind(),
        lock.write_timeout(Duration::ZERO).map(drop).unwrap_err().kind(),
        lock.replace(ledger::new()).unwrap_err().kind(),
        lock.is_poisoned().map(drop).unwrap_err().kind(),
        lock.clear_poison().unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::NotShared; 9]);
    assert_eq!(format!("{lock:?}"), "RwLock { .. }");
    assert_eq!((size_of::<RwLock<u8>>(), align_of::<RwLock<u8>>()), (264, 8));
    assert_eq!((size_of::<RwLock<u128>>(), align_of::<RwLock<u128>>()), (272, 16));
    let world = World::new();
    let options = Shared::<RwLock<u128>>::options().scope(world.scope());
    let wide = options.open_or_create("wide", || RwLock::new(7_u128)).expect("an object");
    *wide.write().expect("the lock") += 1;
    assert_eq!(*wide.read().expect("the lock"), 8);
}

/// Each word that matters, in the lock and with its readers, and each bit that is no value.
#[test]
fn each_hostile_word_is_survived_and_bad_bits_are_refused_until_replaced() {
    use std::sync::atomic::Ordering::Relaxed;
    let world = World::new();
    let [mut user] = shelves(&world);
    let words = raw::words(&world.path("shelf"));
    let object = usize::try_from(words[88 / 8].load(Relaxed)).expect("an offset") / 8;
    let flags = (0..128).map(|flags| flags << 16);
    let tokens = [0, 1, 2, 0xffff, 1 << 32, 1 << 32 | 1, 1 << 32 | 2, 9 << 32 | 1, u64::MAX << 32];
    for word in flags.flat_map(|flags| tokens.map(|token| token | flags)) {
        for (at, forms) in [(0, ["try_read", "try_write"]), (3, ["try_write", "write_timeout 1"])] {
            words[object + at].store(word, Relaxed);
            for form in forms {
                let answer = user.ask(form);
                // The token of the living user itself: as if another thread of it were inside.
                let is_busy = answer.starts_with("err busy");
                if !is_busy && !answer.starts_with("err") {
                    user.expect("go", "ok");
                }
                let is_living = word & 0xffff_ffff_0000_ffff == 1 << 32 | 1;
                assert!(is_busy == is_living || word >> 19 & 7 != 0, "{at} {word:#x}: {answer}");
            }
            words[object + at].store(0, Relaxed);
        }
    }
    // The bool of the ledger.
    let open = &words[object + 32 + 1];
    let good = open.load(Relaxed);
    open.store(good | 0xff, Relaxed);
    for call in ["read", "try_read", "read_timeout 5", "write", "try_write", "peek"] {
        let refused = user.expect(call, "err bad-bits");
        assert!(refused.contains("`shelf`") && refused.contains("`open`"), "{call}: {refused}");
    }
    user.expect("replace 6", "ok");
    user.expect("read", "ok 6");
}

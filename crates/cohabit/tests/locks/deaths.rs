//! Deaths: of holders, of waiters, of those whose turn it is; and the next one, who is told or not.

use std::time::Instant;

use cohabit::untyped::Untyped;

use crate::mutex::ledgers;
use crate::support::{World, until};

#[test]
fn a_killed_holder_is_told_to_all_until_somebody_says_it_is_whole() {
    let world = World::new();
    let [mut a, mut b, mut victim] = ledgers(&world);
    victim.expect("lock", "ok 0");
    victim.expect("add 3", "ok 3");
    a.say("lock");
    victim.kill();
    a.expect_next("owner-died 3");
    // Who comes second waits for the first, which lets the mark be, and is told too.
    b.say("lock_timeout 100000");
    a.expect("unlock", "ok");
    b.expect_next("owner-died 3");
    b.expect("add 1", "ok 4");
    b.expect("consistent", "ok");
    b.expect("unlock", "ok");
    a.expect("lock", "ok 4");
}

#[test]
fn a_death_is_found_without_waiting_too() {
    let world = World::new();
    let [mut a, mut victim, mut second] = ledgers(&world);
    victim.expect("lock", "ok 0");
    victim.kill();
    second.expect("try_lock", "owner-died 0");
    // The one that mends can die as well.
    second.expect("consistent", "ok");
    second.kill();
    a.expect("try_lock", "owner-died 0");
    a.expect("unlock", "ok");
    a.expect("lock_timeout 0", "owner-died 0");
    a.expect("unlock", "ok");
    a.expect("replace 12", "ok");
    a.expect("lock", "ok 12");
}

#[test]
fn a_guard_that_is_forgotten_is_a_death_once_its_process_has_left() {
    let world = World::new();
    let [mut a, mut b] = ledgers(&world);
    b.expect("lock", "ok 0");
    b.expect("forget", "ok");
    a.expect("try_lock", "err busy");
    b.leave();
    a.expect("lock", "owner-died 0");
}

#[test]
fn a_panic_and_a_death_are_told_one_after_the_other() {
    let world = World::new();
    let [mut a, mut victim] = ledgers(&world);
    victim.expect("lock", "ok 0");
    victim.expect("panic", "panicked");
    victim.expect("lock", "poisoned 0");
    victim.kill();
    a.expect("lock", "owner-died 0");
    a.expect("consistent", "ok");
    a.expect("unlock", "ok");
    a.expect("lock", "poisoned 0");
    a.expect("clear_poison", "ok");
    a.expect("unlock", "ok");
    a.expect("lock", "ok 0");
}

#[test]
fn a_killed_waiter_is_told_to_nobody_and_takes_no_turn_with_it() {
    let world = World::new();
    let [mut a, mut b, mut c] = ledgers(&world);
    for _ in 0..3 {
        let [mut victim] = ledgers(&world);
        a.expect("lock", "ok 0");
        victim.say("lock");
        // The time of another waiter is longer than that after which the victim is next.
        b.expect("lock_timeout 40", "err busy");
        victim.kill();
        a.expect("unlock", "ok");
        c.expect("lock", "ok 0");
        c.expect("unlock", "ok");
        b.expect("lock", "ok 0");
        b.expect("unlock", "ok");
    }
}

/// A lock that is let go for a waiter who cannot take it is not lost to those who only try.
#[test]
fn a_stopped_waiter_whose_turn_it_is_keeps_nobody_out() {
    let world = World::new();
    let [mut a, mut b, mut waiter] = ledgers(&world);
    a.expect("lock", "ok 0");
    waiter.say("lock");
    b.expect("lock_timeout 40", "err busy");
    waiter.stop();
    a.expect("unlock", "ok");
    loop {
        let answer = b.ask("try_lock");
        if answer == "ok 0" {
            break;
        }
        assert!(answer.starts_with("err busy"), "{answer}");
        assert!(answer.contains("waited for 10 ms"), "{answer}");
    }
    b.expect("add 1", "ok 1");
    b.expect("unlock", "ok");
    a.expect("lock", "ok 1");
    a.expect("unlock", "ok");
    waiter.resume();
    waiter.expect_next("ok 1");
}

/// From each kill to the moment at which the test has heard that the next one has the lock. The times are
/// printed, and nothing is asserted of them.
#[test]
fn after_each_death_the_one_who_waits_is_next() {
    const DEATHS: usize = 100;
    let world = World::new();
    let [mut waiter] = ledgers(&world);
    let mut times = Vec::with_capacity(DEATHS);
    for _ in 0..DEATHS {
        let [mut victim] = ledgers(&world);
        victim.expect("lock", "ok 0");
        waiter.say("lock");
        let object = Untyped::open_read_only("ledger", &world.scope()).expect("the ledger");
        until(|| object.locks().expect("a look").iter().any(|lock| lock.awaited));
        let killed = Instant::now();
        victim.kill();
        waiter.expect_next("owner-died 0");
        times.push(killed.elapsed().as_secs_f64() * 1e3);
        waiter.expect("consistent", "ok");
        waiter.expect("unlock", "ok");
    }
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[(DEATHS - 1) * share / 100];
    println!(
        "{DEATHS} deaths to the next owner, ms: median {:.1}, p99 {:.1}, max {:.1}",
        at(50),
        at(99),
        at(100)
    );
}

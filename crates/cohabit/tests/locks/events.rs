//! Events and condition variables between real processes: nothing that was said is lost, whoever dies.
//!
//! The role `listener`:
//! ```text
//! wait E · wait_timeout E MS · try_wait E · set E · reset E · is_set E       E: auto or manual
//! pause                          waits for the condition variable until the number grows
//! pause_timeout MS               the same, once
//! grow N one|all|nobody          adds to the number, under the mutex, and notifies
//! leave
//! ```

use std::time::Duration;

use cohabit::{Condvar, ErrorKind, Event, Mutex, Shared, shareable};

use crate::support::{Child, Peer, World, line, sys, until};

/// What there is to listen to.
#[shareable]
pub(crate) struct Room {
    auto: Event,
    manual: Event,
    changed: Condvar,
    number: Mutex<u64>,
}

fn new() -> Room {
    Room {
        auto: Event::auto(),
        manual: Event::manual(),
        changed: Condvar::new(),
        number: Mutex::new(0),
    }
}

fn open() -> Shared<Room> {
    Shared::open_or_create("room", new).expect("a room")
}

pub(crate) fn listener(peer: &mut Peer) {
    let room = open();
    peer.say("here");
    loop {
        let said = peer.hear();
        let words: Vec<_> = said.split(' ').collect();
        let number = |at: usize| words[at].parse::<u64>().expect("a number");
        let ms = |at| Duration::from_millis(number(at));
        let event = if words.get(1) == Some(&"manual") { &room.manual } else { &room.auto };
        let answer = match words[0] {
            "leave" => return,
            "wait" => line(event.wait().map(|()| "passed")),
            "wait_timeout" => line(event.wait_timeout(ms(2)).map(|()| "passed")),
            "try_wait" => line(event.try_wait()),
            "set" => line(event.set().map(|()| "set")),
            "reset" => line(event.reset().map(|()| "reset")),
            "is_set" => line(event.is_set()),
            "pause" => line(pause(&room)),
            "pause_timeout" => {
                let guard = room.number.lock().expect("the lock");
                match room.changed.wait_timeout(guard, ms(1)) {
                    Ok((number, outcome)) => format!("ok {number} {}", outcome.timed_out()),
                    Err(error) => line::<u8>(Err(error.into())),
                }
            }
            "grow" => {
                *room.number.lock().expect("the lock") += number(1);
                line(match words[2] {
                    "one" => room.changed.notify_one().map(|()| "grown"),
                    "all" => room.changed.notify_all().map(|()| "grown"),
                    _ => Ok("grown"),
                })
            }
            other => panic!("no such word: {other}"),
        };
        peer.say(answer);
    }
}

/// Waits until the number is another one.
fn pause(room: &Room) -> cohabit::Result<u64> {
    let mut number = room.number.lock()?;
    let before = *number;
    while *number == before {
        number = room.changed.wait(number)?;
    }
    Ok(*number)
}

fn listeners<const N: usize>(world: &World) -> [Child; N] {
    let mut all = std::array::from_fn(|_| world.child("listener"));
    all.iter_mut().for_each(|child: &mut Child| drop(child.expect_next("here")));
    all
}

/// Waits until so many children have answered, and says which.
fn passed(children: &mut [Child], count: usize) -> Vec<usize> {
    let mut passed = Vec::new();
    until(|| {
        for (index, child) in children.iter_mut().enumerate() {
            if !passed.contains(&index) && child.has_said() {
                child.expect_next("ok");
                passed.push(index);
            }
        }
        passed.len() >= count
    });
    passed
}

#[test]
fn an_automatic_event_lets_one_pass_for_each_set() {
    let world = World::new();
    let [mut setter] = listeners(&world);
    setter.expect("try_wait auto", "ok false");
    setter.expect("is_set auto", "ok false");
    setter.expect("set auto", "ok");
    setter.expect("set auto", "ok");
    setter.expect("is_set auto", "ok true");
    setter.expect("wait auto", "ok");
    setter.expect("try_wait auto", "ok false");
    let refused = setter.expect("wait_timeout auto 5", "err timed-out");
    assert!(refused.contains("`room`") && refused.contains("5ms"), "{refused}");
    setter.expect("set auto", "ok");
    setter.expect("reset auto", "ok");
    setter.expect("wait_timeout auto 0", "err timed-out");
    // Each set lets one of those who wait pass.
    let mut waiting = listeners::<3>(&world);
    waiting.iter_mut().for_each(|child| child.say("wait auto"));
    for left in (0..3).rev() {
        setter.expect("set auto", "ok");
        let one = passed(&mut waiting, 1);
        assert_eq!(one.len(), 1);
        setter.expect("is_set auto", "ok false");
        for other in 0..left {
            let other = (one[0] + 1 + other) % 3;
            assert!(!waiting[other].has_said(), "{other} passed without a set");
        }
        // It waits for the sets that are still to come, behind the others.
        if left == 0 {
            break;
        }
        waiting[one[0]].say("wait auto");
    }
    for _ in 0..2 {
        setter.expect("set auto", "ok");
        passed(&mut waiting, 1);
    }
}

#[test]
fn a_manual_event_lets_everyone_pass_until_it_is_reset() {
    let world = World::new();
    let [mut setter] = listeners(&world);
    let mut waiting = listeners::<3>(&world);
    waiting.iter_mut().for_each(|child| child.say("wait manual"));
    waiting.iter_mut().for_each(|child| sys::until_it_waits(child.pid()));
    // Who waited passes, also if it is reset at once.
    setter.expect("set manual", "ok");
    setter.expect("reset manual", "ok");
    waiting.iter_mut().for_each(|child| drop(child.expect_next("ok")));
    waiting[0].expect("wait_timeout manual 5", "err timed-out");
    setter.expect("set manual", "ok");
    for child in &mut waiting {
        child.expect("wait manual", "ok");
        child.expect("try_wait manual", "ok true");
    }
    setter.expect("is_set manual", "ok true");
}

#[test]
fn a_waiter_that_is_killed_takes_no_set_that_it_was_only_woken_for() {
    let world = World::new();
    let [mut setter] = listeners(&world);
    for _ in 0..10 {
        let mut waiting = listeners::<2>(&world);
        waiting.iter_mut().for_each(|child| child.say("wait auto"));
        waiting.iter_mut().for_each(|child| sys::until_it_waits(child.pid()));
        // One of them is killed while it is about to take what it is woken for, or after it.
        let [first, mut second] = waiting;
        setter.say("set auto");
        first.kill();
        setter.expect_next("ok");
        setter.expect("set auto", "ok");
        second.expect_next("ok");
        // Whatever the killed one did not take is still there.
        setter.ask("try_wait auto");
        setter.expect("try_wait auto", "ok false");
    }
}

#[test]
fn a_set_that_was_taken_is_taken_also_if_the_taker_dies() {
    let world = World::new();
    let [mut setter, mut taker] = listeners(&world);
    setter.expect("set auto", "ok");
    taker.expect("wait auto", "ok");
    taker.kill();
    setter.expect("try_wait auto", "ok false");
    // A setter's death takes nothing back.
    let [mut other] = listeners(&world);
    other.expect("set auto", "ok");
    other.kill();
    setter.expect("wait auto", "ok");
}

#[test]
fn notifications_reach_who_waits() {
    let world = World::new();
    let [mut a, mut b, mut teller] = listeners(&world);
    a.expect("pause_timeout 5", "ok 0 true");
    a.say("pause");
    b.say("pause");
    for child in [&a, &b] {
        sys::until_it_waits(child.pid());
    }
    teller.expect("grow 1 all", "ok");
    a.expect_next("ok 1");
    b.expect_next("ok 1");
    a.say("pause");
    sys::until_it_waits(a.pid());
    teller.expect("grow 1 one", "ok");
    a.expect_next("ok 2");
    b.say("pause_timeout 100000");
    sys::until_it_waits(b.pid());
    teller.expect("grow 1 one", "ok");
    b.expect_next("ok 3 false");
    // Nobody waits.
    teller.expect("grow 1 all", "ok");
    a.expect("pause_timeout 0", "ok 4 true");
}

#[test]
fn a_mutex_whose_holder_died_is_told_by_the_wait() {
    let world = World::new();
    let [mut waiter] = listeners(&world);
    let mut holder = world.child("holds-number");
    waiter.say("pause");
    sys::until_it_waits(waiter.pid());
    holder.expect_next("here");
    holder.expect("lock", "locked");
    // Notified, it waits for the lock, and is told.
    holder.kill();
    waiter.expect_next("err owner-died");
}

/// Holds the number, and notifies.
pub(crate) fn holds_number(peer: &mut Peer) {
    let room = open();
    peer.say("here");
    peer.hear();
    let _guard = room.number.lock().expect("the lock");
    room.changed.notify_all().expect("an object");
    peer.say("locked");
    peer.hear();
}

#[test]
fn who_waits_learns_that_the_object_has_ended() {
    let world = World::new();
    let mut all = listeners::<3>(&world);
    let orders = ["wait auto", "wait_timeout manual 100000", "pause"];
    for (child, order) in all.iter_mut().zip(orders) {
        child.say(order);
        sys::until_it_waits(child.pid());
    }
    cohabit::remove(&world.scope(), "room", true).expect("by force");
    for child in &mut all {
        let told = child.expect_next("err ended");
        assert!(told.contains("`room`"), "{told}");
    }
}

#[cfg(unix)]
fn in_a_forked_child(room: &Room) {
    let child = sys::forked(|| {
        let kinds = [
            room.auto.set().unwrap_err().kind(),
            room.auto.reset().unwrap_err().kind(),
            room.auto.wait().unwrap_err().kind(),
            room.auto.try_wait().unwrap_err().kind(),
            room.auto.is_set().unwrap_err().kind(),
            room.auto.wait_timeout(Duration::ZERO).unwrap_err().kind(),
            room.changed.notify_one().unwrap_err().kind(),
            room.changed.notify_all().unwrap_err().kind(),
        ];
        u8::from(kinds == [ErrorKind::Forked; 8])
    });
    assert_eq!(sys::code_of(child), 1, "what the child found");
}

/// In a forked child, and in private memory.
pub(crate) fn elsewhere(peer: &mut Peer) {
    let room = open();
    #[cfg(unix)]
    in_a_forked_child(&room);
    let guard = room.number.lock().expect("the lock");
    let lost = Condvar::new().wait(guard).map(drop).unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::NotShared);
    drop(room.number.try_lock().expect("it was let go"));
    assert_eq!(Event::auto().set().unwrap_err().kind(), ErrorKind::NotShared);
    let view = Shared::<Room>::open_read_only("room").expect("a view");
    assert!(!view.view().auto().is_set());
    room.auto.set().expect("an object");
    assert!(view.view().auto().is_set());
    assert_eq!(
        format!("{:?} {:?}", room.auto, Condvar::new()),
        "Event { reset: \"auto\", .. } Condvar { .. }"
    );
    peer.say("done");
}

#[test]
fn elsewhere_they_say_so() {
    let world = World::new();
    world.child("elsewhere").expect_next("done");
}

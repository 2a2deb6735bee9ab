//! A semaphore: so many at once, whoever dies; and what is added and forgotten stays so.
//!
//! The role `permits`:
//! ```text
//! acquire · try_acquire · acquire_timeout MS     ok N, the number that it holds now · err CODE | TEXT
//! back · forget · lose                           ok N: gives one back, ends one, forgets a guard
//! add N · available · seen                       ok · ok N · ok N, through a view
//! leave
//! ```

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cohabit::{ErrorKind, Result, Semaphore, SemaphorePermit, Shared, shareable};

use crate::support::{Child, Peer, World, line, raw, sys};

fn open() -> Shared<Semaphore> {
    Shared::open_or_create("permits", || Semaphore::new(2)).expect("a semaphore")
}

pub(crate) fn permits(peer: &mut Peer) {
    // Leaked: a guard borrows its handle, and this one is for the rest of the process.
    let semaphore: &'static Shared<Semaphore> = Box::leak(Box::new(open()));
    let mut held: Vec<SemaphorePermit<'static>> = Vec::new();
    peer.say("here");
    loop {
        let said = peer.hear();
        let words: Vec<_> = said.split(' ').collect();
        let number = |at: usize| words[at].parse::<u64>().expect("a number");
        let mut taken = |permit: Result<SemaphorePermit<'static>>| {
            line(permit.map(|permit| {
                held.push(permit);
                held.len()
            }))
        };
        let answer = match words[0] {
            "leave" => {
                drop(held);
                return;
            }
            "acquire" => taken(semaphore.acquire()),
            "try_acquire" => taken(semaphore.try_acquire()),
            "acquire_timeout" => taken(semaphore.acquire_timeout(Duration::from_millis(number(1)))),
            "add" => line(semaphore.add_permits(number(1) as usize).map(|()| "added")),
            "available" => line(semaphore.available_permits()),
            "seen" => {
                let view = Shared::<Semaphore>::open_read_only("permits").expect("a view");
                format!("ok {}", view.view().available_permits())
            }
            word => {
                let permit = held.pop().expect("a permit");
                match word {
                    "back" => drop(permit),
                    "forget" => permit.forget(),
                    "lose" => std::mem::forget(permit),
                    other => panic!("no such word: {other}"),
                }
                format!("ok {}", held.len())
            }
        };
        peer.say(answer);
    }
}

fn holders<const N: usize>(world: &World) -> [Child; N] {
    let mut all = std::array::from_fn(|_| world.child("permits"));
    all.iter_mut().for_each(|child: &mut Child| drop(child.expect_next("here")));
    all
}

#[test]
fn so_many_have_a_permit_and_the_next_one_waits_for_one_to_come_back() {
    let world = World::new();
    let [mut a, mut b] = holders(&world);
    a.expect("acquire", "ok 1");
    a.expect("try_acquire", "ok 2");
    b.expect("available", "ok 0");
    for form in ["try_acquire", "acquire_timeout 20"] {
        let busy = b.expect(form, "err busy");
        assert!(busy.contains("`permits`"), "{busy}");
        assert!(busy.contains(&format!("held, by pid {}", a.pid())), "{busy}");
    }
    b.say("acquire");
    a.expect("back", "ok 1");
    b.expect_next("ok 1");
    a.expect("back", "ok 0");
    b.expect("available", "ok 1");
    b.expect("seen", "ok 1");
}

#[test]
fn the_permits_of_a_dead_one_come_back_to_who_waits_and_who_comes() {
    let world = World::new();
    let [mut a, mut victim] = holders(&world);
    victim.expect("acquire", "ok 1");
    victim.expect("acquire", "ok 2");
    a.say("acquire");
    victim.kill();
    a.expect_next("ok 1");
    a.expect("try_acquire", "ok 2");
    a.expect("try_acquire", "err busy");
    a.expect("back", "ok 1");
    a.expect("back", "ok 0");
    a.expect("available", "ok 2");
}

#[test]
fn a_stopped_one_keeps_its_permits() {
    let world = World::new();
    let [mut a, mut b] = holders(&world);
    a.expect("acquire", "ok 1");
    a.expect("acquire", "ok 2");
    a.stop();
    let busy = b.expect("acquire_timeout 50", "err busy");
    assert!(busy.contains(&format!("pid {}", a.pid())), "{busy}");
    b.say("acquire");
    a.resume();
    a.expect("back", "ok 1");
    b.expect_next("ok 1");
}

#[test]
fn what_is_forgotten_is_gone_and_what_is_added_is_there_whoever_dies() {
    let world = World::new();
    let [mut a, mut b, mut c] = holders(&world);
    a.expect("acquire", "ok 1");
    a.expect("acquire", "ok 2");
    a.expect("forget", "ok 1");
    a.expect("forget", "ok 0");
    a.kill();
    let busy = b.expect("try_acquire", "err busy");
    assert!(busy.contains("no permit until somebody adds one"), "{busy}");
    b.say("acquire");
    c.expect("add 2", "ok");
    c.kill();
    b.expect_next("ok 1");
    b.expect("acquire", "ok 2");
    b.expect("add 126", "err out-of-range");
    b.expect("available", "ok 0");
    b.expect("add 125", "ok");
    b.expect("available", "ok 125");
    b.expect("add 1", "err out-of-range");
    b.expect("add 0", "ok");
}

#[test]
fn a_guard_that_is_lost_keeps_its_permit_until_its_process_leaves() {
    let world = World::new();
    let [mut a, mut b] = holders(&world);
    b.expect("acquire", "ok 1");
    b.expect("lose", "ok 0");
    a.expect("acquire", "ok 1");
    a.expect("try_acquire", "err busy");
    b.leave();
    a.expect("try_acquire", "ok 2");
}

/// How many are inside at once is counted beside it.
#[shareable]
pub(crate) struct Room {
    semaphore: Semaphore,
    inside: AtomicU64,
    most: AtomicU64,
}

fn room() -> Shared<Room> {
    let zero = || AtomicU64::new(0);
    let new = || Room { semaphore: Semaphore::new(3), inside: zero(), most: zero() };
    Shared::open_or_create("room", new).expect("a room")
}

pub(crate) fn guest(peer: &mut Peer) {
    let room = room();
    peer.say("here");
    peer.hear();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let permit = room.semaphore.acquire().expect("a permit");
                    let inside = room.inside.fetch_add(1, Relaxed) + 1;
                    room.most.fetch_max(inside, Relaxed);
                    std::thread::yield_now();
                    room.inside.fetch_sub(1, Relaxed);
                    drop(permit);
                }
            });
        }
    });
    peer.say("done");
}

#[test]
fn never_more_than_that_are_inside() {
    let world = World::new();
    let mut guests = [(); 3].map(|()| world.child("guest"));
    guests.iter_mut().for_each(|guest| drop(guest.expect_next("here")));
    let options = Shared::<Room>::options().scope(world.scope());
    let room = options.open("room").expect("a room");
    guests.iter_mut().for_each(|guest| guest.say("go"));
    guests.iter_mut().for_each(|guest| drop(guest.expect_next("done")));
    assert_eq!(room.semaphore.available_permits().expect("a number"), 3);
    let most = room.most.load(Relaxed);
    assert!((2..=3).contains(&most), "{most}");
}

/// A fork while a permit is held.
#[cfg(unix)] // It forks.
pub(crate) fn permit_forks(peer: &mut Peer) {
    let semaphore = open();
    let permit = semaphore.acquire().expect("a permit");
    let Some(child) = sys::forked_into_both() else {
        drop(permit); // Does nothing: it is the parent's.
        let kinds = [
            semaphore.acquire().map(drop).unwrap_err().kind(),
            semaphore.add_permits(1).unwrap_err().kind(),
            semaphore.available_permits().unwrap_err().kind(),
        ];
        let free = open().available_permits().expect("a number");
        let fine = kinds == [ErrorKind::Forked; 3] && free == 1;
        sys::leave_at_once(if fine { 1 } else { 2 });
    };
    assert_eq!(sys::code_of(child), 1, "what the child found");
    drop(permit);
    assert_eq!(semaphore.available_permits().expect("a number"), 2);
    peer.say("done");
}

/// A permit that goes to another thread, and a thread that waits for another one.
pub(crate) fn permit_threads(peer: &mut Peer) {
    let semaphore = open();
    let permit = semaphore.acquire().expect("a permit");
    std::thread::scope(|scope| {
        scope.spawn(move || drop(permit));
    });
    assert_eq!(semaphore.available_permits().expect("a number"), 2);
    let (here, go) = (Barrier::new(2), Barrier::new(2));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _both = [semaphore.acquire(), semaphore.acquire()];
            here.wait();
            go.wait();
        });
        here.wait();
        let kind = semaphore.try_acquire().map(drop).unwrap_err().kind();
        assert_eq!(kind, ErrorKind::Busy);
        go.wait();
        semaphore.acquire().expect("one that came back").forget();
    });
    assert_eq!(semaphore.available_permits().expect("a number"), 1);
    peer.say("done");
}

#[cfg(unix)] // It forks.
#[test]
fn a_forked_child_holds_no_permit_and_gives_none_back() {
    let world = World::new();
    world.child("permit-forks").expect_next("done");
}

#[test]
fn threads_give_permits_to_each_other_and_wait_for_each_other() {
    let world = World::new();
    world.child("permit-threads").expect_next("done");
}

#[test]
fn a_semaphore_by_itself_says_not_shared() {
    let semaphore = Semaphore::new(Semaphore::MAX_PERMITS);
    let kinds = [
        semaphore.acquire().map(drop).unwrap_err().kind(),
        semaphore.try_acquire().map(drop).unwrap_err().kind(),
        semaphore.acquire_timeout(Duration::ZERO).map(drop).unwrap_err().kind(),
        semaphore.add_permits(1).unwrap_err().kind(),
        semaphore.available_permits().unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::NotShared; 5]);
    assert_eq!(format!("{semaphore:?}"), "Semaphore { available_permits: 127, .. }");
    assert_eq!((size_of::<Semaphore>(), align_of::<Semaphore>()), (1024, 8));
}

/// Each word that matters in a permit: it is had, or another one is, or who holds it lives.
#[test]
fn each_hostile_word_costs_at_most_its_permit() {
    let world = World::new();
    let [mut user] = holders(&world);
    let words = raw::words(&world.path("permits"));
    let object = usize::try_from(words[88 / 8].load(Relaxed)).expect("an offset") / 8;
    let permits = &words[object + 1..object + 128];
    permits.iter().for_each(|permit| permit.store(0, Relaxed));
    let flags = (0..256).map(|flags| flags << 16);
    let tokens = [0, 1, 2, 0xffff, 1 << 32, 1 << 32 | 1, 1 << 32 | 2, 9 << 32 | 1, u64::MAX << 32];
    for word in flags.flat_map(|flags| tokens.map(|token| token | flags)) {
        permits[77].store(word, Relaxed);
        let answer = user.ask("try_acquire");
        let is_living = word & 0xffff_ffff_0000_ffff == 1 << 32 | 1;
        let is_there = word == 1 << 17 || (word & 0xffff != 0 && !is_living);
        assert!(
            answer.starts_with(if is_there { "ok 1" } else { "err busy" }),
            "{word:#x}: {answer}"
        );
        if is_there {
            user.expect("back", "ok 0");
        }
    }
    permits[77].store(u64::MAX << 32, Relaxed);
    user.expect("add 127", "ok");
    user.expect("available", "ok 127");
}

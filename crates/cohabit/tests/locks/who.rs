//! Who has a lock, who is stopped, debugged or dead with it, and who waits: seen from outside, for each
//! kind of cell that has a lock, and without disturbing anybody.
//!
//! The role `lodger`, on a board: `log` `shelf` `state` `once` `answer` `permits` takes the lock of that part, says
//! `inside` (or what it was told), and then does as it is told: `go` · `consistent` · `panic`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use cohabit::untyped::Untyped;
use cohabit::{
    Barrier, Hold, LockError, LockState, Mutex, Once, OnceCell, ProcessState, Semaphore, Shared,
    Standing, Status, Value, Verdict, shareable,
};

use crate::support::{Child, Peer, World, line, raw, sys, until};

#[shareable]
struct Board {
    state: Value<u64>,
    log: Mutex<[u64; 3]>,
    shelves: [Shelf; 2],
    answer: OnceCell<u64>,
    permits: Semaphore,
    gate: Barrier,
}

#[shareable]
struct Shelf {
    guard: Mutex<u64>,
    once: Once,
}

impl Board {
    fn new() -> Self {
        let shelf = || Shelf { guard: Mutex::new(0), once: Once::new() };
        Self {
            state: Value::new(1),
            log: Mutex::new([0; 3]),
            shelves: [shelf(), shelf()],
            answer: OnceCell::new(),
            permits: Semaphore::new(1),
            gate: Barrier::new(3),
        }
    }
}

fn open() -> Shared<Board> {
    // Room for two, so that who comes after a death has the dead one's row.
    let options = Shared::<Board>::options().max_users(2);
    options.open_or_create("board", Board::new).expect("a board")
}

pub(crate) fn lodger(peer: &mut Peer) {
    let board = open();
    peer.say("here");
    loop {
        let said = peer.hear();
        if said == "leave" {
            return;
        }
        let answer = catch_unwind(AssertUnwindSafe(|| take(&board, peer, &said)));
        peer.say(answer.unwrap_or_else(|_| "panicked".to_owned()));
    }
}

fn take(board: &Board, peer: &Peer, part: &str) -> String {
    let done = |outcome: cohabit::Result<()>| line(outcome.map(|()| "done"));
    match part {
        "log" => own(&board.log, peer),
        "log_at_once" => match board.log.try_lock() {
            Err(LockError::Failed(error)) => format!("err {error}"),
            _ => "ok".to_owned(),
        },
        "shelf" => own(&board.shelves[1].guard, peer),
        "state" => done(board.state.update(|_| drop(stay(peer, "inside"))).map(drop)),
        "once" => done(board.shelves[0].once.call_once(|| drop(stay(peer, "inside")))),
        "wait_once" => done(board.shelves[0].once.wait()),
        "answer" => {
            let got = board.answer.get_or_init(|| {
                stay(peer, "inside");
                42
            });
            done(got.map(drop))
        }
        "add_permit" => done(board.permits.add_permits(1)),
        "permits" => done(board.permits.acquire().map(|_permit| drop(stay(peer, "inside")))),
        "meet" => done(board.gate.wait().map(drop)),
        "meet_at_once" => done(board.gate.wait_timeout(Duration::ZERO).map(drop)),
        "meet_in_two" => std::thread::scope(|scope| {
            let both = [(); 2].map(|()| scope.spawn(|| board.gate.wait().map(drop)));
            done(both.into_iter().try_for_each(|thread| thread.join().expect("no panic")))
        }),
        other => panic!("no such part: {other}"),
    }
}

fn own<T: cohabit::Plain>(mutex: &Mutex<T>, peer: &Peer) -> String {
    let (mut guard, told) = match mutex.lock() {
        Ok(guard) => (guard, "inside"),
        Err(LockError::OwnerDied(guard)) => (guard, "owner-died"),
        Err(LockError::Poisoned(guard)) => (guard, "poisoned"),
        Err(LockError::Failed(error)) => return format!("err {error}"),
    };
    if stay(peer, told) == "consistent" {
        guard.mark_consistent();
    }
    "ok done".to_owned()
}

/// Inside of a lock, until it is told to leave it.
fn stay(peer: &Peer, says: &str) -> String {
    peer.say(says);
    let said = peer.hear();
    if said == "panic" {
        resume_unwind(Box::new("as the test asked"));
    }
    said
}

fn lodgers<const N: usize>(world: &World) -> [Child; N] {
    let mut all = std::array::from_fn(|_| world.child("lodger"));
    all.iter_mut().for_each(|child: &mut Child| drop(child.expect_next("here")));
    all
}

fn look(world: &World) -> Untyped {
    Untyped::open_read_only("board", &world.scope()).expect("the board")
}

fn only_lock(object: &Untyped) -> LockState {
    let [lock] = object.locks().expect("a look").try_into().expect("one lock");
    lock
}

/// What is told of the only lock's only holder.
fn holder(object: &Untyped) -> (Verdict, ProcessState, Option<u32>, String) {
    let lock = only_lock(object);
    let [holder] = lock.holders.as_slice() else { panic!("{lock:?}") };
    let user = holder.user.as_ref().expect("a row that tells");
    (holder.verdict, user.state, user.debugger, lock.to_string())
}

#[test]
fn every_lock_is_told_by_its_path_with_who_has_it() {
    let world = World::new();
    let [mut lodger, mut other] = lodgers(&world);
    let object = look(&world);
    assert_eq!(object.locks().expect("a look"), []);
    let parts = [
        ("state", "state", Hold::Writes),
        ("log", "log", Hold::Owns),
        ("shelf", "shelves[1].guard", Hold::Owns),
        ("once", "shelves[0].once", Hold::Runs),
        ("answer", "answer", Hold::Runs),
        ("permits", "permits", Hold::Owns),
    ];
    for (part, path, hold) in parts {
        lodger.expect(part, "inside");
        let lock = only_lock(&object);
        assert_eq!((lock.path.as_str(), lock.awaited, lock.is_held()), (path, false, true));
        let [holder] = lock.holders.as_slice() else { panic!("{lock:?}") };
        assert_eq!((holder.hold, holder.verdict), (hold, Verdict::Live));
        assert_eq!(holder.user.as_ref().map(|user| user.pid), Some(lodger.pid()));
        // Who waits says so in the word before it sleeps; the child's watchdog ends what never comes.
        other.say(part);
        until(|| only_lock(&object).awaited);
        assert!(only_lock(&object).is_same_hold(&lock), "{part}");
        lodger.expect("go", "ok");
        if hold == Hold::Runs {
            // It is done, for the other one too.
            other.expect_next("ok");
        } else {
            other.expect_next("inside");
            other.expect("go", "ok");
        }
        assert!(!object.locks().expect("a look").iter().any(LockState::is_held), "{part}");
    }
}

#[test]
fn what_is_to_be_done_once_can_be_awaited_while_nobody_is_at_it() {
    let world = World::new();
    let [mut waits] = lodgers(&world);
    waits.say("wait_once");
    let object = look(&world);
    until(|| object.locks().expect("a look").iter().any(|lock| lock.awaited));
    let lock = only_lock(&object);
    assert_eq!((lock.path.as_str(), lock.holders.len()), ("shelves[0].once", 0));
    assert_eq!(lock.to_string(), "nobody has it; somebody waits for it");
    let [mut lodger] = lodgers(&world);
    lodger.expect("once", "inside");
    lodger.expect("go", "ok");
    waits.expect_next("ok");
}

#[test]
fn a_stopped_holder_is_told_and_looked_at_without_a_change() {
    let world = World::new();
    let [mut lodger, mut other] = lodgers(&world);
    lodger.expect("log", "inside");
    lodger.stop();
    let before = raw::bytes(&world.path("board"));
    let object = look(&world);
    let pid = lodger.pid();
    let (verdict, state, debugger, text) = holder(&object);
    assert_eq!((verdict, state, debugger), (Verdict::Live, ProcessState::Stopped, None));
    assert!(text.contains(&format!("held by pid {pid} (")), "{text}");
    assert!(text.ends_with("), which a signal stopped"), "{text}");
    let status = object.status().expect("a status");
    assert_eq!(status.standing, Standing::Live);
    let stopped = |status: &Status| {
        let stopped = status.users.iter().filter(|user| user.state.is_stopped());
        stopped.map(|user| user.pid).collect::<Vec<_>>()
    };
    assert_eq!(stopped(&status), [pid]);
    let text = status.to_string();
    assert!(text.starts_with("live; users: pid "), "{text}");
    assert!(text.contains("; lock of log: held by pid "), "{text}");
    // The look of a view's handle, with its own idea of the type, is the same.
    let view = Shared::<Board>::options().scope(world.scope()).open_read_only("board");
    assert_eq!(view.expect("a view").status().expect("a status"), status);
    assert!(raw::bytes(&world.path("board")) == before, "a look writes nothing");
    // Who waits in vain is told as well.
    let busy = other.expect("log_at_once", "err");
    assert!(busy.contains(&format!("pid {pid} (")) && busy.contains("signal stopped"), "{busy}");
    lodger.resume();
    until(|| holder(&object).1 == ProcessState::Running);
    lodger.expect("go", "ok");
    assert_eq!(object.locks().expect("a look"), []);
}

#[cfg(unix)] // It debugs by ptrace.
#[test]
fn a_debugged_holder_is_told_with_its_debugger() {
    let world = World::new();
    let [mut lodger] = lodgers(&world);
    lodger.expect("state", "inside");
    let object = look(&world);
    let me = std::process::id();
    let debugged = sys::Debugged::attach(lodger.pid());
    let (verdict, state, debugger, text) = holder(&object);
    assert_eq!((verdict, state, debugger), (Verdict::Live, ProcessState::Debugged, Some(me)));
    assert!(text.ends_with(&format!(", which a debugger, pid {}, has stopped", me)), "{text}");
    debugged.goes_on();
    until(|| holder(&object).1 == ProcessState::Running);
    assert_eq!(holder(&object).2, Some(me));
    debugged.detach();
    let (_, state, debugger, _) = holder(&object);
    assert_eq!((state, debugger), (ProcessState::Running, None));
    lodger.expect("go", "ok");
}

#[test]
fn what_the_dead_left_is_told_until_it_is_mended() {
    let world = World::new();
    let [mut keeper, mut victim] = lodgers(&world);
    victim.expect("log", "inside");
    let pid = victim.pid();
    victim.stop();
    victim.kill();
    let object = look(&world);
    let lock = only_lock(&object);
    assert!(
        !lock.is_held() && lock.holders[0].verdict == Verdict::Dead && !lock.owner_died,
        "{lock:?}"
    );
    let said = format!("left by pid {pid}, which is dead: whoever comes next takes it over");
    assert_eq!(lock.to_string(), said);
    keeper.expect("log", "owner-died");
    let lock = only_lock(&object);
    assert!(lock.is_held() && lock.owner_died, "{lock:?}");
    keeper.expect("go", "ok");
    let lock = only_lock(&object);
    assert!(lock.holders.is_empty() && lock.owner_died && !lock.poisoned, "{lock:?}");
    keeper.expect("log", "owner-died");
    keeper.expect("consistent", "ok");
    assert_eq!(object.locks().expect("a look"), []);
    keeper.expect("log", "inside");
    keeper.expect("panic", "panicked");
    let lock = only_lock(&object);
    assert!(lock.holders.is_empty() && lock.poisoned && !lock.owner_died, "{lock:?}");
}

#[test]
fn who_has_permits_is_told_once_and_who_died_with_them_as_dead() {
    let world = World::new();
    let [mut lodger, mut victim] = lodgers(&world);
    lodger.expect("add_permit", "ok");
    victim.expect("permits", "inside");
    let object = look(&world);
    lodger.expect("permits", "inside");
    let lock = only_lock(&object);
    let told = |lock: &LockState| {
        let pid = |user: &cohabit::User| user.pid;
        let each = lock.holders.iter().map(|it| (it.user.as_ref().map(pid), it.verdict));
        each.collect::<Vec<_>>()
    };
    let (lives, dies) = (Some(lodger.pid()), Some(victim.pid()));
    assert_eq!(told(&lock), [(dies, Verdict::Live), (lives, Verdict::Live)]);
    victim.kill();
    let lock = only_lock(&object);
    assert_eq!(told(&lock), [(dies, Verdict::Dead), (lives, Verdict::Live)]);
    assert!(lock.to_string().contains("whoever comes next takes it over"), "{lock}");
    lodger.expect("go", "ok");
}

#[test]
fn who_waits_at_a_barrier_is_told_and_how_many_have_come() {
    let world = World::new();
    let [mut lodger, mut other] = lodgers(&world);
    let object = look(&world);
    let came = |count: u64| {
        let locks = object.locks().expect("a look");
        locks.iter().any(|lock| lock.gathering.is_some_and(|round| round.came == count))
    };
    lodger.say("meet_in_two");
    until(|| came(2));
    let lock = only_lock(&object);
    let [holder] = lock.holders.as_slice() else { panic!("one process, told once: {lock:?}") };
    assert_eq!((holder.hold, holder.verdict), (Hold::Waits, Verdict::Live));
    assert_eq!((lock.path.as_str(), lock.gathering.map(|it| it.parties)), ("gate", Some(3)));
    let text = lock.to_string();
    assert!(text.starts_with(&format!("awaited by pid {} (", lodger.pid())), "{text}");
    assert!(text.ends_with("); 2 of 3 have come"), "{text}");
    // They were not disturbed: the third one makes them pass.
    other.expect("meet", "ok");
    lodger.expect_next("ok");
    assert_eq!(object.locks().expect("a look"), []);
    let pid = other.pid();
    other.say("meet");
    until(|| came(1));
    other.kill();
    let said = format!(
        "left by pid {pid}, which is dead: the others of its round are told so; 1 of 3 have come"
    );
    assert_eq!(only_lock(&object).to_string(), said);
    lodger.expect("meet_at_once", "err peer-died");
    assert_eq!(object.locks().expect("a look"), []);
}

#[test]
fn a_dead_ones_row_may_be_anothers_by_now() {
    let world = World::new();
    let [_keeper, mut victim] = lodgers(&world);
    victim.expect("answer", "inside");
    victim.kill();
    let [_next] = lodgers(&world);
    let object = look(&world);
    let lock = only_lock(&object);
    assert_eq!((lock.holders[0].verdict, &lock.holders[0].user), (Verdict::Dead, &None));
    assert!(lock.to_string().starts_with("left by a process that is dead"), "{lock}");
}

#[test]
fn a_number_that_cannot_be_this_process_is_not_guessed_at() {
    let world = World::new();
    let [mut lodger] = lodgers(&world);
    lodger.expect("log", "inside");
    lodger.stop();
    let object = look(&world);
    let file = raw::open(&world.path("board"));
    // The first row: FORMAT.md has its words, pid, start time and pid namespace.
    let row = raw::word(&file, 80);
    let (start, namespace) = (row + 16, row + 24);
    for (at, state, text) in [
        (start, ProcessState::NotShown, ", which cannot be seen from here"),
        (namespace, ProcessState::Elsewhere, " of another pid namespace"),
    ] {
        let before = raw::word(&file, at);
        raw::put(&file, at, before + 1);
        let (verdict, seen, debugger, said) = holder(&object);
        assert_eq!((verdict, seen, debugger), (Verdict::Live, state, None));
        assert_eq!(said, format!("held by pid {}{text}", lodger.pid()));
        raw::put(&file, at, before);
    }
    assert_eq!(holder(&object).1, ProcessState::Stopped);
    lodger.resume();
    lodger.expect("go", "ok");
}

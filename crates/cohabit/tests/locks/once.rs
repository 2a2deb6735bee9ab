//! What is done once, between real processes: by one, by the next after a death or a panic, never by two,
//! and never taken from the living.
//!
//! The role `pupil`:
//! ```text
//! call · try_call · call_timeout MS             a closure that counts
//! call_and_stay                                 says `inside`, then does as it is told, and counts
//! is_completed · wait · wait_timeout MS
//! get · set N · set_timeout N MS · init N · init_timeout N MS · try_init N · try_init_failing
//! init_and_stay N                               says `inside`, then does as it is told
//! read · read_timeout MS                        waits until the cell is set
//! leave
//! told inside: go · panic · again
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cohabit::{ErrorKind, Once, OnceCell, Shared, plain, shareable};

use crate::support::{Child, Peer, World, line, raw, sys};

/// Not all bits are one, and it is more than a word.
#[plain]
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    number: u64,
    sure: bool,
    again: u64,
}

impl Answer {
    fn of(number: u64) -> Self {
        Self { number, sure: true, again: number }
    }

    fn whole(self) -> u64 {
        assert_eq!((self.number, self.sure), (self.again, true), "a torn value");
        self.number
    }
}

/// What there is to learn.
#[shareable]
#[derive(Default)]
pub(crate) struct School {
    once: Once,
    runs: AtomicU64,
    answer: OnceCell<Answer>,
}

fn open() -> Shared<School> {
    Shared::open_or_create("school", School::default).expect("a school")
}

pub(crate) fn pupil(peer: &mut Peer) {
    let school = open();
    peer.say("here");
    loop {
        let said = peer.hear();
        let words: Vec<_> = said.split(' ').collect();
        if words[0] == "leave" {
            return;
        }
        let answer = catch_unwind(AssertUnwindSafe(|| obey(&school, peer, &words)));
        peer.say(answer.unwrap_or_else(|_| "panicked".to_owned()));
    }
}

fn obey(school: &School, peer: &Peer, words: &[&str]) -> String {
    let number = |at: usize| words[at].parse::<u64>().expect("a number");
    let ms = |at| Duration::from_millis(number(at));
    let count = || {
        school.runs.fetch_add(1, Relaxed);
    };
    let School { once, answer, .. } = school;
    let whole = |answer: cohabit::Result<Answer>| line(answer.map(Answer::whole));
    match words[0] {
        "call" => line(once.call_once(count).map(|()| "done")),
        "try_call" => line(once.try_call_once(count).map(|()| "done")),
        "call_timeout" => line(once.call_once_timeout(count, ms(1)).map(|()| "done")),
        "call_and_stay" => {
            let called = once.call_once(|| {
                stay(peer, || line(once.call_once(count).map(|()| "done")));
                count();
            });
            line(called.map(|()| "done"))
        }
        "is_completed" => line(once.is_completed()),
        "wait" => line(once.wait().map(|()| "done")),
        "wait_timeout" => line(once.wait_timeout(ms(1)).map(|()| "done")),
        "get" => line(answer.get().map(|got| got.map_or(0, Answer::whole))),
        "set" => line(answer.set(Answer::of(number(1))).map(|()| "set")),
        "set_timeout" => line(answer.set_timeout(Answer::of(number(1)), ms(2)).map(|()| "set")),
        "init" => whole(answer.get_or_init(|| Answer::of(number(1)))),
        "init_timeout" => whole(answer.get_or_init_timeout(|| Answer::of(number(1)), ms(2))),
        "init_and_stay" => whole(answer.get_or_init(|| {
            stay(peer, || whole(answer.get_or_init(|| Answer::of(1))));
            Answer::of(number(1))
        })),
        "try_init" => {
            let fine = || Ok::<_, &str>(Answer::of(number(1)));
            whole(answer.get_or_try_init(fine).map(|value| value.expect("it does not fail")))
        }
        "try_init_failing" => match answer.get_or_try_init(|| Err("as asked")) {
            Ok(Err(why)) => format!("failed {why}"),
            other => whole(other.map(|value| value.expect("it did not run"))),
        },
        "read" => whole(answer.wait()),
        "read_timeout" => whole(answer.wait_timeout(ms(1))),
        other => panic!("no such word: {other}"),
    }
}

/// Inside of a closure: does as it is told.
fn stay(peer: &Peer, again: impl FnOnce() -> String) {
    peer.say("inside");
    match peer.hear().as_str() {
        "panic" => resume_unwind(Box::new("as the test asked")),
        "again" => peer.say(again()),
        _ => {}
    }
}

fn pupils<const N: usize>(world: &World) -> [Child; N] {
    let mut all = std::array::from_fn(|_| world.child("pupil"));
    all.iter_mut().for_each(|child: &mut Child| drop(child.expect_next("here")));
    all
}

fn runs(world: &World) -> u64 {
    let options = Shared::<School>::options().scope(world.scope());
    options.open_read_only("school").expect("a view").view().runs().load()
}

#[test]
fn it_is_done_by_one_of_those_who_come_at_once() {
    for _ in 0..10 {
        let world = World::new();
        let mut all = pupils::<4>(&world);
        all.iter_mut().for_each(|child| child.say("call"));
        all.iter_mut().for_each(|child| drop(child.expect_next("ok done")));
        assert_eq!(runs(&world), 1);
        all[0].expect("is_completed", "ok true");
        all[1].expect("try_call", "ok done");
        all[2].expect("wait", "ok done");
        assert_eq!(runs(&world), 1);
        // Each would set another one, and all get the same.
        for (number, child) in all.iter_mut().enumerate() {
            child.say(format!("init {}", number + 1));
        }
        let got: Vec<_> = all.iter_mut().map(Child::hear).collect();
        assert!(got.iter().all(|one| *one == got[0] && one.starts_with("ok ")), "{got:?}");
        all[3].expect("get", &got[0]);
    }
}

#[test]
fn who_waits_runs_its_own_after_a_death_and_so_does_who_comes_later() {
    let world = World::new();
    let [mut victim, mut second, mut waiter, mut last] = pupils(&world);
    last.say("wait");
    victim.expect("call_and_stay", "inside");
    waiter.say("call_and_stay");
    sys::until_it_waits(waiter.pid());
    victim.kill();
    waiter.expect_next("inside");
    assert_eq!(runs(&world), 0);
    waiter.kill();
    // Nobody has waited for this one.
    second.expect("try_call", "ok done");
    last.expect_next("ok done");
    assert_eq!(runs(&world), 1);
}

#[test]
fn a_cell_whose_setter_died_is_set_by_the_next() {
    let world = World::new();
    let [mut victim, mut a, mut b, mut reader] = pupils(&world);
    reader.say("read");
    victim.expect("init_and_stay 1", "inside");
    a.say("init 2");
    sys::until_it_waits(a.pid());
    b.expect("get", "ok 0");
    victim.kill();
    a.expect_next("ok 2");
    reader.expect_next("ok 2");
    a.kill();
    b.expect("get", "ok 2");
    let refused = b.expect("set 3", "err frozen");
    assert!(refused.contains("`school`") && refused.contains("set already"), "{refused}");
    b.expect("set_timeout 3 5", "err frozen");
    b.expect("init 3", "ok 2");
    b.expect("init_timeout 3 5", "ok 2");
    b.expect("try_init 3", "ok 2");
    b.expect("try_init_failing", "ok 2");
    b.expect("read_timeout 0", "ok 2");
}

#[test]
fn a_stopped_one_is_named_and_never_robbed() {
    let world = World::new();
    let [mut a, mut b, mut c] = pupils(&world);
    a.expect("call_and_stay", "inside");
    a.stop();
    for form in ["try_call", "call_timeout 50"] {
        let busy = b.expect(form, "err busy");
        let words = ["`school`", &format!("pid {}", a.pid())];
        assert!(words.iter().all(|word| busy.contains(word)), "{form}: {busy}");
    }
    let late = b.expect("wait_timeout 20", "err timed-out");
    assert!(late.contains("`school`"), "{late}");
    b.say("call");
    c.say("call_timeout 60");
    c.expect_next("err busy");
    a.resume();
    a.expect("go", "ok done");
    b.expect_next("ok done");
    assert_eq!(runs(&world), 1);
    a.expect("init_and_stay 4", "inside");
    a.stop();
    for form in ["set_timeout 5 20", "init_timeout 5 20"] {
        let busy = b.expect(form, "err busy");
        assert!(busy.contains(&format!("pid {}", a.pid())), "{form}: {busy}");
    }
    b.expect("read_timeout 20", "err timed-out");
    a.resume();
    a.expect("go", "ok 4");
    b.expect("get", "ok 4");
}

#[test]
fn after_a_panic_or_an_error_the_next_one_runs_its_own() {
    let world = World::new();
    let [mut a, mut b] = pupils(&world);
    a.expect("call_and_stay", "inside");
    b.say("call");
    a.expect("panic", "panicked");
    b.expect_next("ok done");
    a.expect("call", "ok done");
    assert_eq!(runs(&world), 1);
    a.expect("init_and_stay 1", "inside");
    a.expect("panic", "panicked");
    a.expect("try_init_failing", "failed as asked");
    b.expect("get", "ok 0");
    b.expect("try_init 7", "ok 7");
    a.expect("get", "ok 7");
}

#[test]
fn a_call_inside_of_itself_is_a_deadlock() {
    let world = World::new();
    let [mut a] = pupils(&world);
    a.expect("call_and_stay", "inside");
    let refused = a.expect("again", "err deadlock");
    assert!(refused.contains("`school`") && refused.contains("calls it again"), "{refused}");
    a.expect_next("ok done");
    a.expect("init_and_stay 3", "inside");
    a.expect("again", "err deadlock");
    a.expect_next("ok 3");
}

#[test]
fn a_killed_waiter_costs_nobody_anything() {
    let world = World::new();
    let [mut a, mut b, mut victim, mut other] = pupils(&world);
    a.expect("call_and_stay", "inside");
    for (child, order) in [(&mut victim, "call"), (&mut other, "wait"), (&mut b, "call")] {
        child.say(order);
        sys::until_it_waits(child.pid());
    }
    victim.kill();
    other.kill();
    a.expect("go", "ok done");
    b.expect_next("ok done");
    assert_eq!(runs(&world), 1);
}

#[test]
fn who_only_waits_learns_that_the_object_has_ended() {
    let world = World::new();
    let mut all = pupils::<2>(&world);
    for (child, order) in all.iter_mut().zip(["wait", "read"]) {
        child.say(order);
        sys::until_it_waits(child.pid());
    }
    cohabit::remove(&world.scope(), "school", true).expect("by force");
    for child in &mut all {
        let told = child.expect_next("err ended");
        assert!(told.contains("`school`"), "{told}");
    }
}

/// Threads of one process, forked children, views, and private memory.
pub(crate) fn alone(peer: &mut Peer) {
    let school = open();
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                let count = || {
                    school.runs.fetch_add(1, Relaxed);
                };
                school.once.call_once(count).expect("it is done");
                assert_eq!(school.runs.load(Relaxed), 1);
            });
        }
    });
    let view = Shared::<School>::open_read_only("school").expect("a view");
    assert!(view.view().once().is_completed());
    assert_eq!(view.view().answer().get().expect("an answer"), None);
    #[cfg(unix)]
    forks(&school);
    #[cfg(windows)]
    assert_eq!(school.answer.get_or_init(|| Answer::of(5)).expect("an answer").whole(), 5);
    let answer = Answer::of(5);
    assert_eq!(view.view().answer().get().expect("an answer"), Some(answer.clone()));
    assert_eq!(view.view().answer().get_boxed().expect("an answer"), Some(Box::new(answer)));
    assert_eq!(view.view().answer().get_part(Answer::AGAIN).expect("a part"), Some(5));
    assert_eq!(school.answer.get_part(Answer::SURE).expect("a part"), Some(true));
    assert_eq!(school.answer.get_boxed().expect("an answer").expect("it is set").number, 5);
    let mut into = Answer::of(1);
    assert!(school.answer.get_into(&mut into).expect("an answer") && into.whole() == 5);
    assert_eq!(Once::new().call_once(|| ()).unwrap_err().kind(), ErrorKind::NotShared);
    assert_eq!(OnceCell::<u8>::new().get().unwrap_err().kind(), ErrorKind::NotShared);
    let debug = format!("{:?} {:?}", school.once, school.answer);
    assert_eq!(debug, "Once { is_completed: true } OnceCell { .. }");
    peer.say("done");
}

/// A child that was forked inside a closure has not done it; its parent has.
#[cfg(unix)] // It forks.
fn forks(school: &School) {
    let mut child = None;
    let mut is_child = false;
    let set = school.answer.get_or_init(|| {
        child = sys::forked_into_both();
        is_child = child.is_none();
        Answer::of(if is_child { 6 } else { 5 })
    });
    if is_child {
        let refused = set.expect_err("the turn is the parent's");
        let forked = refused.kind() == ErrorKind::Forked && refused.detail().contains("parent");
        let more = school.once.is_completed().unwrap_err().kind() == ErrorKind::Forked
            && school.answer.get().unwrap_err().kind() == ErrorKind::Forked;
        sys::leave_at_once(u8::from(forked && more));
    }
    assert_eq!(set.expect("the parent's").whole(), 5);
    assert_eq!(sys::code_of(child.expect("a child")), 1, "what the child found");
}

#[test]
fn threads_forks_and_views() {
    let world = World::new();
    world.child("alone").expect_next("done");
}

#[test]
fn a_large_value_is_set_from_where_it_is() {
    const LEN: usize = 100_000;
    let world = World::new();
    let options = Shared::<OnceCell<[u64; LEN]>>::options().scope(world.scope());
    let cell = options.create_in_place("large", |_| ()).expect("a cell");
    assert!(cell.get_boxed().expect("an answer").is_none());
    let mut all = vec![7; LEN].into_boxed_slice();
    let all: &mut [u64; LEN] = all.as_mut().try_into().expect("as long");
    assert!(!cell.get_into(all).expect("an answer") && all[0] == 7);
    all[LEN - 1] = 8;
    cell.set_from(all).expect("it is not set");
    all.fill(0);
    assert!(cell.get_into(all).expect("an answer"));
    assert_eq!((all[0], all[LEN - 1]), (7, 8));
}

/// Each word that matters, and bits that are no value.
#[test]
fn hostile_words_are_survived() {
    let world = World::new();
    let [mut pupil] = pupils(&world);
    let words = raw::words(Path::new(&world.path("school")));
    let object = usize::try_from(words[88 / 8].load(Relaxed)).expect("an offset") / 8;
    let (once, cell) = (&words[object], &words[object + 2]);
    const DONE: u64 = 1 << 17;
    let tokens = [0, 1, 2, 0xffff, 1 << 32, 1 << 32 | 1, 1 << 32 | 2, 9 << 32 | 1, u64::MAX << 32];
    let flags = (0..64).map(|flags| flags << 16);
    for word in flags.flat_map(|flags| tokens.map(|token| token | flags)) {
        once.store(word, Relaxed);
        cell.store(word, Relaxed);
        // The token of the living pupil itself: as if another thread of it were inside.
        let is_living = word & 0xffff_ffff_0000_ffff == 1 << 32 | 1;
        let expected = if is_living { "err busy" } else { "ok done" };
        pupil.expect("call_timeout 1", expected);
        pupil.expect("try_call", expected);
        let answer = pupil.ask("init_timeout 3 1");
        assert!(answer.starts_with(if is_living { "err busy" } else { "ok 3" }), "{word:#x}");
    }
    cell.store(DONE, Relaxed);
    let sure = &words[object + 4];
    sure.store(9, Relaxed);
    for call in ["get", "init 4", "read", "read_timeout 5"] {
        let refused = pupil.expect(call, "err bad-bits");
        assert!(refused.contains("`school`") && refused.contains("`sure`"), "{call}: {refused}");
    }
}

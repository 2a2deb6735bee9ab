//! A barrier between real processes: all pass or none, round after round; a death is told to all of the
//! round and costs the next one nothing; nobody waits for one that is stopped.
//!
//! The role `party`, whose argument is the number of parties:
//! ```text
//! wait · wait_timeout MS · leave
//! rounds COUNT MINE     so many rounds, each counted in the number MINE; answers how often it was the leader
//! ```

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cohabit::{Barrier, BarrierWaitResult, ErrorKind, Shared, shareable};

use crate::support::{Child, Peer, World, line, raw, sys};

/// Where they meet.
#[shareable]
struct Square {
    barrier: Barrier,
    /// How many rounds each has begun.
    begun: [AtomicU64; 8],
}

impl Square {
    fn new(parties: usize) -> Self {
        Self { barrier: Barrier::new(parties), begun: [const { AtomicU64::new(0) }; 8] }
    }
}

/// Where the words of the barrier stand in the object.
const GATE: usize = 1;
const TOLD: usize = 2;
const PARTIES: usize = 3;
const SEATS: usize = 4;

pub(crate) fn party(peer: &mut Peer) {
    let parties = peer.argument(0).parse().expect("a number");
    let square =
        Shared::<Square>::open_or_create("square", || Square::new(parties)).expect("a square");
    peer.say("here");
    loop {
        let said = peer.hear();
        let words: Vec<_> = said.split(' ').collect();
        let number = |at: usize| words[at].parse::<u64>().expect("a number");
        let passed = |result: cohabit::Result<BarrierWaitResult>| {
            line(result.map(|passed| if passed.is_leader() { "leader" } else { "other" }))
        };
        peer.say(match words[0] {
            "wait" => passed(square.barrier.wait()),
            "wait_timeout" => passed(square.barrier.wait_timeout(Duration::from_millis(number(1)))),
            "rounds" => rounds(&square, parties, number(1), number(2) as usize).to_string(),
            _ => return,
        });
    }
}

/// Nobody is in another round than all others; how often it was the leader.
fn rounds(square: &Square, parties: usize, count: u64, mine: usize) -> u64 {
    let mut led = 0;
    for round in 1..=count {
        square.begun[mine].store(round, Relaxed);
        led += u64::from(square.barrier.wait().expect("all live").is_leader());
        for begun in &square.begun[..parties] {
            let begun = begun.load(Relaxed);
            assert!(begun == round || begun == round + 1, "{begun} in round {round}");
        }
    }
    led
}

fn parties<const N: usize>(world: &World, parties: usize) -> [Child; N] {
    let mut all = std::array::from_fn(|_| world.child_with("party", &[&parties.to_string()]));
    all.iter_mut().for_each(|child: &mut Child| drop(child.expect_next("here")));
    all
}

/// They wait, asleep, and so have arrived.
fn arrive<const N: usize>(all: [&mut Child; N]) {
    for child in all {
        child.say("wait");
        sys::until_it_waits(child.pid());
    }
}

/// They come, and all pass, one of them as the leader.
fn all_pass<const N: usize>(all: [&mut Child; N]) {
    let asked = all.map(|child| {
        child.say("wait");
        child
    });
    let answers = asked.map(Child::hear);
    let leaders = answers.iter().filter(|answer| *answer == "ok leader").count();
    let others = answers.iter().filter(|answer| *answer == "ok other").count();
    assert_eq!((leaders, others), (1, N - 1), "{answers:?}");
}

#[test]
fn all_pass_together_round_after_round() {
    const ROUNDS: u64 = 500;
    let world = World::new();
    let mut all = parties::<4>(&world, 4);
    for (mine, child) in all.iter_mut().enumerate() {
        child.say(format!("rounds {ROUNDS} {mine}"));
    }
    let led: u64 = all.iter_mut().map(|child| child.hear().parse::<u64>().expect("a number")).sum();
    assert_eq!(led, ROUNDS, "one leader in each round");
}

#[test]
fn a_death_is_told_to_all_of_the_round_and_a_new_one_begins() {
    let world = World::new();
    let [mut a, mut b, mut victim, mut c, mut d] = parties(&world, 4);
    for _ in 0..3 {
        arrive([&mut a, &mut b]);
        let [mut dies] = parties(&world, 4);
        arrive([&mut dies]);
        dies.kill();
        for child in [&mut a, &mut b] {
            let told = child.expect_next("err peer-died");
            assert!(told.contains("`square`") && told.contains("of the 4"), "{told}");
        }
        all_pass([&mut a, &mut b, &mut c, &mut d]);
    }
    // One that dies outside of it is in no round.
    arrive([&mut a, &mut b]);
    victim.expect("wait_timeout 1", "err timed-out");
    victim.kill();
    arrive([&mut c]);
    d.expect("wait", "ok leader");
    [a, b, c].iter_mut().for_each(|child| drop(child.expect_next("ok other")));
}

#[test]
fn who_comes_after_the_death_is_told_too() {
    let world = World::new();
    // It is the last one, which asks the kernel about all who have come.
    let [mut victim, mut a, mut b] = parties(&world, 2);
    arrive([&mut victim]);
    victim.kill();
    a.expect("wait", "err peer-died");
    all_pass([&mut a, &mut b]);
    // Its time is over at once, and so it asks about all.
    let world = World::new();
    let [mut victim, mut a, mut b, mut c] = parties(&world, 3);
    arrive([&mut victim]);
    victim.kill();
    a.expect("wait_timeout 0", "err peer-died");
    a.expect("wait_timeout 0", "err timed-out");
    all_pass([&mut a, &mut b, &mut c]);
    // Several are dead.
    let [mut one, mut other] = parties(&world, 3);
    arrive([&mut one, &mut other]);
    one.stop();
    other.kill();
    one.kill();
    a.expect("wait", "err peer-died");
    all_pass([&mut a, &mut b, &mut c]);
}

#[test]
fn one_that_is_stopped_delays_nobody() {
    let world = World::new();
    let [mut stopped, mut a, mut b, mut c] = parties(&world, 3);
    arrive([&mut stopped]);
    stopped.stop();
    arrive([&mut a]);
    b.expect("wait", "ok leader");
    a.expect_next("ok other");
    for _ in 0..20 {
        all_pass([&mut a, &mut b, &mut c]);
    }
    stopped.resume();
    stopped.expect_next("ok other");
    all_pass([&mut a, &mut b, &mut stopped]);
}

#[test]
fn one_that_is_stopped_in_a_broken_round_learns_of_it_when_it_goes_on() {
    let world = World::new();
    let [mut stopped, mut victim, mut a, mut b, mut c] = parties(&world, 3);
    arrive([&mut stopped]);
    stopped.stop();
    arrive([&mut victim]);
    victim.kill();
    a.expect("wait", "err peer-died");
    for _ in 0..3 {
        all_pass([&mut a, &mut b, &mut c]);
        let [mut dies] = parties(&world, 3);
        arrive([&mut dies]);
        dies.kill();
        a.expect("wait", "err peer-died");
    }
    stopped.resume();
    stopped.expect_next("err peer-died");
    all_pass([&mut a, &mut b, &mut stopped]);
    // It may die there as well: the others have long been told.
    let [mut victim] = parties(&world, 3);
    arrive([&mut c]);
    c.stop();
    arrive([&mut victim]);
    victim.kill();
    a.expect("wait", "err peer-died");
    c.kill();
    all_pass([&mut a, &mut b, &mut stopped]);
}

#[test]
fn who_gives_up_has_not_arrived() {
    let world = World::new();
    let [mut a, mut b] = parties(&world, 2);
    for _ in 0..3 {
        let late = a.expect("wait_timeout 20", "err timed-out");
        let words = ["`square`", "beside this one, 0 of the 2"];
        assert!(words.iter().all(|word| late.contains(word)), "{late}");
        b.expect("wait_timeout 0", "err timed-out");
        arrive([&mut a]);
        b.expect("wait_timeout 10000", "ok leader");
        a.expect_next("ok other");
    }
}

#[test]
fn who_waits_learns_that_the_object_has_ended() {
    let world = World::new();
    let [mut a] = parties(&world, 2);
    arrive([&mut a]);
    cohabit::remove(&world.scope(), "square", true).expect("by force");
    let told = a.expect_next("err ended");
    assert!(told.contains("`square`"), "{told}");
}

fn words_of(world: &World) -> &'static [AtomicU64] {
    let words = raw::words(Path::new(&world.path("square")));
    let object = usize::try_from(words[88 / 8].load(Relaxed)).expect("an offset") / 8;
    &words[object..]
}

#[test]
fn seats_of_the_dead_are_had_and_those_of_the_living_are_not() {
    let world = World::new();
    let [mut a, mut b, mut living, dead] = parties(&world, 2);
    let words = words_of(&world);
    let token = |child: &mut Child| {
        child.say("wait");
        sys::until_it_waits(child.pid());
        let seats = words[SEATS..SEATS + 48].iter();
        let token = seats.map(|seat| seat.load(Relaxed)).find(|seat| *seat != 0).expect("a seat");
        a.expect("wait", "ok leader");
        child.expect_next("ok other");
        token
    };
    let mut dead = dead;
    let (mut token, mut tokens) = (token, Vec::new());
    for child in [&mut living, &mut dead] {
        tokens.push(token(child));
    }
    let seats = |token: u64| {
        words[SEATS..SEATS + 48].iter().for_each(|seat| seat.store(token, Relaxed));
    };
    living.stop();
    seats(tokens[0]);
    let busy = b.expect("wait_timeout 30", "err busy");
    let named = format!("pid {}", living.pid());
    assert!(busy.contains("all 48 seats") && busy.contains(&named), "{busy}");
    b.expect("wait_timeout 0", "err busy");
    // What the dead were not told any more is not told to who comes after them.
    dead.kill();
    words[TOLD].store((1 << 48) - 1, Relaxed);
    seats(tokens[1]);
    arrive([&mut b]);
    a.expect("wait", "ok leader");
    b.expect_next("ok other");
    seats(0);
    words[TOLD].store(0, Relaxed);
    living.resume();
}

/// Threads of one process, forked children, views, private memory, and places.
pub(crate) fn lone_square(peer: &mut Peer) {
    let square = Shared::<Square>::open_or_create("square", || Square::new(8)).expect("a square");
    let led: u64 = std::thread::scope(|scope| {
        let threads = [0, 1, 2, 3, 4, 5, 6, 7].map(|mine| {
            scope.spawn({
                let square = &square;
                move || rounds(square, 8, 300, mine)
            })
        });
        threads.map(|thread| thread.join().expect("it comes to its end")).iter().sum()
    });
    assert_eq!(led, 300);
    #[cfg(unix)]
    {
        let forked = sys::forked(|| {
            u8::from(square.barrier.wait().is_err_and(|error| error.kind() == ErrorKind::Forked))
        });
        assert_eq!(sys::code_of(forked), 1);
    }
    assert_eq!(Barrier::new(1).wait().unwrap_err().kind(), ErrorKind::NotShared);
    assert_eq!(format!("{:?}", Barrier::new(0)), "Barrier { parties: 1, .. }");
    assert!(std::panic::catch_unwind(|| Barrier::new(Barrier::MAX_PARTIES + 1)).is_err());
    let options = Shared::<[Barrier]>::options().len(2);
    let made = options.open_or_create_in_place("built", |barriers| barriers[0].set_parties(1));
    let barriers = made.expect("barriers");
    assert!(barriers[0].wait().expect("it is the only one").is_leader());
    let early = barriers[1].wait_timeout(Duration::ZERO).unwrap_err();
    assert!(early.kind() == ErrorKind::ConstructorIncomplete && early.object() == "built");
    barriers[1].set_parties(2).expect("it is said once");
    barriers[1].set_parties(2).expect("it is the same");
    let refused = barriers[1].set_parties(3).unwrap_err();
    assert!(refused.kind() == ErrorKind::Frozen && refused.detail().contains("for 2 parties"));
    peer.say("done");
}

#[test]
fn threads_forks_and_places() {
    let world = World::new();
    world.child("lone-square").expect_next("done");
}

/// Each word that matters: any answer, in time, and afterwards it works as ever.
#[test]
fn hostile_barriers_are_survived() {
    let world = World::new();
    let [mut a, mut b] = parties(&world, 2);
    let words = words_of(&world);
    let bits = [0, 1, 2, 3, (1 << 48) - 1, 1 << 48, 3 << 48, u64::MAX << 48, u64::MAX];
    for gate in bits {
        for told in bits {
            for (parties, seat) in
                [(2, 0), (0, 9 << 32 | 7), (u64::MAX, u64::MAX), (48, 1 << 32 | 1)]
            {
                words[GATE].store(gate, Relaxed);
                words[TOLD].store(told, Relaxed);
                words[PARTIES].store(parties, Relaxed);
                words[SEATS..SEATS + 48].iter().for_each(|word| word.store(seat, Relaxed));
                let answer = a.ask("wait_timeout 1");
                let known =
                    ["ok ", "err timed-out", "err peer-died", "err busy", "err constructor-"];
                assert!(known.iter().any(|known| answer.starts_with(known)), "{answer}");
            }
        }
    }
    words[..SEATS + 48].iter().for_each(|word| word.store(0, Relaxed));
    words[PARTIES].store(2, Relaxed);
    all_pass([&mut a, &mut b]);
}

//! Who has waited for 10 ms is next: a process that takes the lock again and again keeps nobody out.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cohabit::{Mutex, Shared, plain};

use crate::support::{Peer, World};

const KEPT: usize = 4096;

/// When each of the last turns was taken, in ns since 1970.
#[plain]
struct Turns {
    count: u64,
    taken_ns: [u64; KEPT],
}

fn open() -> Shared<Mutex<Turns>> {
    Shared::open_or_create("turns", || Turns { count: 0, taken_ns: [0; KEPT] }).expect("an object")
}

fn now_ns() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(now.as_nanos()).expect("before 2500")
}

/// Takes the lock as often as it is told, and says how many turns of others began when it had waited
/// for 10 ms already, at most, and how often it has waited for so long.
pub(crate) fn taker(peer: &mut Peer) {
    let turns = open();
    let number = |index| peer.argument(index).parse::<u64>().expect("a number");
    let (times, hold) = (number(0), Duration::from_micros(number(1)));
    peer.say("here");
    peer.hear();
    let (mut most, mut long_waits) = (0, 0);
    for _ in 0..times {
        let aged_ns = now_ns() + 10_000_000;
        let mut turns = turns.lock().expect("the lock");
        if now_ns() > aged_ns {
            long_waits += 1;
            let overtook = turns.taken_ns.iter().filter(|taken_ns| **taken_ns > aged_ns).count();
            most = most.max(overtook);
        }
        let at = turns.count as usize % KEPT;
        turns.taken_ns[at] = now_ns();
        turns.count += 1;
        let until = Instant::now() + hold;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
    }
    peer.say(format!("{most} {long_waits}"));
}

/// What is printed is the largest overtaking. Only that everyone gets there is asserted: on a busy
/// machine a process may be kept from running, which is no fault of the lock.
#[test]
fn who_takes_the_lock_again_and_again_keeps_nobody_out() {
    for (processes, times, hold_us) in [(2, "4000", "50"), (4, "300", "700"), (8, "60", "2000")] {
        let world = World::new();
        let mut takers: Vec<_> =
            (0..processes).map(|_| world.child_with("taker", &[times, hold_us])).collect();
        takers.iter_mut().for_each(|taker| drop(taker.expect_next("here")));
        takers.iter_mut().for_each(|taker| taker.say("go"));
        let said: Vec<_> = takers.iter_mut().map(|taker| taker.hear()).collect();
        let number = |said: &String, index| -> u64 {
            said.split(' ').nth(index).expect("two").parse().expect("a number")
        };
        let most = said.iter().map(|said| number(said, 0)).max().expect("some");
        let long: u64 = said.iter().map(|said| number(said, 1)).sum();
        println!(
            "{processes} processes that hold the lock for {hold_us} us: {long} waits of more than \
             10 ms, overtaken at most {most} times after that"
        );
    }
}

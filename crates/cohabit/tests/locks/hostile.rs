//! A peer writes anything into lock words and guarded bits, while others use every call. What follows is
//! an error, a wrong plain value, or a wait until the caller's deadline.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use cohabit::{ErrorKind, LockError, LockResult, Mutex, Shared};

use crate::ledger::{self, Ledger};
use crate::mutex::ledgers;
use crate::support::{Peer, World, raw};

const WAIT: Duration = Duration::from_millis(2);

fn count<G>(outcome: LockResult<G>, fine: &mut u64, bad: &mut u64) {
    use ErrorKind::{BadBits, Busy, Deadlock};
    match outcome {
        Ok(_) | Err(LockError::OwnerDied(_) | LockError::Poisoned(_)) => *fine += 1,
        Err(LockError::Failed(error)) if matches!(error.kind(), Busy | BadBits | Deadlock) => {
            *bad += 1;
        }
        Err(LockError::Failed(error)) => panic!("unexpected: {error}"),
    }
}

/// Calls everything, again and again. Guards are taken and not looked into: inside of a guard peers are
/// trusted.
pub(crate) fn user(peer: &mut Peer) {
    let rounds: usize = peer.argument(0).parse().expect("a number");
    let mutex = ledger::open();
    let view = Shared::<Mutex<Ledger>>::open_read_only("ledger").expect("a view");
    peer.say("here");
    peer.hear();
    let (mut fine, mut bad) = (0, 0);
    // As long as it takes until it was put to the test.
    for round in 0.. {
        if round >= rounds && fine > 0 && bad > 0 {
            break;
        }
        count(mutex.try_lock(), &mut fine, &mut bad);
        count(mutex.lock_timeout(WAIT), &mut fine, &mut bad);
        let replaced = mutex.replace_timeout(ledger::new(), WAIT);
        count(replaced.map_err(LockError::Failed), &mut fine, &mut bad);
        if let Ok(mut guard) = mutex.try_lock().or_else(LockError::into_inner) {
            guard.mark_consistent();
        }
        let _any = mutex.is_poisoned().expect("an answer");
        mutex.clear_poison().expect("an answer");
        let _any = view.view().peek();
    }
    peer.say(format!("{fine} {bad}"));
}

/// Writes words into the object, until killed: noise, and what almost makes sense.
pub(crate) fn vandal(peer: &mut Peer) {
    let words = raw::words(Path::new(peer.argument(0)));
    let mut noise: u64 = peer.argument(1).parse().expect("a seed");
    let get = |at: usize| usize::try_from(words[at / 8].load(Relaxed)).expect("a number");
    let (object, size) = (get(88), get(96));
    peer.say("here");
    for round in 0_u64.. {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        let word = match noise % 6 {
            0 => noise,
            1 => 0,
            2 => u64::MAX,
            // Tokens of the living and the dead with all flags; locks that are kept, for any time.
            3 => (((noise >> 9) % 4) << 32) | (((noise >> 17) % 128) << 16) | ((noise >> 29) % 5),
            4 => (noise << 32) | (((noise >> 17) % 128) << 16),
            _ => round << 32 | 40,
        };
        let place = object + (noise >> 20) as usize % size;
        words[place / 8].store(word, Relaxed);
        // Some words stay for a while.
        if round % 4 == 0 {
            std::thread::sleep(Duration::from_micros(noise >> 40 & 0xff));
        }
    }
}

#[test]
fn hostile_lock_words_cost_nobody_more_than_an_error() {
    for seed in ["24301", "195939070", "4242"] {
        let world = World::new();
        let mut users = ["3000", "3000"].map(|rounds| world.child_with("user", &[rounds]));
        users.iter_mut().for_each(|user| drop(user.expect_next("here")));
        let path = world.path("ledger");
        let mut vandal = world.child_with("vandal", &[path.to_str().expect("a path"), seed]);
        vandal.expect_next("here");
        users.iter_mut().for_each(|user| user.say("go"));
        for mut user in users {
            let counted = user.hear();
            println!("worked, refused: {counted}");
            user.finish();
        }
        vandal.kill();
        world.assert_empty();
    }
}

/// Each word that matters, and each bit that is no value: then what works is said, or why it does not.
#[test]
fn each_hostile_word_is_survived_and_bad_bits_are_refused_until_replaced() {
    let world = World::new();
    let [mut user] = ledgers(&world);
    let words = raw::words(&world.path("ledger"));
    let object = usize::try_from(words[88 / 8].load(Relaxed)).expect("an offset") / 8;
    let lock = &words[object];
    let flags = (0..64).map(|flags| flags << 16);
    let tokens = [0, 1, 2, 0xffff, 1 << 32, 1 << 32 | 1, 1 << 32 | 2, 9 << 32 | 1, u64::MAX << 32];
    for word in flags.flat_map(|flags| tokens.map(|token| token | flags)) {
        lock.store(word, Relaxed);
        for call in ["try_lock", "lock_timeout 1"] {
            let answer = user.ask(call);
            // The token of the living user itself: as if another thread of it held the lock.
            let is_busy = answer.starts_with("err busy");
            if !is_busy && !answer.starts_with("err") {
                user.expect("unlock", "ok");
            }
            let is_living = word & 0xffff_ffff_0000_ffff == 1 << 32 | 1;
            assert!(is_busy == is_living || word >> 19 & 7 != 0, "{word:#x}: {answer}");
        }
    }
    lock.store(0, Relaxed);
    // The bool of the ledger.
    let open = &words[object + 2];
    let good = open.load(Relaxed);
    open.store(good | 0xff, Relaxed);
    for call in ["lock", "try_lock", "lock_timeout 5", "peek"] {
        let refused = user.expect(call, "err bad-bits");
        assert!(refused.contains("`ledger`") && refused.contains("`open`"), "{call}: {refused}");
    }
    user.expect("replace 6", "ok");
    user.expect("lock", "ok 6");
    user.expect("unlock", "ok");
}

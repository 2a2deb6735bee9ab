//! Hostile bytes: a peer writes anything anywhere into a live object, while users call everything.
//! What follows is an error or a wrong plain value; never a crash, and no wait beyond a deadline.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cohabit::untyped::Untyped;
use cohabit::{Part, Scope, SharedValue, Text, Version, plain};
use cohabit_os::mapping::{Access, File};

use crate::support::{Child, Peer, World, kept_if_possible, raw};

const WAIT: Duration = Duration::from_millis(2);

#[plain]
#[derive(Clone, Debug)]
struct Target {
    flag: bool,
    number: u64,
    text: Text<20>,
    more: [bool; 5],
}

fn target() -> Target {
    Target { flag: true, number: 1, text: Text::default(), more: [false; 5] }
}

fn attach(patience: Duration) -> cohabit::Result<SharedValue<Target>> {
    let options = SharedValue::<Target>::options().keep(kept_if_possible()).max_users(8);
    options.timeout(patience).open_or_create("target", target)
}

/// Calls everything, again and again, on objects that are damaged all the time.
pub(crate) fn user(peer: &mut Peer) {
    let rounds: usize = peer.argument(0).parse().expect("a number");
    let (mut fine, mut errors) = (0_u64, 0_u64);
    let mut count = |worked: bool| *(if worked { &mut fine } else { &mut errors }) += 1;
    let steady = attach(Duration::MAX).expect("an object");
    let steady_view = SharedValue::<Target>::open_read_only("target").expect("a view");
    peer.say("here");
    for round in 0..rounds {
        let passing = attach(WAIT);
        count(passing.is_ok());
        for object in [Some(&steady), passing.as_ref().ok()].into_iter().flatten() {
            count(object.get().is_ok());
            count(object.get_boxed().is_ok());
            count(object.get_part(Target::MORE).is_ok());
            count(object.set_timeout(target(), WAIT).is_ok());
            count(object.try_set_part(Target::NUMBER, 5).is_ok());
            count(object.update_timeout(|target| target.number ^= 1, WAIT).is_ok());
            count(object.pin().is_ok_and(|pin| pin.get_part(Target::TEXT).is_ok()));
            let seen = object.version().unwrap_or(Version::NONE);
            count(object.wait_changed(seen, WAIT).is_ok());
            count(object.users().is_ok());
            count(object.status().is_ok());
        }
        count(steady_view.get().is_ok());
        count(steady_view.wait_version(steady_view.version(), WAIT).is_ok());
        if round % 4 == 0 {
            count(cohabit::list(&Scope::User).is_ok());
            count(
                Untyped::open_read_only("target", &Scope::User).is_ok_and(|raw| raw.read().is_ok()),
            );
            count(Untyped::open("target", &Scope::User).is_ok_and(|raw| raw.read().is_ok()));
        }
    }
    drop(steady);
    peer.say(format!("{fine} {errors}"));
}

/// A few elements, whose number the vandal changes in the header too.
const LEN: u64 = 7;

fn attach_slice(patience: Duration) -> cohabit::Result<SharedValue<[Target]>> {
    let options = SharedValue::<[Target]>::options().keep(kept_if_possible()).max_users(8);
    let new = || vec![target(); LEN as usize];
    options.timeout(patience).len(LEN).open_or_create("target", new)
}

/// The same on a value of run-time length.
pub(crate) fn slice_user(peer: &mut Peer) {
    let rounds: usize = peer.argument(0).parse().expect("a number");
    let (mut fine, mut errors) = (0_u64, 0_u64);
    let mut count = |worked: bool| *(if worked { &mut fine } else { &mut errors }) += 1;
    let steady = attach_slice(Duration::MAX).expect("an object");
    let view = SharedValue::<[Target]>::open_read_only("target").expect("a view");
    let mut into = vec![target(); LEN as usize];
    let last = Part::element(LEN as usize - 1);
    peer.say("here");
    for round in 0..rounds {
        let passing = attach_slice(WAIT);
        count(passing.is_ok());
        for object in [Some(&steady), passing.as_ref().ok()].into_iter().flatten() {
            // What the header says now is nothing to an object that is mapped.
            assert_eq!(object.len() as u64, LEN);
            count(object.get_into(&mut into).is_ok());
            count(object.get_boxed().is_ok());
            count(object.get_part(last.then(Target::MORE)).is_ok());
            count(object.set_from_timeout(&into, WAIT).is_ok());
            count(object.try_set_part(last.then(Target::NUMBER), 5).is_ok());
            count(object.update_timeout(|all| all.reverse(), WAIT).is_ok());
            count(object.pin().is_ok_and(|pin| pin.get_part(last).is_ok()));
            let seen = object.version().unwrap_or(Version::NONE);
            count(object.wait_version(seen, WAIT).is_ok());
        }
        count(view.get_into(&mut into).is_ok());
        count(view.get_part(last).is_ok());
        count(view.wait_version(view.version(), WAIT).is_ok());
        if round % 4 == 0 {
            let raw = Untyped::open("target", &Scope::User);
            let read = |raw: Untyped| {
                raw.cell_at(0).is_some_and(|cell| {
                    cell.read_part(3..cell.contents().size() - 5).is_ok() && cell.read().is_ok()
                })
            };
            count(raw.is_ok_and(read));
        }
    }
    drop(steady);
    peer.say(format!("{fine} {errors}"));
}

/// A generator of noise that the same seed gives again.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Writes into the file of the object, until killed: noise, or words that almost make sense.
pub(crate) fn vandal(peer: &mut Peer) {
    let mut noise = Noise(peer.argument(1).parse().expect("a seed"));
    let path = peer.argument(0).to_owned();
    let open = || File::open(Path::new(&path), Access::ReadWrite).ok();
    peer.say("here");
    let mut file = open();
    for n in 0_u64.. {
        if n % 64 == 0 {
            file = open().or(file);
        }
        if let Some(file) = &file {
            damage(file, &mut noise);
        }
    }
}

fn damage(file: &File, noise: &mut Noise) {
    let mut head = [0; 128];
    if file.read_at(&mut head, 0).ok() != Some(head.len()) {
        return;
    }
    let word = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("8 bytes"));
    // Places that the header is not asked for: it may lie by now.
    let (slots, object) = (word(80) % 8192, word(88) % 8192);
    let place = match noise.below(12) {
        0 => object,
        1 | 2 => object + 8,
        3 => object + 16 + 8 * noise.below(6),
        4 => object + 64 + 64 * noise.below(20),
        5 => object + 64 + 8 * noise.below(64),
        6 => 128,
        7 => 136,
        8 | 9 => slots + 8 * noise.below(8 * 4),
        10 if noise.below(4) == 0 => 112,
        10 => 8 * noise.below(32),
        _ => 256 + 8 * noise.below(64),
    };
    let slot = noise.below(9);
    let word = match noise.below(6) {
        0 => noise.next(),
        1 => 0,
        2 => u64::MAX,
        // A token: generation, flags, state, slot.
        3 => noise.below(4) << 32 | noise.below(8) << 16 | noise.below(6) << 18 | slot,
        // A commit word or a stamp of a small version.
        4 => noise.below(500) << 8 | noise.below(20) << 1 | noise.below(2),
        // A row.
        _ => noise.below(5) << 32 | noise.below(4),
    };
    let keep = word_of_header(place);
    let old = u64::from_le_bytes(head[..8].try_into().expect("8 bytes"));
    if keep.is_none_or(|bytes| bytes == old) {
        let _ = file.write_at(&word.to_le_bytes(), place);
    }
}

/// The magic stays more often than not, or nothing else would be looked at.
fn word_of_header(place: u64) -> Option<u64> {
    (place == 0).then(|| u64::from_le_bytes(*b"COHABIT\0") ^ 1)
}

fn ravage(role: &str, seed: u64) {
    let world = World::new();
    let path = world.path("target");
    let path = path.to_str().expect("a path");
    let mut users: Vec<Child> = (0..2).map(|_| world.child_with(role, &["150"])).collect();
    users.iter_mut().for_each(|user| drop(user.expect_next("here")));
    let mut vandal = world.child_with("vandal", &[path, &seed.to_string()]);
    vandal.expect_next("here");
    for mut user in users {
        let counted = user.hear();
        assert_ne!(counted, "0 0");
        user.finish();
    }
    vandal.kill();
    // Whatever is left is taken away by force, damaged or not.
    let _ = cohabit::collect(&world.scope());
    let _ = cohabit::list(&world.scope()).expect("a list");
    for name in world.names() {
        if cohabit::remove(&world.scope(), &name, true).is_err() {
            world.remove_by_hand(&name); // what is no object any more
        }
    }
}

#[test]
fn hostile_bytes_cost_nobody_more_than_an_error() {
    for seed in [0x5eed, 0xbad_cafe, 0x0dd_ba11] {
        ravage("hostile-user", seed);
    }
}

#[test]
fn hostile_bytes_in_a_slice_cost_nobody_more_than_an_error() {
    for seed in [0x51_1ce, 0xbad_1e46] {
        ravage("hostile-slice-user", seed);
    }
}

/// One word at a time, of those that matter, with all that almost make sense.
#[test]
fn each_hostile_word_is_survived() {
    let world = World::new();
    let mut user = world.child("user");
    user.expect("create rpm max=2", "ok");
    user.expect("view rpm", "ok");
    user.expect("read", "ok 0@1");
    let file = raw::open(&world.path("rpm"));
    let (slots, object) = (raw::word(&file, 80), raw::word(&file, 88));
    // Lock, commit, the first pins and stamps, life, both rows.
    let mut places = vec![object, object + 8, object + 16, object + 24, 128, 136];
    places.extend([object + 64, object + 128, slots, slots + 8, slots + 32]);
    let words =
        [0, 1, 2, u64::MAX, 1 << 16, 1 << 32 | 1, 1 << 32 | 2, 7 << 32 | 0xffff, 0xfe, 0x1ff];
    for place in places {
        for word in words {
            let before = raw::word(&file, place);
            raw::put(&file, place, word);
            user.ask("peek");
            user.ask("view_peek");
            for call in
                ["set_timeout 5 1", "update_timeout 1", "try_set 4", "look 1", "view_look 1"]
            {
                user.ask(call);
            }
            for call in ["peek", "view_peek", "version", "users", "status"] {
                user.ask(call);
            }
            raw::put(&file, place, before);
        }
    }
    user.kill();
    let _ = cohabit::remove(&world.scope(), "rpm", true);
}

/// Puts ever new tokens of the dead into the lock, until killed.
pub(crate) fn relocker(peer: &mut Peer) {
    let words = raw::words(Path::new(peer.argument(0)));
    let object = usize::try_from(words[88 / 8].load(Ordering::Relaxed)).expect("an offset");
    let lock = &words[object / 8];
    peer.say("here");
    for generation in (10_u64..u64::from(u32::MAX)).cycle() {
        lock.store(generation << 32 | 40, Ordering::Relaxed);
    }
}

/// Whoever would not wait does not: a lock that changes under every try is a busy one.
#[test]
fn a_lock_that_names_ever_new_dead_keeps_nobody() {
    let world = World::new();
    let mut user = world.child("user");
    user.expect("create rpm", "ok");
    let path = world.path("rpm");
    let mut relocker = world.child_with("relocker", &[path.to_str().expect("a path")]);
    relocker.expect_next("here");
    for number in 0..1_000 {
        let answer = user.ask(format!("try_set {number}"));
        assert!(answer.starts_with("ok") || answer.starts_with("err busy"), "{answer}");
    }
    for number in 0..100 {
        let answer = user.ask(format!("set_timeout {number} 1"));
        assert!(answer.starts_with("ok") || answer.starts_with("err busy"), "{answer}");
    }
    relocker.kill();
    user.expect("try_set 5", "ok");
}

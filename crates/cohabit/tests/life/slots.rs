//! Slots: full, freed by a leaver and by a death, and used again under the next generation.

use std::path::Path;
use std::sync::atomic::Ordering;

use cohabit::SharedValue;

use crate::support::user::Pair;
use crate::support::{Peer, World, keeps_what_nobody_uses, raw, windows};

/// Generation and state of each row, as FORMAT.md places them.
fn rows(world: &World, name: &str) -> Vec<(u32, u32)> {
    let file = raw::open(&world.path(name));
    let word = |at: u64| raw::word(&file, at);
    let rows = (0..word(56) & 0xffff_ffff).map(|slot| word(word(80) + slot * 32));
    rows.map(|row| ((row >> 32) as u32, row as u32)).collect()
}

#[test]
fn a_full_table_is_freed_by_leaving_and_by_death() {
    let world = World::new();
    let mut users: Vec<_> = (0..3).map(|_| world.child("user")).collect();
    users[0].expect("create rpm max=2", "ok");
    users[1].expect("open rpm", "ok");
    assert_eq!(rows(&world, "rpm"), [(1, 1), (1, 1)]);
    let full = users[2].expect("open rpm", "err slots-full");
    assert!(full.contains("rpm") && full.contains("2 slots"), "{full}");
    users[2].expect("view rpm", "ok");
    users[2].expect("view_get", "ok 0");
    users[1].expect("drop", "ok");
    assert_eq!(rows(&world, "rpm"), [(1, 1), (1, 0)]);
    users[2].expect("open rpm", "ok");
    assert_eq!(rows(&world, "rpm"), [(1, 1), (2, 1)]);
    users[1].expect("open rpm", "err slots-full");
    users.pop().expect("the third").kill();
    users[1].expect("open rpm", "ok");
    assert_eq!(rows(&world, "rpm"), [(1, 1), (3, 1)]);
    users.remove(0).kill();
    let mut next = world.child("user");
    next.expect("open rpm", "ok created=false");
    assert_eq!(rows(&world, "rpm"), [(2, 1), (3, 1)]);
    next.expect("set 5", "ok 2");
}

#[test]
fn a_slot_table_of_one_has_one_user_at_a_time() {
    let world = World::new();
    let mut a = world.child("user");
    let mut b = world.child("user");
    if !keeps_what_nobody_uses() {
        return;
    }
    a.expect("create rpm max=1 keep=reboot", "ok created=true");
    b.expect("open rpm", "err slots-full");
    a.kill();
    b.expect("open rpm", "ok created=false");
    b.expect("drop", "ok");
    b.expect("open rpm", "ok created=false");
    assert_eq!(rows(&world, "rpm"), [(3, 1)]);
    b.leave();
    cohabit::remove(&world.scope(), "rpm", false).expect("nobody uses it");
}

#[test]
fn a_slot_whose_generations_are_used_up_is_retired() {
    let world = World::new();
    let mut user = world.child("user");
    if !keeps_what_nobody_uses() {
        return;
    }
    user.expect("create rpm max=2 keep=reboot", "ok created=true");
    user.expect("drop", "ok");
    let file = raw::open(&world.path("rpm"));
    raw::put(&file, raw::word(&file, 80), u64::from(u32::MAX) << 32);
    user.expect("open rpm", "ok created=false");
    assert_eq!(rows(&world, "rpm"), [(u32::MAX, 0), (1, 1)]);
    let mut second = world.child("user");
    second.expect("open rpm", "err slots-full");
    user.leave();
    cohabit::remove(&world.scope(), "rpm", false).expect("nobody uses it");
}

/// Writes a free row, whose generation is usable at one moment and used up at the next, until killed.
pub(crate) fn flipper(peer: &mut Peer) {
    let words = raw::words(Path::new(peer.argument(0)));
    let slots = usize::try_from(words[80 / 8].load(Ordering::Relaxed)).expect("an offset");
    let row = &words[(slots + 32) / 8];
    peer.say("here");
    loop {
        for generation in [5, u64::from(u32::MAX)] {
            row.store(generation << 32, Ordering::Relaxed);
            (0..20).for_each(|_| std::hint::spin_loop());
        }
    }
}

/// Opens and drops: an attachment or an error, each time.
pub(crate) fn opener(peer: &mut Peer) {
    // Opening is slow under Wine.
    let rounds = if windows() { 300 } else { 3_000 };
    let codes = (0..rounds).map(|_| {
        let opened = SharedValue::<Pair>::open("rpm");
        opened.map_or_else(|error| error.code(), |object| code_of_use(&object))
    });
    let mut codes: Vec<_> = codes.collect();
    codes.sort_unstable();
    codes.dedup();
    peer.say(codes.join(" "));
}

fn code_of_use(object: &SharedValue<Pair>) -> &'static str {
    object.get().map_or_else(|error| error.code(), |_| "ok")
}

#[test]
fn a_row_that_a_peer_rewrites_under_an_opener_is_read_once() {
    let world = World::new();
    let mut user = world.child("user");
    user.expect("create rpm max=2", "ok");
    let path = world.path("rpm");
    let mut flipper = world.child_with("row-flipper", &[path.to_str().expect("a path")]);
    flipper.expect_next("here");
    for _ in 0..4 {
        let mut opener = world.child("row-opener");
        let codes = opener.hear();
        assert!(codes.split(' ').all(|code| ["ok", "slots-full"].contains(&code)), "{codes}");
        opener.finish();
    }
    flipper.kill();
    user.expect("set 5", "ok");
    user.leave();
    let _ = cohabit::collect(&world.scope()).expect("tidied");
}

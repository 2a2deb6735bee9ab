//! Waiting for a word that another process changes.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::time::Duration;

use cohabit_os::mapping::{Access, File, Lasts, Mapping};
use cohabit_os::process::{Identity, identity};
use cohabit_os::wait::{
    Deadline, any_max, hears_deaths, monotonic_ms, wait, wait_any, wait_or_death, wake_all,
    wake_one,
};

use crate::support::{Folder, KINDS, LONG, Peer, portable_since, word};

fn shared(folder: &Folder) -> (String, File, Mapping) {
    let (path, file, _) = folder.file("name");
    let map = file.map(4096, Access::ReadWrite).expect("a map");
    (path.to_str().expect("text").to_owned(), file, map)
}

fn waiters(path: &str, count: usize) -> Vec<Peer> {
    let mut waiters: Vec<_> = (0..count).map(|_| Peer::play("wait", &[path])).collect();
    waiters.iter_mut().for_each(|waiter| waiter.expect("waits"));
    waiters
}

#[test]
fn all_processes_have_one_clock() {
    let before = monotonic_ms();
    let mut peer = Peer::play("clock", &[]);
    let there: u32 = peer.hear().parse().expect("a time");
    peer.end();
    let (asked, answered) = (there.wrapping_sub(before), monotonic_ms().wrapping_sub(before));
    assert!(asked <= answered, "{before}, then {there}, {answered} ms later");
}

#[test]
fn a_wake_reaches_every_process() {
    KINDS.into_iter().for_each(|(lasts, _)| a_wake_reaches_all(lasts));
}

fn a_wake_reaches_all(lasts: Lasts) {
    let folder = Folder::new();
    let (path, file, _) = folder.file_that(lasts, "name");
    let path = path.to_str().expect("text").to_owned();
    let map = file.map(4096, Access::ReadWrite).expect("a map");
    let mut waiters = waiters(&path, 3);
    word(&map, 0).store(1, Release);
    wake_all(word(&map, 0));
    waiters.iter_mut().for_each(|waiter| waiter.expect("woken"));
}

#[test]
fn wake_one_is_handed_on_from_one_to_the_next() {
    let folder = Folder::new();
    let (path, _file, map) = shared(&folder);
    let mut waiters = waiters(&path, 3);
    word(&map, 0).store(1, Release);
    wake_one(word(&map, 0));
    waiters.iter_mut().for_each(|waiter| waiter.expect("woken"));
}

#[test]
fn a_waiter_that_is_killed_costs_the_others_nothing() {
    let folder = Folder::new();
    let (path, _file, map) = shared(&folder);
    let mut waiters = waiters(&path, 3);
    waiters.remove(0).kill();
    word(&map, 0).store(1, Release);
    wake_all(word(&map, 0));
    waiters.iter_mut().for_each(|waiter| waiter.expect("woken"));
}

#[test]
fn any_of_the_words_that_are_heard_wakes() {
    let folder = Folder::new();
    let (path, _file, map) = shared(&folder);
    let heard = any_max();
    for changed in [0, heard / 2, heard - 1] {
        let mut waiter = Peer::play("wait for many", &[&path, &heard.to_string()]);
        waiter.expect("waits");
        word(&map, 8 + changed).store(1 << 40 | 1, Release);
        wake_all(word(&map, 8 + changed));
        waiter.expect("woken");
        waiter.end();
        word(&map, 8 + changed).store(0, Release);
    }
}

#[test]
fn a_wait_ends_at_its_deadline_and_at_once_where_the_word_is_another() {
    let folder = Folder::new();
    let (_, _file, map) = shared(&folder);
    word(&map, 0).store(0xdead_beef_0000_0007, Release);
    // Returns at once, or this test does not end.
    wait(word(&map, 0), 8, Deadline::after(LONG));
    wait_any(&[(word(&map, 1), 0), (word(&map, 0), 8)], Deadline::after(LONG));
    let soon = Deadline::after(Duration::from_millis(20));
    while !soon.has_passed() {
        wait(word(&map, 0), 7, soon);
    }
    wait(word(&map, 0), 7, Deadline::in_past());
    wait_any(&[], Deadline::in_past());
    // A word of nobody else's is waited for as well.
    let own = AtomicU64::new(1);
    wait(&own, 0, Deadline::after(LONG));
    let soon = Deadline::after(Duration::from_millis(5));
    while !soon.has_passed() {
        wait(&own, 1, soon);
    }
    assert_eq!(own.load(Relaxed), 1);
}

#[cfg(any(target_os = "linux", windows))]
#[test]
fn a_wake_up_for_nobody_says_so() {
    let folder = Folder::new();
    let (_, _file, map) = shared(&folder);
    let unknown = portable_since("nobody is woken, so it is not known that nobody waited");
    assert_eq!(wake_one(word(&map, 0)), unknown);
}

/// Peers that stay, and who they are.
fn stayers(count: usize) -> Vec<(Peer, Identity)> {
    let peers: Vec<_> = (0..count).map(|_| Peer::play("stay", &[])).collect();
    let met = |mut peer: Peer| {
        let said = peer.hear();
        let (pid, start) = said.split_once(' ').expect("two numbers");
        let (pid, start) = (pid.parse().expect("a pid"), start.parse().expect("a start"));
        (peer, Identity { pid, start, ..identity() })
    };
    peers.into_iter().map(met).collect()
}

/// With a deadline that never comes, and a word that nobody changes: it ends by a death, or not at all.
#[test]
fn a_wait_ends_by_the_death_of_one_that_it_is_told_of() {
    if !hears_deaths() {
        return;
    }
    let folder = Folder::new();
    let (_, _file, map) = shared(&folder);
    let word = word(&map, 0);
    // More than one call of the system takes.
    let mut peers = stayers(70);
    let whose: Vec<_> = peers.iter().map(|(_, who)| *who).collect();
    for victim in [69, 30, 0] {
        std::thread::scope(|scope| {
            let waiter =
                scope.spawn(|| wait_or_death(word, 0, &whose[..=victim], Deadline::after(LONG)));
            peers.remove(victim).0.kill();
            waiter.join().expect("it returns");
        });
    }
}

#[test]
fn a_wait_with_processes_is_a_wait_all_the_same() {
    let folder = Folder::new();
    let (path, _file, map) = shared(&folder);
    let word = word(&map, 0);
    let stayers = stayers(2);
    let whose: Vec<_> = stayers.iter().map(|(_, who)| *who).chain([identity()]).collect();
    let soon = Deadline::after(Duration::from_millis(20));
    while !soon.has_passed() {
        wait_or_death(word, 0, &whose, soon);
    }
    // Returns at once, or this test does not end.
    wait_or_death(word, 1, &whose, Deadline::after(LONG));
    // Who is gone, and who was never there, neither ends the world nor keeps anybody.
    let gone =
        [Identity { start: whose[0].start + 1, ..whose[0] }, Identity { pid: 0, ..whose[0] }];
    let soon = Deadline::after(Duration::from_millis(20));
    while !soon.has_passed() {
        wait_or_death(word, 0, &gone, soon);
    }
    let mut waker = Peer::play("wake", &[&path]);
    while word.load(Relaxed) == 0 {
        wait_or_death(word, 0, &whose, Deadline::after(LONG));
    }
    waker.expect("woke");
}

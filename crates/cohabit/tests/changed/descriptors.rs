//! A descriptor that polls, in the plainest loop there is.

use cohabit::SharedValue;
use cohabit::changed::ChangeFd;
use cohabit_os::handle::AsFd;

use crate::support::user::Pair;
use crate::support::{Peer, World, sys, until};

/// Waits until it is readable.
fn wait_for(fd: &ChangeFd) {
    assert_eq!(sys::which_are_readable(&[fd.as_fd()], true), [true]);
}

fn is_readable(fd: &ChangeFd) -> bool {
    sys::which_are_readable(&[fd.as_fd()], false)[0]
}

/// Says every value that it is told of, until the number is 0.
pub(crate) fn echo(peer: &mut Peer) {
    let object = SharedValue::<Pair>::open("rpm").expect("an object");
    let mut seen = object.version().expect("a version");
    let mut fd = object.change_fd(seen).expect("a descriptor");
    assert_eq!(fd.name(), "rpm");
    // The descriptor holds on to the object; the view is for reading.
    let view = SharedValue::<Pair>::open_read_only("rpm").expect("a view");
    drop(object);
    peer.say("here");
    loop {
        wait_for(&fd);
        let (pair, version) = view.read().expect("a value");
        if version != seen {
            peer.say(format!("{}@{version}", pair.whole()));
        }
        if pair.number == 0 {
            return;
        }
        seen = version;
        fd.rearm(seen).expect("it goes on");
    }
}

#[test]
fn a_descriptor_polls_as_readable_when_another_process_writes() {
    let world = World::new();
    let mut writer = world.child("user");
    writer.expect("create rpm", "ok");
    let mut reader = world.child("poll");
    reader.expect_next("here");
    writer.expect("read", "ok 0@1");
    assert_eq!(writer.ask("users").split_whitespace().count(), 3, "the descriptor is a user");
    for number in [7, 8, 7, 7, 9, 0] {
        let version = writer.ask(format!("set {number}"));
        let version = version.strip_prefix("ok ").expect("a version");
        assert_eq!(reader.hear(), format!("{number}@{version}"));
    }
    reader.finish();
}

/// Polls many descriptors at once, as users and as observers, and says which value has changed.
pub(crate) fn many(peer: &mut Peer) {
    let count: usize = peer.argument(0).parse().expect("a number");
    let open = |index| SharedValue::<Pair>::open(&format!("many-{index}")).expect("an object");
    let objects: Vec<_> = (0..count).map(open).collect();
    let view = |index: usize| {
        SharedValue::<Pair>::open_read_only(&format!("many-{index}")).expect("a view")
    };
    let views: Vec<_> = (0..count).map(view).collect();
    let mut seen: Vec<_> = views.iter().map(|view| view.version()).collect();
    let mut fds: Vec<_> = (0..count)
        .map(|index| {
            let as_user = index % 2 == 0;
            let seen = seen[index];
            let fd =
                if as_user { objects[index].change_fd(seen) } else { views[index].change_fd(seen) };
            fd.expect("a descriptor")
        })
        .collect();
    drop(objects);
    peer.say("here");
    let mut heard = 0;
    while heard < count {
        let polled: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
        let ready = sys::which_are_readable(&polled, true);
        assert!(ready.contains(&true));
        for index in (0..count).filter(|index| ready[*index]) {
            let version = views[index].version();
            if version != seen[index] {
                heard += 1;
                peer.say(index);
            }
            seen[index] = version;
            fds[index].rearm(version).expect("it goes on");
        }
    }
}

#[test]
fn many_descriptors_are_polled_at_once() {
    const COUNT: usize = 40;
    let world = World::new();
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let create = |index| options.create(&format!("many-{index}"), || Pair::of(1));
    let objects: Vec<_> = (0..COUNT).map(|index| create(index).expect("an object")).collect();
    let mut reader = world.child_with("poll-many", &[&COUNT.to_string()]);
    reader.expect_next("here");
    for index in (0..COUNT).rev() {
        objects[index].set(Pair::of(2)).expect("a set");
        assert_eq!(reader.hear(), index.to_string());
    }
    reader.finish();
}

#[test]
fn rearming_tells_the_version_and_clears_only_what_was_seen() {
    let world = World::new();
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let object = options.create("rpm", || Pair::of(1)).expect("an object");
    let first = object.version().expect("a version");
    let mut fd = object.change_fd(first).expect("a descriptor");
    assert!(!is_readable(&fd));
    let second = object.set(Pair::of(2)).expect("a set");
    wait_for(&fd);
    assert!(is_readable(&fd), "until it is rearmed");
    assert_eq!(fd.rearm(first).expect("it goes on"), second);
    assert!(is_readable(&fd), "that version is not the one now");
    assert_eq!(fd.rearm(second).expect("it goes on"), second);
    assert!(!is_readable(&fd));
    // Every change after the rearming is told of, however soon.
    let mut seen = second;
    for number in 3..500 {
        assert_eq!(fd.rearm(seen).expect("it goes on"), seen);
        seen = object.set(Pair::of(number)).expect("a set");
        wait_for(&fd);
    }
    assert!(format!("{fd:?}").contains("rpm"));
    #[cfg(unix)]
    assert!(std::os::fd::AsRawFd::as_raw_fd(&fd.as_fd()) > 2);
}

#[test]
fn a_descriptor_tells_of_the_end() {
    let world = World::new();
    let mut host = world.child("user");
    host.expect("create rpm", "ok");
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let view = options.open_read_only("rpm").expect("a view");
    let seen = view.version();
    let mut fd = view.change_fd(seen).expect("a descriptor");
    host.expect("drop", "ok");
    wait_for(&fd);
    let ended = fd.rearm(seen).expect_err("nobody is left");
    assert_eq!((ended.code(), ended.object()), ("ended", "rpm"));
    assert!(is_readable(&fd), "a loop that polls is told again");
    assert_eq!(view.change_fd(seen).expect_err("nobody is left").code(), "ended");

    let object = options.create("rpm", || Pair::of(1)).expect("an object");
    let seen = object.version().expect("a version");
    let mut fd = object.change_fd(seen).expect("a descriptor");
    world.lose("rpm");
    until(|| is_readable(&fd));
    assert_eq!(fd.rearm(seen).expect_err("the name is gone").code(), "name-lost");
}

//! How an object without a name ends: by its last user, or with everybody killed, or kept by a handle.

use std::sync::atomic::{AtomicU64, Ordering};

use cohabit::{Keep, LastOneOut, Shared, SharedValue, shareable};
use cohabit_os::handle::OwnedFd;

use super::handing::{hand, heir_of, inherited};
use crate::support::handing::Giver;
use crate::support::user::Pair;
#[cfg(unix)]
use crate::support::{Child, until};
use crate::support::{Peer, World, has_handles, world};

/// A type with an end.
#[shareable]
struct Ending {
    count: AtomicU64,
}

impl LastOneOut for Ending {
    fn last_one_out(&self) {
        world::log(&format!("end {}", self.count.load(Ordering::Relaxed)));
    }
}

/// Joins, adds one, and leaves when told.
pub(crate) fn ender(peer: &mut Peer) {
    let object = Shared::<Ending>::from_fd(inherited()).expect("an object");
    peer.say(object.count.fetch_add(1, Ordering::Relaxed) + 1);
    peer.hear();
    drop(object);
    peer.say("left");
    peer.hear();
}

/// Joins, and keeps its handle to the end of the process.
pub(crate) fn by_exit(peer: &mut Peer) {
    let object = Shared::<Ending>::from_fd(inherited()).expect("an object");
    peer.say(object.count.fetch_add(1, Ordering::Relaxed) + 1);
    peer.hear();
    std::mem::forget(object);
}

/// An object with an end, and a handle on it.
fn ending() -> (Shared<Ending>, OwnedFd) {
    let object =
        Shared::<Ending>::anonymous(|| Ending { count: AtomicU64::new(0) }).expect("an object");
    let handle = object.to_fd().expect("a handle");
    (object, handle)
}

#[test]
fn the_last_clean_leaver_runs_the_end_once() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let (object, handle) = ending();
    let mut heirs = [1, 2, 3].map(|count| {
        let mut heir = heir_of(&world, "ender", &handle);
        heir.expect_next(&count.to_string());
        heir
    });
    drop(object);
    heirs[0].expect("go", "left");
    let [_, killed, mut last] = heirs;
    killed.kill();
    assert_eq!(world.logged("end 3"), 0);
    last.expect("go", "left");
    assert_eq!(world.logged("end 3"), 1);
    let over = Shared::<Ending>::from_fd(&handle).expect_err("it is over");
    assert_eq!((over.code(), over.object()), ("ended", "anonymous"));
    last.leave();
}

#[test]
fn an_exit_ends_it_without_the_types_end() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let (object, handle) = ending();
    let mut heir = heir_of(&world, "end-by-exit", &handle);
    heir.expect_next("1");
    drop(object);
    heir.leave();
    assert_eq!(world.logged("end 1"), 0);
    assert_eq!(Shared::<Ending>::from_fd(&handle).expect_err("it is over").code(), "ended");
}

#[test]
fn with_everybody_killed_it_is_over() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let [mut a, mut b] = [world.child("user"), world.child("user")];
    a.expect("anonymous", "ok created=true");
    hand(&world, &mut a, &mut b, ["give", "take_view"]);
    a.kill();
    b.expect("view_status", "ok Orphan");
    b.leave();
}

#[test]
fn whoever_waits_learns_of_the_end() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let [mut a, mut b] = [world.child("user"), world.child("user")];
    a.expect("anonymous", "ok created=true");
    hand(&world, &mut a, &mut b, ["give", "take_view"]);
    b.expect("view_read", "ok 0@1");
    b.say("view_wait 60000");
    a.expect("drop", "ok");
    b.expect_next("err ended");
    b.expect("view_status", "ok Ended");
    b.expect("view_get", "ok 0");
}

#[test]
fn a_kept_one_waits_for_its_next_user_in_a_descriptor() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let options = SharedValue::<Pair>::options().keep(Keep::UntilReboot);
    let object = options.anonymous(|| Pair::of(6)).expect("an object");
    let handle = object.to_fd().expect("a handle");
    drop(object);
    for number in [7, 8] {
        let mut heir = heir_of(&world, "heir", &handle);
        heir.expect_next(&format!("false {number}"));
        heir.kill();
    }
    let again = SharedValue::<Pair>::from_fd(&handle).expect("it was kept");
    assert_eq!(again.get().expect("a value").whole(), 8);
    assert_eq!(again.users().expect("users").len(), 1);
}

/// The memory that a process is constructing in: nobody else has a handle on it, but the system shows.
#[cfg(unix)]
fn memory_of(process: &Child) -> std::fs::File {
    let folder = format!("/proc/{}/fd", process.pid());
    let entries = std::fs::read_dir(folder).expect("its descriptors").map_while(Result::ok);
    let is_memory = |path: &std::path::PathBuf| {
        std::fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("/memfd:cohabit"))
    };
    let path = entries.map(|entry| entry.path()).find(is_memory).expect("memory");
    std::fs::File::options().read(true).write(true).open(path).expect("memory")
}

#[test]
#[cfg(unix)]
fn a_builder_is_waited_for_and_its_death_ends_the_object() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let options = SharedValue::<Pair>::options().timeout(std::time::Duration::from_millis(1));
    let mut builder = world.child("user");
    builder.expect("anonymous constructor=hold", "building");
    let handle = memory_of(&builder);
    let busy = options.from_fd(&handle).expect_err("not finished");
    assert_eq!(busy.code(), "busy");
    assert!(busy.to_string().contains(&builder.pid().to_string()), "{busy}");
    builder.expect("go", "ok created=true");
    let joined = options.from_fd(&handle).expect("finished");
    assert_eq!(joined.get().expect("a value").whole(), 0);

    let mut killed = world.child("user");
    killed.expect("anonymous constructor=hold", "building");
    let handle = memory_of(&killed);
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| SharedValue::<Pair>::from_fd(&handle).map(|_| ()));
        let waits = options.from_fd(&handle).expect_err("not finished");
        assert_eq!(waits.code(), "busy");
        killed.kill();
        assert_eq!(waiter.join().expect("a thread").expect_err("nobody builds").code(), "ended");
    });

    for how in ["fail", "panic"] {
        let mut fails = world.child("user");
        fails.expect("anonymous constructor=hold", "building");
        let handle = memory_of(&fails);
        fails.say(how);
        until(|| options.from_fd(&handle).is_err_and(|error| error.code() == "ended"));
        if how == "fail" {
            fails.expect_next("err constructor-failed");
        } else {
            assert_eq!(fails.end().code(), Some(101));
        }
    }
}

#[test]
fn more_users_than_it_was_made_for_are_told() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let options = SharedValue::<Pair>::options().max_users(2);
    let object = options.anonymous(|| Pair::of(6)).expect("an object");
    let handle = object.to_fd().expect("a handle");
    let mut one = heir_of(&world, "heir", &handle);
    one.expect_next("false 7");
    let mut user = world.child("user");
    let socket = super::handing::socket(&world);
    let mut takes = |answer: &str| {
        let giver = Giver::at(&socket);
        user.say(format!("take {socket}"));
        giver.meet().give(&handle);
        user.expect_next(answer);
    };
    takes("err slots-full");
    one.kill();
    takes("ok created=false");
}

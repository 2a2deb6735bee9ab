//! What each handle allows, and what it does not allow whoever has it.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::sync::Barrier;

use cohabit::{SharedValue, SharedView, Value};

use super::handing::{hand, heir_of, inherited};
use crate::support::user::Pair;
use crate::support::{Peer, World, has_handles, is_root, sys};

/// Opens what a descriptor leads to once more, for writing, as a program does that means to.
fn opened_for_writing(handle: &impl AsRawFd) -> std::io::Result<File> {
    let path = format!("/proc/self/fd/{}", handle.as_raw_fd());
    OpenOptions::new().read(true).write(true).open(path)
}

fn object() -> (SharedValue<Pair>, OwnedFd, OwnedFd) {
    let object = SharedValue::<Pair>::anonymous(|| Pair::of(1)).expect("an object");
    let handle = object.to_fd().expect("a handle");
    let read_only = object.to_read_only_fd().expect("a handle");
    (object, handle, read_only)
}

fn code<T>(outcome: cohabit::Result<T>) -> &'static str {
    outcome.err().map_or("ok", |error| error.code())
}

#[test]
fn nobody_can_cut_or_lengthen_it() {
    if !has_handles() {
        return;
    }
    let (object, handle, _) = object();
    let size = object.size();
    let raw = File::from(handle);
    for wrong in [0, size - 4096, size + 4096] {
        let refused = raw.set_len(wrong).expect_err("sealed");
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    }
    assert_eq!(raw.metadata().expect("its size").len(), size);
    object.set(Pair::of(2)).expect("a set");
    assert_eq!(object.get().expect("a value").whole(), 2);
}

/// Memory with the bytes of an object, which is not sealed yet.
fn unsealed(bytes: &[u8]) -> File {
    let mut memory = File::from(sys::memory());
    memory.write_all(bytes).expect("bytes");
    memory
}

#[test]
fn one_that_is_cut_and_sealed_while_it_is_looked_at_is_refused() {
    if !has_handles() {
        return;
    }
    let (object, handle, _) = object();
    let size = object.size();
    let mut bytes = vec![0; usize::try_from(size).expect("a size")];
    File::from(handle).read_exact_at(&mut bytes, 0).expect("its bytes");
    for _ in 0..2_000 {
        let memory = unsealed(&bytes);
        let start = Barrier::new(2);
        let seen = std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                memory.set_len(size - 1024).expect("not sealed");
                sys::seal_size(&memory);
            });
            start.wait();
            // Until it is judged by something else than that it is not sealed yet.
            loop {
                let seen = SharedView::<Value<Pair>>::from_fd(&memory).expect_err("no object");
                if !seen.detail().contains("is not sealed") {
                    break seen;
                }
            }
        });
        assert!(seen.detail().contains(&format!("found {}", size - 1024)), "{seen}");
    }
}

#[test]
fn a_read_only_handle_is_no_protection_from_the_same_user() {
    if !has_handles() {
        return;
    }
    let (object, _, read_only) = object();
    assert_eq!(code(SharedValue::<Pair>::from_fd(&read_only)), "read-only-handle");
    let view = SharedView::<Value<Pair>>::from_fd(&read_only).expect("a view");
    assert_eq!(view.get().expect("a value").whole(), 1);
    let mut raw = File::from(read_only.try_clone().expect("another"));
    raw.write(b"x").expect_err("this descriptor does not allow it");
    // As the documentation says: whoever means to, can.
    let again = opened_for_writing(&read_only).expect("it opens");
    let joined = SharedValue::<Pair>::from_fd(&again).expect("and is a handle like any other");
    joined.set(Pair::of(2)).expect("a set");
    assert_eq!(object.get().expect("a value").whole(), 2);
}

#[test]
fn closed_to_new_writers_nobody_new_writes() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let [mut a, mut b, mut c] = [world.child("user"), world.child("user"), world.child("user")];
    a.expect("anonymous", "ok created=true");
    hand(&world, &mut a, &mut b, ["give", "take"]);
    a.expect("closed_to_writers", "ok closed");
    b.expect("closed_to_writers", "ok closed");
    for how in ["give", "give_read_only"] {
        let refused = hand(&world, &mut a, &mut c, [how, "take"]);
        assert!(refused.starts_with("err read-only-handle"), "{refused}");
        assert_eq!(hand(&world, &mut a, &mut c, [how, "take_view"]), "ok view");
    }
    // Those who write already go on, with everything.
    b.expect("set 5", "ok 2");
    c.expect("view_get", "ok 5");
    b.expect("hold", "inside");
    b.kill();
    a.expect("set 6", "ok 3");
    c.expect("view_get", "ok 6");
    a.expect("users", &format!("ok {}:false", a.pid()));
    a.expect("drop", "ok");
    c.expect("view_status", "ok Ended");
}

#[test]
fn closed_to_new_writers_it_cannot_be_opened_for_writing_in_earnest() {
    if !has_handles() {
        return;
    }
    let (object, handle, read_only) = object();
    object.forbid_new_writers().expect("a seal");
    object.forbid_new_writers().expect("twice is once");
    for descriptor in [&handle, &read_only] {
        let mut again = opened_for_writing(descriptor).expect("the opening itself is allowed");
        let refused = again.write(b"x").expect_err("the writing is not");
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
        assert!(!sys::maps_writable(&again), "nor a mapping");
        assert_eq!(code(SharedValue::<Pair>::from_fd(&again)), "read-only-handle");
    }
    // In this process too, which has it: the right is looked at, not the past.
    assert_eq!(code(SharedValue::<Pair>::from_fd(&handle)), "read-only-handle");
    object.set(Pair::of(2)).expect("a set");
    let view = SharedView::<Value<Pair>>::from_fd(&handle).expect("a view");
    assert_eq!(view.get().expect("a value").whole(), 2);
}

/// Another user, who was given a handle.
pub(crate) fn outsider(peer: &mut Peer) {
    sys::become_for_good(65_534, 65_534, &[]);
    let join = SharedValue::<Pair>::from_fd(inherited());
    let view = SharedView::<Value<Pair>>::from_fd(inherited()).expect("a view");
    let seen = view.get().expect("a value").whole();
    let again = opened_for_writing(&inherited()).is_ok();
    let on = view.to_fd().map(|handle| SharedView::<Value<Pair>>::from_fd(handle).is_ok());
    let on = on.map_or_else(|error| error.code().to_owned(), |on| on.to_string());
    let write = File::from(inherited().try_clone_to_owned().expect("another")).write(b"C").is_ok();
    peer.say(format!("{} {seen} opens={again} writes={write} on={on}", code(join)));
    peer.hear();
}

#[test]
fn another_user_can_look_and_with_a_read_only_handle_nothing_else() {
    if !has_handles() {
        return;
    }
    if !is_root() {
        return;
    }
    let world = World::new();
    let (object, handle, read_only) = object();
    let mut reader = heir_of(&world, "outsider", &read_only);
    reader.expect_next("read-only-handle 1 opens=false writes=false on=true");
    let mut other = heir_of(&world, "outsider", &handle);
    other.expect_next("permission-denied 1 opens=false writes=true on=permission-denied");
    // What keeps them out is the mode of the memory, and nothing else.
    File::from(handle.try_clone().expect("another"))
        .set_permissions(Permissions::from_mode(0o666))
        .expect("open to all");
    let mut third = heir_of(&world, "outsider", &read_only);
    third.expect_next("read-only-handle 1 opens=true writes=false on=true");
    // Access is what sets that mode.
    let access = cohabit::Access::everyone().writes();
    let options = SharedValue::<Pair>::options().scope(cohabit::Scope::Machine(access));
    let open = options.anonymous(|| Pair::of(1)).expect("an object");
    let mut joins = heir_of(&world, "outsider", open.to_fd().expect("a handle"));
    joins.expect_next("ok 1 opens=true writes=true on=true");
    joins.leave();
    let access = cohabit::Access::group(65_534).writes();
    let options = SharedValue::<Pair>::options().scope(cohabit::Scope::Machine(access));
    let group = options.anonymous(|| Pair::of(1)).expect("an object");
    let mut joins = heir_of(&world, "outsider", group.to_fd().expect("a handle"));
    joins.expect_next("ok 1 opens=true writes=true on=true");
    joins.leave();
    [reader, other, third].into_iter().for_each(crate::support::Child::leave);
    assert_eq!(object.users().expect("users").len(), 1);
}

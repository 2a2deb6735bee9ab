//! The file beside an object that some may only read: there as long as its object, and its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::beside::is_lock_file;
use crate::support::{World, until};

/// The lock files of an object, without those that the portable mechanism has for each slot of them.
fn lock_files(world: &World, name: &str) -> Vec<PathBuf> {
    let home = world.shared(name);
    let entries = fs::read_dir(&home).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let of_the_object = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        name.starts_with(".cohabit.") && !is_lock_file(name)
    };
    paths.filter(of_the_object).collect()
}

#[test]
fn it_comes_and_goes_with_its_instance() {
    let world = World::new();
    let mut user = world.child("user");
    user.expect("open_or_create rpm machine=e:r", "ok created=true");
    let first = lock_files(&world, "rpm");
    assert_eq!(first.len(), 1);
    assert_eq!(fs::metadata(&first[0]).expect("there").permissions().mode() & 0o777, 0o600);
    let mut second = world.child("user");
    second.expect("open rpm machine=o", "ok created=false");
    let users = second.expect("users", "ok");
    assert_eq!(users.split(' ').count(), 3, "two users: {users}");
    user.kill();
    until(|| second.ask("users").split(' ').count() == 2);
    second.kill();
    // An orphan: the next one makes a new instance, with a lock file of its own.
    let mut third = world.child("user");
    third.expect("open rpm machine=o", "err not-found");
    third.expect("open_or_create rpm machine=e:r", "ok created=true");
    let now = lock_files(&world, "rpm");
    assert!(now.len() == 1 && now != first, "{now:?}");
    third.leave();
    assert_eq!(world.shared_names(), Vec::<String>::new());
}

#[test]
fn lock_file_invalid_when_missing() {
    let world = World::new();
    let mut user = world.child("user");
    user.expect("open_or_create rpm machine=e:r", "ok created=true");
    let lock = lock_files(&world, "rpm").remove(0);
    fs::remove_file(&lock).expect("a file");
    let mut second = world.child("user");
    for word in ["open", "open_or_create", "view"] {
        let refused = second.expect(format!("{word} rpm machine=o"), "err lock-file-invalid");
        assert!(refused.contains("found nothing"), "{refused}");
    }
    // Who is in goes on, and knows of the others by the descriptor that it keeps.
    user.expect("update", "ok 1");
    user.expect("users", "ok");
    second.expect("remove rpm machine=o", "err lock-file-invalid");
    second.expect("remove_force rpm machine=o", "ok");
    second.expect("open_or_create rpm machine=e:r", "ok created=true");
    user.expect("status", "ok NameLost");
    user.leave();
    second.leave();
    assert_eq!(world.shared_names(), Vec::<String>::new());
}

#[test]
fn lock_file_invalid_when_it_is_another_objects() {
    let world = World::new();
    let mut user = world.child("user");
    user.expect("open_or_create rpm machine=e:r", "ok created=true");
    let lock = lock_files(&world, "rpm").remove(0);
    let good = fs::read(&lock).expect("its bytes");
    let mut second = world.child("user");
    for at in [0, 8, 16, 31, 32, 39, 63] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&lock, &bad).expect("written");
        let refused = second.expect("open rpm machine=o", "err lock-file-invalid");
        assert!(refused.contains("found another"), "at {at}: {refused}");
    }
    fs::write(&lock, &good[..40]).expect("written");
    second.expect("view rpm machine=o", "err lock-file-invalid");
    fs::write(&lock, &good).expect("written");
    second.expect("open rpm machine=o", "ok created=false");
    second.leave();
    user.leave();
    assert_eq!(world.shared_names(), Vec::<String>::new());
}

#[test]
fn one_that_was_left_alone_is_taken_away() {
    let world = World::new();
    let mut user = world.child("user");
    user.expect("open_or_create rpm machine=e:r", "ok created=true");
    let lock = lock_files(&world, "rpm").remove(0);
    let object = world.shared("rpm").join("rpm");
    // As if its maker had been killed between the two names, or its last user between their ends.
    fs::remove_file(&object).expect("a file");
    let mut next = world.child("user");
    next.expect("collect machine=o", "ok  / 0 left");
    assert!(lock.exists(), "its maker lives");
    user.kill();
    next.expect("collect machine=o", "ok  / 0 left");
    assert_eq!(world.shared_names(), Vec::<String>::new(), "collected");
    // The same, tidied by the next one who makes the name.
    let mut user = world.child("user");
    user.expect("open_or_create rpm machine=e:r", "ok created=true");
    fs::remove_file(&object).expect("a file");
    user.kill();
    next.expect("open rpm machine=o", "err not-found");
    next.expect("open_or_create rpm machine=e:r", "ok created=true");
    assert_eq!(lock_files(&world, "rpm").len(), 1);
    // And what is no lock file stays.
    let strange = world.shared("rpm").join(".cohabit.00");
    fs::write(&strange, [0; 64]).expect("written");
    next.leave();
    assert_eq!(world.shared_names(), ["cohabit.rpm", "cohabit.rpm/.cohabit.00"]);
    fs::remove_file(&strange).expect("a file");
    fs::remove_dir(world.shared("rpm")).expect("empty");
}

#[test]
fn an_observer_waits_for_a_builder_it_cannot_judge_and_not_for_ever() {
    if !crate::support::is_root() {
        return;
    }
    let world = World::new();
    world.open_to_all();
    let mut builder = world.child("user");
    builder.say("open_or_create rpm machine=e:r constructor=hold");
    builder.expect_next("building");
    let mut reader = super::user_as(&world, super::OTHER);
    let busy = reader.expect("view rpm machine=e:r timeout=50", "err busy");
    assert!(busy.contains("is still constructing"), "{busy}");
    reader.say("view rpm machine=e:r");
    builder.say("go on");
    builder.expect_next("ok created=true");
    reader.expect_next("ok");
    reader.expect("drop_view", "ok");
    builder.leave();
    // A dead one, too, is not judged dead.
    let mut builder = world.child("user");
    builder.say("open_or_create rpm machine=e:r constructor=hold");
    builder.expect_next("building");
    builder.kill();
    reader.expect("view rpm machine=e:r timeout=50", "err busy");
    let mut next = world.child("user");
    next.expect("open_or_create rpm machine=e:r", "ok created=true");
    reader.expect("view rpm machine=e:r", "ok");
    reader.leave();
    next.leave();
    assert_eq!(world.shared_names(), Vec::<String>::new());
}

//! Objects that outlast the boot: closed by the last one who leaves, unverified else.
//!
//! A boot is no more to a file than another number in its header: writing one is what a start of the
//! machine does to an object whose pages all came to the disk.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use cohabit::{ErrorKind, Keep, Scope, SharedValue};
use cohabit_os::health::{Medium, filesystem};

use crate::support::World;

/// Where FORMAT.md has these words.
const USED_BOOT: u64 = 152;
const CLOSED: u64 = 160;
const SLOTS_AT: u64 = 80;

/// A place for objects on a disk; `None`, and said so, where the build is not on one.
fn on_disk() -> Option<World> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    if filesystem(base).expect("an answer").medium != Medium::Disk {
        println!("skipped: {} is on no local disk", base.display());
        return None;
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("cohabit-disk-{}-{number}", std::process::id());
    Some(World::below(&base.join(name)))
}

fn word(path: &Path, at: u64) -> u64 {
    let mut bytes = [0; 8];
    File::open(path).expect("the object").read_exact_at(&mut bytes, at).expect("a word");
    u64::from_le_bytes(bytes)
}

fn put(path: &Path, at: u64, value: u64) {
    let file = File::options().write(true).open(path).expect("the object");
    file.write_all_at(&value.to_le_bytes(), at).expect("a word");
}

/// What a start of the machine does to the object.
fn reboot(path: &Path) {
    put(path, USED_BOOT, word(path, USED_BOOT) ^ 1);
}

fn remove(world: &World, path: PathBuf) {
    fs::remove_file(path).expect("the object");
    world.tidy();
    world.assert_empty();
}

#[test]
fn not_on_disk_where_the_boot_ends_it() {
    let world = World::new();
    let mut user = world.child("user");
    for word in ["open_or_create", "create"] {
        let refused = user.expect(format!("{word} rpm keep=disk"), "err not-on-disk");
        assert!(refused.contains("on tmpfs, which ends with the boot"), "{refused}");
    }
    user.expect("anonymous keep=disk", "err not-on-disk");
    user.expect("create rpm machine=o keep=disk", "err not-on-disk");
    assert_eq!(world.shared_names(), Vec::<String>::new());
    user.leave();
}

#[test]
fn a_closed_object_is_there_after_the_boot() {
    let Some(world) = on_disk() else { return };
    let path = world.path("rpm");
    let mut first = world.child("user");
    first.expect("open_or_create rpm keep=disk", "ok created=true");
    first.expect("set 7", "ok");
    let mut second = world.child("user");
    second.expect("open rpm", "ok created=false");
    first.leave();
    assert_eq!(word(&path, CLOSED), 0, "somebody uses it");
    second.expect("set 8", "ok");
    second.leave();
    assert_eq!(word(&path, CLOSED), 1, "closed by the last one");
    reboot(&path);
    let mut view = world.child("user");
    view.expect("view rpm", "ok");
    view.expect("view_get", "ok 8");
    assert_eq!(word(&path, CLOSED), 1, "an observer changes nothing");
    let mut third = world.child("user");
    third.expect("open_or_create rpm", "ok created=false");
    assert_eq!(word(&path, CLOSED), 0, "in use again");
    third.expect("update", "ok 9");
    view.expect("view_get", "ok 9");
    third.kill();
    // Killed, the machine goes on: nothing is lost, and nothing has to be accepted.
    let mut fourth = world.child("user");
    fourth.expect("open rpm", "ok created=false");
    fourth.expect("get", "ok 9");
    fourth.leave();
    view.leave();
    assert_eq!(word(&path, CLOSED), 1);
    assert_eq!(world.entry("rpm").map(|entry| entry.keep), Some(Some(Keep::OnDisk)));
    remove(&world, path);
}

#[test]
fn unverified_when_the_machine_stopped_in_use() {
    let Some(world) = on_disk() else { return };
    let path = world.path("rpm");
    let mut user = world.child("user");
    user.expect("open_or_create rpm keep=disk", "ok created=true");
    user.expect("set 7", "ok");
    user.kill();
    reboot(&path);
    let mut user = world.child("user");
    for word in ["open", "open_or_create", "view"] {
        let refused = user.expect(format!("{word} rpm"), "err unverified");
        assert!(refused.contains("the machine stopped"), "{refused}");
    }
    assert_eq!(world.entry("rpm").expect("an entry").state.as_str(), "unverified");
    let collected = cohabit::collect(&world.scope()).expect("collected");
    assert_eq!((collected.removed.len(), collected.left), (0, 1));
    user.expect("view rpm accept", "ok");
    user.expect("view_get", "ok 7");
    assert_eq!(word(&path, CLOSED), 0);
    user.expect("open rpm accept", "ok created=false");
    // From then on it is in use in this boot, and nobody else has to accept it.
    let mut other = world.child("user");
    other.expect("open rpm", "ok created=false");
    other.leave();
    user.expect("get", "ok 7");
    user.leave();
    reboot(&path);
    let mut user = world.child("user");
    user.expect("open rpm", "ok created=false");
    user.leave();
    remove(&world, path);
}

#[test]
fn who_is_writing_everything_out_has_not_closed() {
    let Some(world) = on_disk() else { return };
    let path = world.path("rpm");
    world.child("user").expect("open_or_create rpm keep=disk", "ok created=true");
    assert_eq!(word(&path, CLOSED), 1);
    // As if it had been cut off while it closed: a token stands there.
    put(&path, CLOSED, 1 << 32 | 1);
    reboot(&path);
    let mut user = world.child("user");
    user.expect("open rpm", "err unverified");
    user.leave();
    remove(&world, path);
}

#[test]
fn a_token_of_before_the_boot_is_never_given_out_again() {
    let Some(world) = on_disk() else { return };
    let path = world.path("rpm");
    let mut user = world.child("user");
    user.expect("open_or_create rpm keep=disk", "ok created=true");
    user.say("hold");
    user.expect_next("inside");
    user.kill();
    // The lock names slot 0 in generation 1. Of the row, an older page came to the disk.
    let row = word(&path, SLOTS_AT);
    put(&path, row, 0);
    reboot(&path);
    let mut user = world.child("user");
    user.expect("open rpm accept", "ok created=false");
    assert!(word(&path, row) >> 32 > 1 << 16, "the rows were moved ahead");
    user.expect("update", "ok 1");
    user.leave();
    remove(&world, path);
}

#[test]
fn exit_closes_where_no_other_thread_can_store() {
    let Some(world) = on_disk() else { return };
    let path = world.path("rpm");
    let mut user = world.child("user");
    user.expect("open_or_create rpm keep=disk", "ok created=true");
    user.say("exit");
    user.finish();
    assert_eq!(word(&path, CLOSED), 1);
    let mut user = world.child("user");
    user.expect("open rpm", "ok created=false");
    user.expect("thread", "ok");
    user.say("exit");
    user.finish();
    assert_eq!(word(&path, CLOSED), 0);
    let mut user = world.child("user");
    user.expect("open rpm", "ok created=false");
    user.expect("thread", "ok");
    user.expect("drop", "ok");
    assert_eq!(word(&path, CLOSED), 1, "dropping the last handle closes, whoever else runs");
    user.leave();
    remove(&world, path);
}

#[test]
fn a_folder_of_our_own_process_too() {
    let Some(world) = on_disk() else { return };
    let options = || SharedValue::<u64>::options().scope(world.scope()).keep(Keep::OnDisk);
    let object = options().create("rpm", || 5).expect("created");
    let again = options().open("rpm").expect("the same attachment");
    drop(object);
    assert_eq!(word(&world.path("rpm"), CLOSED), 0);
    drop(again);
    assert_eq!(word(&world.path("rpm"), CLOSED), 1);
    let refused = options().create("rpm", || 6).expect_err("it is kept");
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    cohabit::remove(&world.scope(), "rpm", false).expect("removed");
    world.assert_empty();
    let gone = SharedValue::<u64>::options().scope(Scope::Folder(world.folder().to_owned()));
    assert_eq!(gone.open("rpm").expect_err("gone").kind(), ErrorKind::NotFound);
}

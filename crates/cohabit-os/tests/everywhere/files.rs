//! Files: whole before they have a name, one of many wins it, seen by all, and gone by it.

use std::path::Path;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use cohabit_os::error::Cause;
use cohabit_os::mapping::{
    Access, File, FileKind, Lasts, Rights, list, remove_empty, retire, space, status_of,
    sync_folder,
};
use cohabit_os::process::{boot_id, effective_uid};

use crate::support::{Folder, KINDS, Peer, published, word};

#[test]
fn an_unnamed_file_is_whole_and_unreachable() {
    let folder = Folder::new();
    let sizes = [0, 1, 64, 4095, 4096, 4097, 1 << 20];
    for (size, (lasts, _)) in sizes.into_iter().flat_map(|size| KINDS.map(|kind| (size, kind))) {
        let file = match File::lasting(folder.path(), size, 0o600, lasts) {
            Err(error) if size == 0 && lasts == Lasts::OnDisk && cfg!(windows) => {
                assert_eq!(error.cause(), Cause::Unsupported);
                continue;
            }
            made => made.expect("a file"),
        };
        let status = file.status().expect("a status");
        assert_eq!((status.size, status.links, status.mode), (size, 0, 0o600));
        assert_eq!((status.kind, status.owner), (FileKind::Regular, effective_uid()));
        assert!(published(&folder).is_empty());
        let path = folder.join("name");
        file.publish(&path).expect("a free name");
        assert_eq!(file.status().expect("a status").links, 1);
        assert_eq!(list(folder.path()).expect("a list"), ["name"]);
        let opened = File::open(&path, Access::ReadOnly).expect("an open file");
        assert_eq!(opened.status().expect("a status"), file.status().expect("a status"));
        assert_eq!(status_of(&path).expect("a status").id, status.id);
        assert!(retire(&path, status.id).expect("an answer"));
        assert!(list(folder.path()).expect("a list").is_empty());
    }
    for (lasts, _) in KINDS {
        assert!(File::lasting(&folder.join("no folder"), 8, 0o600, lasts).is_err());
    }
    assert_eq!(raw_names(folder.path()), [""; 0], "nothing is left");
}

#[test]
fn of_many_who_publish_one_name_one_wins() {
    let folder = Folder::new();
    let path = folder.join("name");
    let text = path.to_str().expect("text").to_owned();
    for kinds in [[0, 0], [1, 1], [0, 1], [1, 0]] {
        let kind = |racer: usize| KINDS[kinds[racer % 2]].1;
        let racers = (0..4).map(|racer| Peer::play("publish", &[&text, kind(racer)]));
        let mut racers: Vec<_> = racers.collect();
        racers.iter_mut().for_each(|racer| racer.expect("ready"));
        racers.iter_mut().for_each(|racer| racer.tell("go"));
        let said: Vec<_> = racers.iter_mut().map(Peer::hear).collect();
        let won = said.iter().filter(|said| *said == "won").count();
        // One in memory and one on disk may see each other, and both give way.
        assert!(won == 1 || won == 0 && kinds[0] != kinds[1], "{kinds:?}: {said:?}");
        if won == 0 {
            continue;
        }
        assert_eq!(published(&folder), ["name"]);
        let id = status_of(&path).expect("a status").id;
        assert!(retire(&path, id).expect("an answer"));
        assert!(published(&folder).is_empty());
    }
}

#[test]
fn bytes_are_seen_by_every_process_and_survive_one_that_is_killed() {
    KINDS.into_iter().for_each(|(lasts, _)| bytes_are_seen_by_every_process(lasts));
}

fn bytes_are_seen_by_every_process(lasts: Lasts) {
    let folder = Folder::new();
    let (path, file, _) = folder.file_that(lasts, "name");
    let map = file.map(4096, Access::ReadWrite).expect("a map");
    word(&map, 0).store(1, Release);
    let mut peer = Peer::play("look", &[path.to_str().expect("text")]);
    peer.expect("1");
    peer.expect(&boot_id().expect("a boot id").to_string());
    peer.expect("changed");
    assert_eq!(word(&map, 0).load(Acquire), 2);
    peer.end();
    let other = File::open(&path, Access::ReadOnly).expect("an open file");
    let mut bytes = [0xff; 8];
    assert_eq!(other.read_at(&mut bytes, 0).expect("read"), 8);
    assert_eq!(u64::from_le_bytes(bytes), 2);
    assert_eq!(other.read_at(&mut bytes, 4092).expect("read"), 4);
    assert_eq!(other.read_at(&mut bytes, 4096).expect("read"), 0);
    let view = other.map(4096, Access::ReadOnly).expect("a map");
    let refused = other.map(4096, Access::ReadWrite).expect_err("opened for reading");
    assert_eq!(refused.cause(), Cause::PermissionDenied);
    assert!(file.map(0, Access::ReadOnly).is_err(), "an empty map");
    drop((file, other, map));
    assert_eq!(word(&view, 0).load(Acquire), 2, "a map needs no handle");
}

#[test]
fn what_is_written_and_synced_is_there() {
    KINDS.into_iter().for_each(|(lasts, _)| what_is_synced_is_there(lasts));
}

fn what_is_synced_is_there(lasts: Lasts) {
    let folder = Folder::new();
    let file = File::lasting(folder.path(), 4096, 0o600, lasts).expect("an unnamed file");
    file.write_at(b"abc", 5).expect("written");
    file.sync().expect("synced");
    let map = file.map(4096, Access::ReadWrite).expect("a map");
    word(&map, 1).store(u64::from_le_bytes(*b"12345678"), Relaxed);
    map.sync(usize::MAX).expect("all of it");
    sync_folder(folder.path()).expect("synced");
    let mut bytes = [0; 8];
    assert_eq!(file.read_at(&mut bytes, 4).expect("read"), 8);
    assert_eq!(&bytes, b"\0abc1234");
    let room = space(folder.path(), lasts).expect("room");
    assert!(room.free > 0 && room.total >= room.free, "{room:?}");
}

#[test]
fn a_name_is_retired_only_with_its_file() {
    for (lasts, _) in KINDS {
        let folder = Folder::new();
        a_name_is_retired(&folder, lasts);
        assert_eq!(raw_names(folder.path()), ["name"], "those who had the others are gone");
    }
}

/// What the system shows in a folder, without what the portable mechanism keeps there.
pub(crate) fn raw_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
    let names = names.map(|name| name.expect("text"));
    names.filter(|name| !name.starts_with(".cohabit.live.")).collect()
}

fn a_name_is_retired(folder: &Folder, lasts: Lasts) {
    let (path, file, id) = folder.file_that(lasts, "name");
    let (other_path, _other, other_id) = folder.file_that(lasts, "other");
    assert!(!retire(&path, other_id).expect("an answer"), "another file's name");
    // Somebody still has the file when the name goes, and keeps it from nobody.
    let late = File::open(&path, Access::ReadOnly).expect("an open file");
    let _view = late.map(4096, Access::ReadOnly).expect("a map");
    let _map = file.map(4096, Access::ReadWrite).expect("a map");
    assert!(retire(&path, id).expect("an answer"));
    assert!(!retire(&path, id).expect("an answer"), "a missing name");
    assert_eq!(late.status().expect("a status").links, 0);
    assert_eq!(File::open(&path, Access::ReadOnly).expect_err("gone").cause(), Cause::NotFound);
    assert_eq!(status_of(&path).expect_err("gone").cause(), Cause::NotFound);
    assert_eq!(file.publish(&path).expect_err("it cannot come back").cause(), Cause::NotFound);
    let (_, _next, next_id) = folder.file_that(lasts, "name");
    assert_ne!(next_id, id);
    assert_eq!(late.status().expect("a status").links, 0, "the next one's name is not its");
    assert_eq!(status_of(&path).expect("a status").id, next_id);
    assert!(!retire(&path, id).expect("an answer"), "the next one's");
    assert!(retire(&other_path, other_id).expect("an answer"));
    assert_eq!(list(folder.path()).expect("a list"), ["name"]);
}

#[test]
fn a_taken_name_is_said_to_be_taken() {
    for (first, second) in KINDS.into_iter().flat_map(|first| KINDS.map(|second| (first, second))) {
        let folder = Folder::new();
        let (path, _file, id) = folder.file_that(first.0, "name");
        let another = File::lasting(folder.path(), 64, 0o600, second.0).expect("an unnamed file");
        assert_eq!(another.publish(&path).expect_err("taken").cause(), Cause::AlreadyExists);
        assert_eq!(status_of(&path).expect("a status").id, id);
        another.publish(&folder.join("other")).expect("its own name");
    }
}

/// A file that is to last needs nobody.
#[test]
fn what_lasts_outlives_its_users() {
    let folder = Folder::new();
    let path = folder.join("name");
    let mut peer = Peer::play("publish", &[path.to_str().expect("text"), "on disk"]);
    peer.expect("ready");
    peer.tell("go");
    peer.expect("won");
    let id = status_of(&path).expect("a status").id;
    peer.kill();
    let file = File::open(&path, Access::ReadWrite).expect("it is there");
    let mut bytes = [0; 5];
    assert_eq!(file.read_at(&mut bytes, 0).expect("read"), 5);
    assert_eq!(&bytes, b"made\0");
    assert_eq!(file.status().expect("a status").id, id);
    // A draft is nothing that anybody would find.
    let mut peer =
        Peer::play("publish", &[folder.join("other").to_str().expect("text"), "on disk"]);
    peer.expect("ready");
    peer.kill();
    cohabit_os::mapping::tidy(folder.path());
    assert_eq!(raw_names(folder.path()), ["name"]);
}

/// What the index has of one that a kill ended keeps no file from its name, and is none.
#[cfg(windows)]
#[test]
fn a_file_takes_the_place_of_what_the_index_has_of_the_dead() {
    let folder = Folder::new();
    let path = folder.join("name");
    let mut peer = Peer::play("publish", &[path.to_str().expect("text"), "while used"]);
    peer.expect("ready");
    peer.tell("go");
    peer.expect("won");
    peer.kill();
    assert!(path.exists(), "the index's file stays");
    let (_, _file, id) = folder.file_that(Lasts::OnDisk, "name");
    assert_eq!(status_of(&path).expect("a status").id, id);
    assert!(retire(&path, id).expect("an answer"));
    let (_, _file, id) = folder.file("name");
    assert_eq!(status_of(&path).expect("a status").id, id);
}

#[cfg(windows)]
#[test]
fn memory_that_nobody_uses_is_kept_by_nobody() {
    let folder = Folder::new();
    let refused = File::lasting(folder.path(), 64, 0o600, Lasts::UntilReboot).expect_err("none");
    assert_eq!(refused.cause(), Cause::Unsupported);
}

/// What the page file holds is kept by those who use it.
#[cfg(windows)]
#[test]
fn what_the_killed_had_alone_is_gone_and_its_name_is_free() {
    let folder = Folder::new();
    let path = folder.join("name");
    let mut peer = Peer::play("publish", &[path.to_str().expect("text"), "while used"]);
    peer.expect("ready");
    peer.tell("go");
    peer.expect("won");
    let id = status_of(&path).expect("a status").id;
    peer.kill();
    assert!(path.exists(), "the index's file stays");
    assert!(list(folder.path()).expect("a list").is_empty(), "and is not believed");
    assert_eq!(status_of(&path).expect_err("gone").cause(), Cause::NotFound);
    let (_, _file, next) = folder.file("name");
    assert_ne!(next, id);
    assert_eq!(list(folder.path()).expect("a list"), ["name"]);
    let mut other =
        Peer::play("publish", &[folder.join("other").to_str().expect("text"), "while used"]);
    other.expect("ready");
    other.tell("go");
    other.expect("won");
    other.kill();
    cohabit_os::mapping::tidy(folder.path());
    assert!(path.exists() && !folder.join("other").exists(), "only what is nobody's any more");
}

#[test]
fn a_folder_is_no_file_and_only_an_empty_one_is_removed() {
    let folder = Folder::new();
    let inner = folder.join("inner");
    std::fs::create_dir(&inner).expect("a folder");
    assert_eq!(
        File::open(&inner, Access::ReadWrite).expect_err("no file").cause(),
        Cause::IsDirectory
    );
    assert_eq!(status_of(&inner).expect("a status").kind, FileKind::Directory);
    std::fs::write(inner.join("file"), b"x").expect("a file");
    assert!(!remove_empty(&inner).expect("an answer"));
    std::fs::remove_file(inner.join("file")).expect("a file");
    assert_eq!(list(folder.path()).expect("a list"), ["inner"]);
    assert!(remove_empty(&inner).expect("an answer"));
    assert!(!remove_empty(&inner).expect("an answer"), "gone");
}

#[test]
fn rights_are_those_that_were_granted_last() {
    let folder = Folder::new();
    let made = KINDS.map(|(lasts, _)| File::lasting(folder.path(), 64, 0o600, lasts));
    for (file, mode) in made.iter().flat_map(|made| [0o644, 0o666, 0o600].map(|mode| (made, mode)))
    {
        let file = file.as_ref().expect("an unnamed file");
        file.grant(Rights { mode, group: None }).expect("granted");
        assert_eq!(file.status().expect("a status").mode, mode);
        // As another handle of it sees it.
        let again = file.reopen(Access::ReadOnly).expect("another description");
        assert_eq!(again.status().expect("a status").mode, mode);
    }
}

/// Memory for all sessions takes a privilege, which the kernel of Wine does not know of; who lacks it is asked for by
/// the mechanism itself.
#[cfg(windows)]
#[test]
fn who_lacks_the_privilege_for_memory_of_all_sessions_has_a_file() {
    let folder = Folder::new();
    let home = folder.join("cohabit.x");
    std::fs::create_dir(&home).expect("a folder");
    let path = home.join("x");
    let (file, length) = (File::unnamed(&home, 4096, 0o600).expect("memory"), || {
        std::fs::metadata(&path).expect("something stands there").len()
    });
    file.publish(&path).expect("a free name");
    assert_eq!(length(), 0, "who has it has memory");
    let id = file.status().expect("a status").id;
    let mut peer = Peer::play("publish as anybody", &[path.to_str().expect("text"), "while used"]);
    peer.expect("ready");
    peer.tell("go");
    peer.expect("lost");
    assert!(retire(&path, id).expect("an answer"));
    peer.kill();
    let mut peer = Peer::play("publish as anybody", &[path.to_str().expect("text"), "while used"]);
    peer.expect("ready");
    peer.tell("go");
    peer.expect("won");
    assert_eq!(length(), 4096, "who lacks it has a file");
    let found = File::open(&path, Access::ReadWrite).expect("an open file");
    let again = File::unnamed(&home, 4096, 0o600).expect("memory");
    assert_eq!(again.publish(&path).expect_err("taken").cause(), Cause::AlreadyExists);
    let mut look = Peer::play("look", &[path.to_str().expect("text")]);
    look.expect(&u64::from_le_bytes(*b"made\0\0\0\0").to_string());
    look.kill();
    peer.kill();
    let id = found.status().expect("a status").id;
    drop(found);
    assert_eq!(list(&home).expect("a list"), ["x"], "it stays when its users were killed");
    assert!(retire(&path, id).expect("an answer"));
    // The first one was killed with what it could not publish.
    cohabit_os::mapping::tidy(&home);
    assert!(raw_names(&home).is_empty(), "{:?}", raw_names(&home));
    again.publish(&path).expect("the name is free");
    assert!(retire(&path, again.status().expect("a status").id).expect("an answer"));
    // Who looks on when it ends is the last one to have the file, and takes the folder away.
    let mut peer = Peer::play("publish as anybody", &[path.to_str().expect("text"), "while used"]);
    peer.expect("ready");
    peer.tell("go");
    peer.expect("won");
    let late = File::open(&path, Access::ReadOnly).expect("an open file");
    let view = late.map(4096, Access::ReadOnly).expect("a map");
    peer.tell("retire");
    peer.expect("retired");
    peer.end();
    assert_eq!(late.status().expect("a status").links, 0);
    assert!(home.exists());
    drop(late);
    drop(view);
    assert!(!home.exists(), "nothing is in it any more");
}

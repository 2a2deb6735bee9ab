//! Unnamed files, publication, opening, retirement, room.

use std::ffi::CString;
use std::os::unix::fs::symlink;
use std::sync::atomic::Ordering::Relaxed;

use cohabit_os::error::Cause;
use cohabit_os::mapping::{
    Access, File, FileKind, Lasts, list, remove_empty, retire, space, status_of, sync_folder,
};

use crate::support::{Child, Folder, Line, child, forever, portable, root, word};

#[test]
fn of_many_who_publish_one_name_one_wins() {
    let folder = Folder::new();
    let path = folder.join("name");
    for round in 0..20 {
        let start = Line::new();
        let racers: Vec<Child> = (0..8)
            .map(|_| {
                child(|| {
                    let file = File::unnamed(folder.path(), 4096, 0o600).expect("a file");
                    start.hear();
                    match file.publish(&path) {
                        Ok(()) => 1,
                        Err(error) if error.cause() == Cause::AlreadyExists => 0,
                        Err(error) => panic!("{error}"),
                    }
                })
            })
            .collect();
        racers.iter().for_each(|_| start.tell());
        let winners: i32 = racers.into_iter().map(Child::code).sum();
        assert_eq!(winners, 1, "round {round}");
        let id = status_of(&path).expect("the name").id;
        assert!(retire(&path, id).expect("retire"));
    }
    assert!(list(folder.path()).expect("list").is_empty());
}

/// The names in a folder that are not hidden: a draft has a hidden one, where there is no file without.
fn names(folder: &Folder) -> Vec<String> {
    let mut names = list(folder.path()).expect("list");
    if portable() {
        names.retain(|name| !name.starts_with('.'));
    }
    names
}

#[test]
fn an_unnamed_file_is_complete_and_unreachable() {
    let folder = Folder::new();
    let file = File::unnamed(folder.path(), 5000, 0o640).expect("a file");
    let status = file.status().expect("a status");
    assert_eq!((status.size, status.links, status.mode), (5000, 0, 0o640));
    assert_eq!(status.kind, FileKind::Regular);
    assert_eq!(status.owner, cohabit_os::process::effective_uid());
    assert!(names(&folder).is_empty());
    file.publish(&folder.join("name")).expect("publish");
    assert_eq!(file.status().expect("a status").links, 1);
    assert_eq!(list(folder.path()).expect("list"), ["name"]);
    assert_eq!(status_of(&folder.join("name")).expect("a status"), file.status().unwrap());
}

#[test]
fn the_umask_does_not_narrow_the_mode() {
    let folder = Folder::new();
    let narrow = child(|| {
        // SAFETY: umask(2) has no precondition, and this process has one thread.
        unsafe { libc::umask(0o777) };
        let file = File::unnamed(folder.path(), 16, 0o666).expect("a file");
        i32::try_from(file.status().expect("a status").mode).expect("few bits") & 0o77
    });
    assert_eq!(narrow.code(), 0o66);
}

#[test]
fn bytes_written_through_a_map_are_read_and_mapped_by_others() {
    let folder = Folder::new();
    let (path, file, _) = folder.file("name");
    let mapping = file.map(4096, Access::ReadWrite).expect("a map");
    assert_eq!((mapping.len(), mapping.is_empty()), (4096, false));
    word(&mapping).store(0x1122_3344, std::sync::atomic::Ordering::Relaxed);
    let other = File::open(&path, Access::ReadOnly).expect("open");
    let mut bytes = [0xff; 8];
    assert_eq!(other.read_at(&mut bytes, 0).expect("read"), 8);
    assert_eq!(u64::from_ne_bytes(bytes), 0x1122_3344);
    assert_eq!(other.read_at(&mut bytes, 4092).expect("read"), 4);
    assert_eq!(other.read_at(&mut bytes, 4096).expect("read"), 0);
    let view = other.map(4096, Access::ReadOnly).expect("a map");
    assert_eq!(word(&view).load(std::sync::atomic::Ordering::Relaxed), 0x1122_3344);
    let refused = other.map(4096, Access::ReadWrite).expect_err("opened for reading");
    assert_eq!(refused.cause(), Cause::PermissionDenied);
    assert!(file.map(0, Access::ReadOnly).is_err(), "an empty map");
    drop((file, other));
    assert_eq!(word(&view).load(std::sync::atomic::Ordering::Relaxed), 0x1122_3344);
}

#[test]
fn opening_never_creates_and_never_follows() {
    let folder = Folder::new();
    let (path, file, id) = folder.file("name");
    let (link, missing) = (folder.join("link"), folder.join("missing"));
    symlink(&path, &link).expect("a link");
    let cause = |path, access| File::open(path, access).expect_err("refused").cause();
    assert_eq!(cause(&link, Access::ReadWrite), Cause::SymbolicLink);
    assert_eq!(cause(&missing, Access::ReadWrite), Cause::NotFound);
    assert_eq!(cause(folder.path(), Access::ReadWrite), Cause::IsDirectory);
    assert!(!missing.exists());
    assert_eq!(status_of(&link).expect("a status").kind, FileKind::Symlink);
    let pipe = folder.join("pipe");
    let name = CString::new(pipe.to_str().expect("text")).expect("no zero");
    // SAFETY: the name is a string that ends with zero and lives through the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let pipe = File::open(&pipe, Access::ReadOnly).expect("open without waiting for a writer");
    assert_eq!(pipe.status().expect("a status").kind, FileKind::Other);
    assert_eq!(file.reopen(Access::ReadOnly).expect("reopen").status().unwrap().id, id);
}

#[test]
fn a_link_in_the_place_of_the_folder_leads_nowhere() {
    let folder = Folder::new();
    let (path, file, id) = folder.file("name");
    let link = folder.join("link");
    symlink(folder.path(), &link).expect("a link");
    let behind = link.join("name");
    let refused = File::open(&behind, Access::ReadWrite).expect_err("behind a link");
    assert_eq!(refused.cause(), Cause::NotFound);
    assert!(!retire(&behind, id).expect("retire"), "behind a link");
    let unnamed = File::unnamed(folder.path(), 0, 0o600).expect("an unnamed file");
    let refused = unnamed.publish(&link.join("other")).expect_err("behind a link");
    assert_eq!(refused.cause(), Cause::NotFound);
    std::fs::remove_file(&link).expect("a link");
    assert_eq!(names(&folder), ["name"]);
    assert_eq!(file.status().expect("a status").links, 1);
    assert!(retire(&path, id).expect("retire"));
}

#[test]
fn no_file_takes_the_place_of_a_standard_stream_that_was_closed() {
    let folder = Folder::new();
    let (path, ..) = folder.file("name");
    let careless = child(|| {
        for stream in 0..3 {
            // SAFETY: of the numbers in this child; what used them goes on without.
            unsafe { libc::close(stream) };
        }
        let opened = File::open(&path, Access::ReadWrite).expect("open");
        let own = opened.reopen(Access::ReadWrite).expect("reopen");
        let fresh = File::unnamed(folder.path(), 0, 0o600).expect("an unnamed file");
        let memory = (!portable()).then(|| File::anonymous(8, 0o600).expect("memory"));
        for stream in 0..3 {
            // SAFETY: one byte of a text is read.
            let said = unsafe { libc::write(stream, c"!".as_ptr().cast(), 1) };
            assert_eq!(said, -1, "there is no stream {stream}");
        }
        drop((opened, own, fresh, memory));
        0
    });
    assert_eq!(careless.code(), 0);
    let mut byte = [9];
    let file = File::open(&path, Access::ReadOnly).expect("open");
    file.read_at(&mut byte, 0).expect("read");
    assert_eq!(byte, [0]);
}

#[test]
fn a_name_is_retired_only_with_its_file() {
    let folder = Folder::new();
    let (path, file, id) = folder.file("name");
    let (other_path, _, other_id) = folder.file("other");
    assert!(!retire(&path, other_id).expect("retire"), "another file's name");
    assert!(retire(&path, id).expect("retire"));
    assert!(!retire(&path, id).expect("retire"), "a missing name");
    assert_eq!(file.status().expect("a status").links, 0);
    let dead = file.publish(&path).expect_err("it cannot come back");
    assert_eq!(dead.cause(), Cause::NotFound);
    assert_eq!(list(folder.path()).expect("list"), ["other"]);
    assert!(retire(&other_path, other_id).expect("retire"));
}

#[test]
fn a_limit_on_file_sizes_is_an_error_and_not_a_signal() {
    let folder = Folder::new();
    let limited = child(|| {
        let limit = libc::rlimit { rlim_cur: 8192, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: the limit is read during the call only.
        let set = unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) };
        assert_eq!(set, 0);
        let error = File::unnamed(folder.path(), 8193, 0o600).expect_err("over the limit");
        assert_eq!(error.cause(), Cause::FileSizeLimit);
        File::unnamed(folder.path(), 8192, 0o600).expect("at the limit");
        0
    });
    assert_eq!(limited.code(), 0);
}

#[test]
fn a_full_filesystem_is_an_error_and_leaves_nothing() {
    let folder = Folder::new();
    if !root("a filesystem of 64 KiB is mounted") {
        return;
    }
    let small = child(|| {
        mount_tiny(&folder);
        let before = space(folder.path(), Lasts::WhileUsed).expect("space");
        assert_eq!((before.total, before.free), (65536, 65536));
        let error = File::unnamed(folder.path(), 1 << 20, 0o600).expect_err("too large");
        assert_eq!(error.cause(), Cause::NoSpace);
        assert_eq!(space(folder.path(), Lasts::WhileUsed).expect("space"), before);
        assert!(list(folder.path()).expect("list").is_empty());
        let fits = File::unnamed(folder.path(), 65536, 0o600).expect("all of it");
        assert_eq!(space(folder.path(), Lasts::WhileUsed).expect("space").free, 0);
        let error = File::unnamed(folder.path(), 1, 0o600).expect_err("nothing left");
        assert_eq!(error.cause(), Cause::NoSpace);
        drop(fits);
        assert_eq!(space(folder.path(), Lasts::WhileUsed).expect("space"), before);
        0
    });
    assert_eq!(small.code(), 0);
}

/// Mounts 64 KiB over the folder, for this process alone.
fn mount_tiny(folder: &Folder) {
    // SAFETY: a namespace of its own for a process with one thread.
    assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNS) }, 0);
    let flags = libc::MS_REC | libc::MS_PRIVATE;
    let none = std::ptr::null();
    // SAFETY: the strings end with zero and live through the call.
    let private = unsafe { libc::mount(none, c"/".as_ptr(), none, flags, std::ptr::null()) };
    assert_eq!(private, 0);
    let (kind, options) = (c"tmpfs".as_ptr(), c"size=64k".as_ptr());
    let target = CString::new(folder.path().to_str().expect("text")).expect("no zero");
    // SAFETY: as above.
    let mounted = unsafe { libc::mount(kind, target.as_ptr(), kind, 0, options.cast()) };
    assert_eq!(mounted, 0);
}

#[test]
fn what_is_written_and_synced_is_there() {
    let folder = Folder::new();
    let file = File::unnamed(folder.path(), 4096, 0o600).expect("an unnamed file");
    file.write_at(b"abc", 5).expect("written");
    let map = file.map(4096, Access::ReadWrite).expect("a map");
    word(&map).store(u64::from_le_bytes(*b"12345678"), Relaxed);
    map.sync(4096).expect("synced");
    map.sync(usize::MAX).expect("all of it");
    file.sync().expect("synced");
    sync_folder(folder.path()).expect("synced");
    let mut bytes = [0; 10];
    assert_eq!(file.read_at(&mut bytes, 0).expect("read"), 10);
    assert_eq!(&bytes, b"12345678\0\0");
}

#[test]
fn only_an_empty_folder_is_removed() {
    let folder = Folder::new();
    let inner = folder.join("inner");
    std::fs::create_dir(&inner).expect("a folder");
    std::fs::write(inner.join("file"), b"").expect("a file");
    assert!(!remove_empty(&inner).expect("an answer"));
    assert!(!remove_empty(&inner.join("file")).expect("an answer"), "no folder");
    std::fs::remove_file(inner.join("file")).expect("a file");
    assert!(remove_empty(&inner).expect("an answer"));
    assert!(!remove_empty(&inner).expect("an answer"), "gone");
}

#[test]
fn what_a_killed_maker_left_is_taken_away_and_what_a_living_one_makes_is_not() {
    let folder = Folder::new();
    let ready = Line::new();
    let maker = child(|| {
        let _file = File::unnamed(folder.path(), 4096, 0o600).expect("a file");
        ready.tell();
        forever()
    });
    ready.hear();
    let mine = File::unnamed(folder.path(), 4096, 0o600).expect("a file");
    let drafts = |count| {
        let found = list(folder.path()).expect("list").len();
        assert_eq!(found, if portable() { count } else { 0 });
    };
    drafts(2);
    maker.kill();
    let other = File::unnamed(folder.path(), 4096, 0o600).expect("a file");
    drafts(2);
    mine.publish(&folder.join("name")).expect("it was not taken for a dead one's");
    drop(other);
    assert_eq!(list(folder.path()).expect("list"), ["name"]);
}

#[test]
fn what_a_maker_was_killed_in_is_finished_by_who_opens() {
    if !portable() {
        return; // There, the name is given in one step.
    }
    let folder = Folder::new();
    let (path, _, id) = folder.file("name");
    // As if it had been killed between giving the name and taking the draft's away.
    let draft = folder.join(&format!(".cohabit.draft.{:x}", id.inode));
    std::fs::hard_link(&path, &draft).expect("a second name");
    let opened = File::open(&path, Access::ReadWrite).expect("open");
    assert_eq!(opened.status().expect("a status").links, 1);
    assert_eq!(list(folder.path()).expect("list"), ["name"]);
}

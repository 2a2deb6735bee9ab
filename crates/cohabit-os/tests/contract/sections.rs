//! The life section: one at a time, bounded, bound to its file, and no child's.

use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use cohabit_os::error::Cause;
use cohabit_os::fork::process_lock;
use cohabit_os::liveness::{Byte, Entered, LifeSection, Way, is_held};
use cohabit_os::mapping::{Access, File, FileId, retire};
use cohabit_os::wait::Deadline;

use crate::support::{
    By, Child, Folder, Line, child, child_by, for_linux_only, forever, portable, shared_word, word,
};

fn yes(entered: cohabit_os::Result<Entered>) -> LifeSection {
    match entered.expect("an answer") {
        Entered::Yes(section) => section,
        other => panic!("expected to enter, got {other:?}"),
    }
}

#[test]
fn exclusive_between_processes_busy_at_the_deadline() {
    let folder = Folder::new();
    let (path, file, id) = folder.file("name");
    let (inside, leave, left) = (Line::new(), Line::new(), Line::new());
    let other = child(|| {
        let section = yes(LifeSection::try_enter(Way::Name(&path), id));
        inside.tell();
        leave.hear();
        drop(section);
        left.tell();
        forever()
    });
    inside.hear();
    assert!(is_held(&file, Byte::LIFE).expect("an answer"));
    assert!(matches!(LifeSection::try_enter(Way::Name(&path), id), Ok(Entered::Busy)));
    let past = Some(Deadline::in_past());
    assert!(matches!(LifeSection::enter(Way::Name(&path), id, past), Ok(Entered::Busy)));
    let soon = Deadline::after(Duration::from_millis(30));
    assert!(matches!(LifeSection::enter(Way::Name(&path), id, Some(soon)), Ok(Entered::Busy)));
    assert!(soon.has_passed(), "it waited to the deadline");
    drop(process_lock()); // free while we were busy
    leave.tell();
    left.hear();
    drop(yes(LifeSection::enter(Way::Name(&path), id, None)));
    other.kill();
    drop(yes(LifeSection::try_enter(Way::Name(&path), id)));
}

#[test]
fn a_killed_holder_leaves_it_free() {
    let folder = Folder::new();
    let (path, file, id) = folder.file("name");
    let inside = Line::new();
    let other = child(|| {
        let _section = yes(LifeSection::try_enter(Way::Name(&path), id));
        inside.tell();
        forever()
    });
    inside.hear();
    other.stop();
    assert!(
        matches!(LifeSection::try_enter(Way::Name(&path), id), Ok(Entered::Busy)),
        "stopped, not dead"
    );
    other.kill();
    assert!(!is_held(&file, Byte::LIFE).expect("an answer"));
    drop(yes(LifeSection::try_enter(Way::Name(&path), id)));
}

#[test]
fn what_is_done_inside_is_done_one_after_the_other() {
    let folder = Folder::new();
    let (path, _, id) = folder.file("name");
    let counter = shared_word(&folder);
    let workers: Vec<Child> = (0..4)
        .map(|_| {
            child(|| {
                for _ in 0..200 {
                    let _section = yes(LifeSection::enter(Way::Name(&path), id, None));
                    let seen = word(&counter).load(Relaxed);
                    std::thread::yield_now();
                    word(&counter).store(seen + 1, Relaxed);
                }
                0
            })
        })
        .collect();
    assert!(workers.into_iter().all(|worker| worker.code() == 0));
    assert_eq!(word(&counter).load(Relaxed), 800);
}

#[test]
fn gone_when_the_name_names_nothing_or_another() {
    let folder = Folder::new();
    let (path, _, id) = folder.file("name");
    assert!(retire(&path, id).expect("retire"));
    assert!(matches!(LifeSection::try_enter(Way::Name(&path), id), Ok(Entered::Gone)));
    assert!(matches!(LifeSection::enter(Way::Name(&path), id, None), Ok(Entered::Gone)));
    let (_, _, new_id) = folder.file("name");
    assert!(matches!(LifeSection::enter(Way::Name(&path), id, None), Ok(Entered::Gone)));
    drop(yes(LifeSection::enter(Way::Name(&path), new_id, None)));
    assert!(retire(&path, new_id).expect("retire"));
    std::os::unix::fs::symlink("elsewhere", &path).expect("a link");
    assert!(matches!(LifeSection::enter(Way::Name(&path), id, None), Ok(Entered::Gone)));
    std::fs::remove_file(&path).expect("the link");
    std::fs::create_dir(&path).expect("a folder");
    assert!(matches!(LifeSection::enter(Way::Name(&path), id, None), Ok(Entered::Gone)));
}

#[test]
fn who_waits_learns_that_it_is_gone() {
    let folder = Folder::new();
    let (path, _, id) = folder.file("name");
    let section = yes(LifeSection::try_enter(Way::Name(&path), id));
    let waiter = Line::new();
    let ended = Line::new();
    // The waiter waits for the process lock first, or for the life byte: it cannot tell which.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            waiter.tell();
            let entered = LifeSection::enter(Way::Name(&path), id, None).expect("an answer");
            assert!(matches!(entered, Entered::Gone));
            ended.tell();
        });
        waiter.hear();
        assert!(retire(&path, id).expect("retire"));
        drop(section);
        ended.hear();
    });
}

#[test]
fn an_anchor_taken_inside_outlives_the_section_and_the_section_ends() {
    let folder = Folder::new();
    let (path, file, id) = folder.file("name");
    let byte = Byte::user(9, 9);
    let section = yes(LifeSection::try_enter(Way::Name(&path), id));
    let anchor = section.anchor(byte).expect("the byte is free");
    drop(section);
    assert!(is_held(&file, byte).expect("an answer"));
    assert!(!is_held(&file, Byte::LIFE).expect("an answer"));
    let again = yes(LifeSection::try_enter(Way::Name(&path), id));
    let taken = again.anchor(byte).expect_err("held");
    assert_eq!(taken.kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(taken.cause(), Cause::Other);
    drop(again);
    drop(anchor);
    assert!(!is_held(&file, byte).expect("an answer"));
}

#[test]
fn a_raw_clone_does_not_end_its_parents_section() {
    if for_linux_only("a child of a raw clone is as its parent") {
        return;
    }
    let folder = Folder::new();
    let (path, file, id) = folder.file("name");
    let section = Cell::new(Some(yes(LifeSection::try_enter(Way::Name(&path), id))));
    let end = Line::new();
    let clone = child_by(By::RawClone, || {
        drop(section.take());
        end.tell();
        forever()
    });
    end.hear();
    assert!(is_held(&file, Byte::LIFE).expect("an answer"));
    drop(section.take());
    assert!(!is_held(&file, Byte::LIFE).expect("an answer"), "although the clone lives");
    clone.kill();
}

#[test]
fn a_child_forked_at_any_moment_never_holds_the_life_of_its_dead_parent() {
    let folder = Folder::new();
    let (path, file, id) = folder.file("name");
    let (ready, end) = (Line::new(), Line::new());
    const CHILDREN: usize = 40;
    // Somebody was there before: of a file that nobody ever used, nobody knows who is dead.
    let first = yes(LifeSection::try_enter(Way::Name(&path), id));
    drop(first.anchor(Byte::user(0, 1)).expect("the byte is free"));
    drop(first);
    let parent = child(|| {
        std::thread::spawn(|| {
            loop {
                drop(process_lock());
            }
        });
        std::thread::scope(|scope| {
            let busy = scope.spawn(|| {
                for slot in 0.. {
                    if let Ok(Entered::Yes(section)) =
                        LifeSection::enter(Way::Name(&path), id, None)
                    {
                        drop(section.anchor(Byte::user(slot, 1)).expect("the byte is free"));
                    }
                    if slot == u16::MAX {
                        break;
                    }
                }
            });
            for _ in 0..CHILDREN {
                std::mem::forget(child(|| {
                    drop(process_lock()); // free in every child
                    ready.tell();
                    end.hear();
                    ready.tell();
                    0
                }));
            }
            let _ = busy.join();
        });
        forever()
    });
    (0..CHILDREN).for_each(|_| ready.hear());
    parent.kill();
    assert!(!is_held(&file, Byte::LIFE).expect("an answer"));
    assert!((0..=u16::MAX).all(|slot| !is_held(&file, Byte::user(slot, 1)).expect("an answer")));
    (0..CHILDREN).for_each(|_| end.tell());
    (0..CHILDREN).for_each(|_| ready.hear());
}

#[test]
fn a_kept_descriptor_is_a_way_to_a_file_without_a_name() {
    if for_linux_only("there is no way to a file without a name") {
        return;
    }
    let folder = Folder::new();
    let file = File::unnamed(folder.path(), 4096, 0o600).expect("an unnamed file");
    let id = file.status().expect("a status").id;
    let way = Way::Kept(&file);
    let section = yes(LifeSection::try_enter(way, id));
    let anchor = section.anchor(Byte::user(2, 1)).expect("the byte is free");
    assert!(is_held(&file, Byte::LIFE).expect("an answer"), "through another description");
    drop(section);
    assert!(matches!(LifeSection::enter(way, FileId { inode: 0, ..id }, None), Ok(Entered::Gone)));
    assert!(!is_held(&file, Byte::LIFE).expect("an answer"));
    assert!(is_held(&file, Byte::user(2, 1)).expect("an answer"));
    drop(anchor);
    // By its name, a file without one is not to be had.
    let (path, _named, other) = folder.file("name");
    assert!(matches!(LifeSection::try_enter(Way::Name(&path), id), Ok(Entered::Gone)));
    drop(yes(LifeSection::try_enter(Way::Name(&path), other)));
}

#[test]
fn nothing_stays_open() {
    let folder = Folder::new();
    let (path, file, id) = folder.file("name");
    let open = || std::fs::read_dir("/proc/self/fd").expect("proc").count();
    let maps =
        || std::fs::read_to_string("/proc/self/maps").expect("proc").matches("/name").count();
    let before = (open(), maps());
    for round in 1..50 {
        let section = yes(LifeSection::try_enter(Way::Name(&path), id));
        let anchor = section.anchor(Byte::user(1, round)).expect("the byte is free");
        drop(section);
        assert_eq!(open(), before.0 + usize::from(portable()), "an anchor of lock files keeps one");
        let own = file.reopen(Access::ReadWrite).expect("reopen");
        drop(cohabit_os::liveness::Anchor::take(own, Byte::guest(1, round)).expect("free"));
        drop(anchor);
    }
    assert_eq!((open(), maps()), before);
}

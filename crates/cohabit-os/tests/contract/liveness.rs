//! A byte is held exactly as long as the address space of whoever holds it.

use std::cell::Cell;
use std::io::{Read, Write, pipe};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use cohabit_os::error::Cause;
use cohabit_os::fork::child_zeroed;
use cohabit_os::liveness::{Anchor, Byte, anchors_work, is_held};
use cohabit_os::mapping::{Access, File, tidy};

use crate::support::{Folder, Line, child, child_by, for_linux_only, forever, portable, ways};

fn anchor(file: &File, byte: Byte) -> Anchor {
    let own = file.reopen(Access::ReadWrite).expect("a description of its own");
    Anchor::take(own, byte).expect("the byte is free")
}

fn held(file: &File, byte: Byte) -> bool {
    is_held(file, byte).expect("an answer")
}

#[test]
fn bytes_are_where_the_format_says() {
    assert_eq!(Byte::LIFE.offset(), 0);
    assert_eq!(Byte::user(5, 7).offset(), (1 << 61) + (7 << 16) + 5);
    assert_eq!(Byte::guest(5, 7).offset(), (1 << 60) + (7 << 16) + 5);
    assert!(Byte::user(u16::MAX, u32::MAX).offset() < 1 << 62);
    assert!(Byte::guest(u16::MAX, u32::MAX).offset() < Byte::user(0, 0).offset());
}

#[test]
fn anchors_work_here() {
    let folder = Folder::new();
    // The portable mechanism keeps a descriptor for each.
    assert_eq!(anchors_work(Some(folder.path())).expect("byte locks"), !portable());
    assert_eq!(anchors_work(Some(folder.path())).expect("the same answer"), !portable());
}

#[test]
fn a_byte_is_one_byte_however_far_up() {
    let folder = Folder::new();
    let (_, file, _) = folder.file("name");
    let byte = Byte::user(3, 0x8000_0001);
    let others =
        [Byte::user(2, 0x8000_0001), Byte::user(4, 0x8000_0001), Byte::guest(3, 0x8000_0001)];
    let earlier = [
        Byte::user(3, 0x8000_0000),
        Byte::user(3, 1), // the same low 32 bits of the offset
        Byte::LIFE,
    ];
    // A lock file is its slot's, so of generations it knows the last one only.
    let only_asked = if portable() { &earlier[..] } else { &[] };
    let others = [&others[..], if portable() { &[] } else { &earlier }].concat();
    let one = anchor(&file, byte);
    assert!(held(&file, byte));
    assert!(others.iter().chain(only_asked).all(|other| !held(&file, *other)));
    let taken = Anchor::take(file.reopen(Access::ReadWrite).expect("reopen"), byte);
    let taken = taken.expect_err("held by another description");
    assert_eq!(taken.kind(), std::io::ErrorKind::WouldBlock);
    let rest: Vec<Anchor> = others.iter().map(|other| anchor(&file, *other)).collect();
    drop(one);
    assert!(!held(&file, byte));
    assert!(others.iter().all(|other| held(&file, *other)));
    assert!(only_asked.iter().all(|other| !held(&file, *other)));
    drop(rest);
    assert!(!others.iter().any(|other| held(&file, *other)));
}

#[test]
fn a_read_lock_does_not_look_like_life() {
    if for_linux_only(
        "flock and fcntl may be the same lock, and of files that others may read none is asked",
    ) {
        return;
    }
    let folder = Folder::new();
    let (path, file, _) = folder.file("name");
    let reader = std::fs::File::open(&path).expect("open");
    let byte = Byte::LIFE;
    // SAFETY: all zero is a value of this plain struct.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = libc::F_RDLCK.try_into().expect("small");
    range.l_len = 1;
    // SAFETY: the descriptor is open and the struct lives through the call.
    let locked = unsafe { libc::fcntl(reader.as_raw_fd(), libc::F_OFD_SETLK, &raw mut range) };
    assert_eq!(locked, 0);
    assert!(!held(&file, byte));
}

#[test]
fn held_without_descriptors_and_while_stopped_and_freed_by_a_kill() {
    let folder = Folder::new();
    let (_, file, _) = folder.file("name");
    let (byte, ready) = (Byte::user(0, 1), Line::new());
    let holder = child(|| {
        let _anchor = anchor(&file, byte);
        // SAFETY: this process uses no other descriptor by its number from here on.
        assert_eq!(unsafe { libc::dup2(ready.tell_end().as_raw_fd(), 0) }, 0);
        // SAFETY: as above.
        assert_eq!(unsafe { libc::close_range(1, u32::MAX, 0) }, 0);
        // SAFETY: one byte of a constant.
        assert_eq!(unsafe { libc::write(0, c"!".as_ptr().cast(), 1) }, 1);
        // SAFETY: the last descriptor that is open.
        assert_eq!(unsafe { libc::close(0) }, 0);
        forever()
    });
    ready.hear();
    if portable() {
        println!("not for the portable mechanism: who closes all descriptors looks dead");
        assert!(!held(&file, byte));
        return;
    }
    assert!(held(&file, byte));
    holder.stop();
    assert!(held(&file, byte));
    holder.kill();
    assert!(!held(&file, byte));
}

#[test]
fn held_while_stopped_and_freed_by_a_kill() {
    let folder = Folder::new();
    let (_, file, _) = folder.file("name");
    let (byte, ready) = (Byte::user(0, 1), Line::new());
    let holder = child(|| {
        let _anchor = anchor(&file, byte);
        // What another part of the program opens and closes has no say.
        drop(file.reopen(Access::ReadWrite).expect("reopen"));
        ready.tell();
        forever()
    });
    ready.hear();
    assert!(held(&file, byte));
    holder.stop();
    assert!(held(&file, byte));
    holder.kill();
    assert!(!held(&file, byte));
}

#[test]
fn a_later_generation_of_a_slot_is_told_from_an_earlier_one() {
    let folder = Folder::new();
    let (_, file, _) = folder.file("name");
    let first = anchor(&file, Byte::user(1, 1));
    drop(first);
    let second = anchor(&file, Byte::user(1, 2));
    assert!(held(&file, Byte::user(1, 2)));
    assert!(!held(&file, Byte::user(1, 1)) && !held(&file, Byte::user(1, 3)));
    drop(second);
    assert!(!held(&file, Byte::user(1, 2)));
}

#[test]
fn a_lock_file_that_was_taken_away_judges_nobody() {
    if !portable() {
        return; // Linux's own mechanism has none.
    }
    let folder = Folder::new();
    let (_, file, id) = folder.file("name");
    let living = anchor(&file, Byte::user(4, 1));
    let inode = id.inode;
    let taken = |name: String| std::fs::remove_file(folder.join(&name)).expect(&name);
    assert!(held(&file, Byte::user(4, 1)));
    taken(format!(".cohabit.live.{inode:x}.u4"));
    let unknown = is_held(&file, Byte::user(4, 1)).expect_err("nobody knows");
    assert_eq!(unknown.cause(), Cause::NotFound);
    assert!(!held(&file, Byte::user(5, 1)), "it was never there");
    taken(format!(".cohabit.live.{inode:x}"));
    assert!(is_held(&file, Byte::user(5, 1)).is_err(), "nor is that known now");
    drop(living);
}

#[test]
fn freed_by_exit_and_by_exec() {
    let folder = Folder::new();
    let (_, file, _) = folder.file("name");
    let byte = Byte::user(0, 1);
    let leaver = child(|| {
        std::mem::forget(anchor(&file, byte));
        i32::from(!held(&file, byte))
    });
    assert_eq!(leaver.code(), 0);
    assert!(!held(&file, byte));

    let (ready, execs) = (Line::new(), Line::new());
    let ((its_input, mut input), (mut output, its_output)) =
        (pipe().expect("a pipe"), pipe().expect("a pipe"));
    let becomes = child(|| {
        let _anchor = anchor(&file, byte);
        ready.tell();
        execs.hear();
        let stdin = its_input.try_clone().expect("a copy");
        let stdout = its_output.try_clone().expect("a copy");
        let error = Command::new("cat").stdin(stdin).stdout(stdout).exec();
        panic!("exec: {error}");
    });
    drop((its_input, its_output));
    ready.hear();
    assert!(held(&file, byte));
    execs.tell();
    // What comes back comes from the new program.
    input.write_all(b"?").expect("it reads");
    output.read_exact(&mut [0]).expect("it answers");
    assert!(!held(&file, byte), "exec frees it while the process lives");
    drop(input);
    assert_eq!(becomes.code(), 0);
}

#[test]
fn a_child_does_not_hold_it() {
    for by in ways().iter().copied() {
        let folder = Folder::new();
        let (_, file, _) = folder.file("name");
        let (byte, ready, end) = (Byte::user(0, 1), Line::new(), Line::new());
        let parent = child(|| {
            let anchor = Cell::new(Some(anchor(&file, byte)));
            let grandchild = child_by(by, || {
                // The child's copy is an anchor of nothing: dropping it frees nothing.
                drop(anchor.take());
                ready.tell();
                end.hear();
                ready.tell();
                0
            });
            std::mem::forget(grandchild);
            forever()
        });
        ready.hear();
        assert!(held(&file, byte), "dropped in the child, held by the parent");
        parent.kill();
        assert!(!held(&file, byte), "the child lives, the parent does not");
        end.tell();
        ready.hear();
    }
}

#[test]
fn a_childs_copy_unmaps_nothing_of_the_childs() {
    for by in ways().iter().copied() {
        let folder = Folder::new();
        let (_, file, _) = folder.file("name");
        let anchor = Cell::new(Some(anchor(&file, Byte::user(0, 1))));
        let maps = child_by(by, || {
            // The anchor's page is a hole here, and one of these fills it.
            let pages = [(); 64].map(|()| child_zeroed(1).expect("a page").as_ptr());
            drop(anchor.take());
            for page in pages {
                // SAFETY: a page of ours, which is never unmapped.
                unsafe { page.write_volatile(1) }
            }
            0
        });
        assert_eq!(maps.code(), 0);
    }
}

#[test]
fn dropped_by_the_parent_it_is_free_while_a_child_lives() {
    let folder = Folder::new();
    let (_, file, _) = folder.file("name");
    let byte = Byte::user(0, 1);
    let anchor = anchor(&file, byte);
    let lives = child(|| forever());
    drop(anchor);
    assert!(!held(&file, byte));
    lives.kill();
}

#[test]
fn a_fork_between_opening_and_taking_shares_nothing() {
    let folder = Folder::new();
    let (_, file, _) = folder.file("name");
    let (byte, ready, end) = (Byte::user(0, 1), Line::new(), Line::new());
    let parent = child(|| {
        let own = file.reopen(Access::ReadWrite).expect("reopen");
        std::mem::forget(child(|| {
            end.hear();
            ready.tell();
            0
        }));
        let _anchor = Anchor::take(own, byte).expect("the byte is free");
        ready.tell();
        forever()
    });
    ready.hear();
    assert!(held(&file, byte));
    parent.kill();
    assert!(!held(&file, byte), "the child has the descriptor that was opened, and no more");
    end.tell();
    ready.hear();
}

#[test]
fn a_child_may_hold_its_own() {
    let folder = Folder::new();
    let (_, file, _) = folder.file("name");
    let (mine, its, ready) = (Byte::user(0, 1), Byte::user(1, 1), Line::new());
    let anchored = anchor(&file, mine);
    let other = child(|| {
        let _its = anchor(&file, its);
        ready.tell();
        forever()
    });
    ready.hear();
    assert!(held(&file, mine) && held(&file, its));
    other.kill();
    assert!(held(&file, mine) && !held(&file, its));
    drop(anchored);
    assert!(!held(&file, mine));
}

#[test]
fn what_is_never_published_leaves_no_lock_files() {
    let folder = Folder::new();
    let ready = Line::new();
    let make = || {
        let file = File::unnamed(folder.path(), 4096, 0o600).expect("a file");
        let anchor = anchor(&file, Byte::user(0, 1));
        (file, anchor)
    };
    let maker = child(|| {
        let _made = make();
        ready.tell();
        forever()
    });
    ready.hear();
    maker.kill();
    drop(make());
    assert!(cohabit_os::mapping::list(folder.path()).expect("list").is_empty());
}

#[test]
fn tidying_takes_what_the_dead_left_of_what_is_gone_and_nothing_else() {
    if !portable() {
        return; // Linux's own mechanism leaves nothing.
    }
    let folder = Folder::new();
    let (path, file, id) = folder.file("gone");
    let (_, kept, _) = folder.file("kept");
    drop(anchor(&kept, Byte::user(0, 1)));
    let living = anchor(&file, Byte::user(0, 1));
    drop(anchor(&file, Byte::user(1, 1)));
    // Gone by another hand, so that the lock files are left.
    std::fs::remove_file(&path).expect("the name");
    let left = || {
        tidy(folder.path());
        let names = cohabit_os::mapping::list(folder.path()).expect("list");
        names.iter().filter(|name| name.contains(&format!(".{:x}", id.inode))).count()
    };
    assert_eq!(left(), 3, "somebody who lives has it");
    drop(living);
    assert_eq!(left(), 0);
    assert!(!held(&kept, Byte::user(0, 1)), "what has a name is asked as before");
    assert!(folder.join("kept").exists());
}

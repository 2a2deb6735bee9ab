//! A byte is held exactly as long as the address space of whoever holds it.

use std::cell::Cell;
use std::io::{Read, Write, pipe};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use cohabit_os::fork::child_zeroed;
use cohabit_os::liveness::{Anchor, Byte, anchors_work, is_held};
use cohabit_os::mapping::{Access, File};

use crate::support::{By, Folder, Line, child, child_by, forever};

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
    assert!(anchors_work(Some(folder.path())).expect("byte locks"));
    assert!(anchors_work(Some(folder.path())).expect("the same answer"));
}

#[test]
fn a_byte_is_one_byte_however_far_up() {
    let folder = Folder::new();
    let (_, file, _) = folder.file("name");
    let byte = Byte::user(3, 0x8000_0001);
    let others = [
        Byte::user(2, 0x8000_0001),
        Byte::user(4, 0x8000_0001),
        Byte::user(3, 0x8000_0000),
        Byte::user(3, 1), // the same low 32 bits of the offset
        Byte::guest(3, 0x8000_0001),
        Byte::LIFE,
    ];
    let one = anchor(&file, byte);
    assert!(held(&file, byte));
    assert!(others.into_iter().all(|other| !held(&file, other)));
    let taken = Anchor::take(file.reopen(Access::ReadWrite).expect("reopen"), byte);
    let taken = taken.expect_err("held by another description");
    assert_eq!(taken.kind(), std::io::ErrorKind::WouldBlock);
    let rest: Vec<Anchor> = others.into_iter().map(|other| anchor(&file, other)).collect();
    drop(one);
    assert!(!held(&file, byte));
    assert!(others.into_iter().all(|other| held(&file, other)));
    drop(rest);
    assert!(!others.into_iter().any(|other| held(&file, other)));
}

#[test]
fn a_read_lock_does_not_look_like_life() {
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
    assert!(held(&file, byte));
    holder.stop();
    assert!(held(&file, byte));
    holder.kill();
    assert!(!held(&file, byte));
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
    for by in [By::Fork, By::RawClone] {
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
    for by in [By::Fork, By::RawClone] {
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

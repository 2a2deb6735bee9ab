//! A byte is held exactly as long as the process of whoever holds it lives.

use cohabit_os::liveness::{Anchor, Byte, Entered, LifeSection, Way, anchors_work, is_held};
use cohabit_os::mapping::{Access, File, Lasts, retire};
use cohabit_os::wait::Deadline;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::support::{Folder, KINDS, Peer, alone, portable_since, word};

fn held(file: &File, byte: Byte) -> bool {
    is_held(file, byte).expect("an answer")
}

fn anchor(file: &File, byte: Byte) -> Anchor {
    let _alone = alone();
    let own = file.reopen(Access::ReadWrite).expect("a description of its own");
    Anchor::take(own, byte).expect("the byte is free")
}

#[test]
fn anchors_work_here() {
    let folder = Folder::new();
    let keeps = portable_since("an anchor keeps a descriptor, by its nature");
    assert_eq!(anchors_work(Some(folder.path())).expect("bytes can be held"), !keeps);
}

#[test]
fn a_byte_is_one_byte_however_far_up() {
    let folder = Folder::new();
    let (_, file, _) = folder.file("name");
    let byte = Byte::user(3, 0x8000_0001);
    let others =
        [Byte::user(2, 0x8000_0001), Byte::user(3, 1), Byte::guest(3, 0x8000_0001), Byte::LIFE];
    let one = anchor(&file, byte);
    assert!(held(&file, byte));
    assert!(others.into_iter().all(|other| !held(&file, other)));
    let taken = Anchor::take(file.reopen(Access::ReadWrite).expect("reopen"), byte);
    assert_eq!(taken.expect_err("held").kind(), std::io::ErrorKind::WouldBlock);
    // A slot has one lock file, and the life byte is no slot's.
    let why = "of a slot's generations one is held at a time, and the life byte in a section only";
    let all = if portable_since(why) { vec![others[0], others[2]] } else { others.to_vec() };
    let others = all.iter().copied();
    let rest: Vec<Anchor> = others.clone().map(|other| anchor(&file, other)).collect();
    drop(one);
    assert!(!held(&file, byte));
    assert!(others.clone().all(|other| held(&file, other)));
    drop(rest);
    assert!(!others.clone().any(|other| held(&file, other)));
}

#[test]
fn a_byte_outlives_the_thread_that_took_it() {
    let folder = Folder::new();
    let (_, file, _) = folder.file("name");
    let byte = Byte::user(0, 1);
    let taken = std::thread::scope(|scope| scope.spawn(|| anchor(&file, byte)).join());
    assert!(held(&file, byte));
    drop(taken);
    assert!(!held(&file, byte));
}

#[test]
fn held_by_a_process_and_freed_by_its_death() {
    KINDS.into_iter().for_each(|(lasts, _)| a_byte_is_held_by_a_process(lasts));
}

fn a_byte_is_held_by_a_process(lasts: Lasts) {
    let folder = Folder::new();
    let (path, file, _) = folder.file_that(lasts, "name");
    let byte = Byte::user(0, 1);
    for round in 0..5 {
        let mut peer = Peer::play("hold", &[path.to_str().expect("text")]);
        peer.expect("held");
        // Whoever asks holds nothing by it, however often.
        assert!((0..50).all(|_| held(&file, byte)));
        assert!(Anchor::take(file.reopen(Access::ReadWrite).expect("reopen"), byte).is_err());
        if round % 2 == 0 {
            peer.kill();
        } else {
            peer.tell("end");
            peer.end();
        }
        assert!(!held(&file, byte), "round {round}");
        drop(anchor(&file, byte));
    }
}

#[test]
fn the_life_section_is_for_one_and_a_killed_one_leaves_it_free() {
    KINDS.into_iter().for_each(|(lasts, _)| the_life_section_is_for_one(lasts));
}

fn the_life_section_is_for_one(lasts: Lasts) {
    let folder = Folder::new();
    let (path, file, id) = folder.file_that(lasts, "name");
    let busy = |path| matches!(LifeSection::try_enter(Way::Name(path), id), Ok(Entered::Busy));
    let mut peer = Peer::play("be inside", &[path.to_str().expect("text")]);
    peer.expect("inside");
    assert!(held(&file, Byte::LIFE) && busy(&path));
    let soon = Deadline::after(Duration::from_millis(30));
    assert!(matches!(LifeSection::enter(Way::Name(&path), id, Some(soon)), Ok(Entered::Busy)));
    assert!(soon.has_passed(), "it waited to the deadline");
    peer.tell("leave");
    peer.expect("left");
    assert!(!busy(&path));
    let mut peer = Peer::play("be inside", &[path.to_str().expect("text")]);
    peer.expect("inside");
    assert!(busy(&path));
    peer.kill();
    assert!(matches!(LifeSection::try_enter(Way::Name(&path), id), Ok(Entered::Yes(_))));
}

#[test]
fn what_is_done_inside_is_done_one_after_the_other() {
    let folder = Folder::new();
    let (path, file, _) = folder.file("name");
    let map = file.map(4096, Access::ReadWrite).expect("a map");
    let text = path.to_str().expect("text").to_owned();
    let mut peers: Vec<_> = (0..3).map(|_| Peer::play("add inside", &[&text])).collect();
    peers.iter_mut().for_each(|peer| peer.expect("added"));
    assert_eq!(word(&map, 0).load(Relaxed), 300);
}

#[test]
fn an_anchor_taken_inside_outlives_the_section_and_the_section_ends() {
    let folder = Folder::new();
    let (path, file, id) = folder.file("name");
    let byte = Byte::user(9, 9);
    let alone = alone();
    let Ok(Entered::Yes(section)) = LifeSection::try_enter(Way::Name(&path), id) else {
        panic!("it is free");
    };
    let anchor = section.anchor(byte).expect("the byte is free");
    drop(section);
    drop(alone);
    assert!(held(&file, byte) && !held(&file, Byte::LIFE));
    drop(anchor);
    assert!(!held(&file, byte));
    assert!(retire(&path, id).expect("an answer"));
    assert!(matches!(LifeSection::try_enter(Way::Name(&path), id), Ok(Entered::Gone)));
    let kept = LifeSection::try_enter(Way::Kept(&file), id);
    if portable_since("a file is opened anew by its name only") {
        assert!(matches!(kept, Ok(Entered::Gone)));
    } else {
        assert!(matches!(kept, Ok(Entered::Yes(_))), "without a name");
    }
}

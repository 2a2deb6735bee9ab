//! Cells where they are not at home: in private memory, and in a forked child.

use std::sync::atomic::Ordering::Relaxed;

use cohabit::{ErrorKind, Flag, Frozen, Loose, Shared};

use super::board::{Board, Dials, Limits, new};
use crate::support::{Peer, World, sys};

#[test]
fn cells_by_themselves_say_not_shared_and_a_flag_works() {
    let frozen = Frozen::new(Limits::default());
    let loose = Loose::new(Dials::default());
    let codes = [
        frozen.get().map(drop).unwrap_err().kind(),
        frozen.get_into(&mut Limits::default()).unwrap_err().kind(),
        frozen.get_boxed().map(drop).unwrap_err().kind(),
        frozen.get_part(Limits::MOST).map(drop).unwrap_err().kind(),
        loose.load().map(drop).unwrap_err().kind(),
        loose.load_into(&mut Dials::default()).unwrap_err().kind(),
        loose.load_part(Dials::GEAR).map(drop).unwrap_err().kind(),
        loose.store(Dials::default()).unwrap_err().kind(),
        loose.store_from(&Dials::default()).unwrap_err().kind(),
        loose.store_part(Dials::GEAR, 1).unwrap_err().kind(),
    ];
    assert_eq!(codes, [ErrorKind::NotShared; 10]);
    let flag = Flag::from(true);
    assert!(flag.swap(false, Relaxed) && !flag.load(Relaxed));
    flag.store(true, Relaxed);
    assert_eq!(format!("{flag:?} {frozen:?} {loose:?}"), "true Frozen { .. } Loose { .. }");
}

/// Forks: in the child atomics and flags are the parent's, and every cell call says Forked.
#[cfg(unix)] // It forks.
pub(crate) fn forked(peer: &mut Peer) {
    let board = Shared::<Board>::open_or_create("board", new).expect("a board");
    let view = Shared::<Board>::open_read_only("board").expect("a view");
    let child = sys::forked(|| {
        board.hits.store(5, Relaxed);
        board.stop.store(true, Relaxed);
        let kinds = [
            board.sides[0].state.get().map(drop).unwrap_err().kind(),
            board.limits.get().map(drop).unwrap_err().kind(),
            board.dials.load().map(drop).unwrap_err().kind(),
            board.dials.store_part(Dials::GEAR, 9).unwrap_err().kind(),
        ];
        let viewed = view.view();
        let sees = viewed.hits().load() == 5
            && viewed.stop().load()
            && viewed.limits().get().is_ok()
            && viewed.dials().load().is_ok()
            && viewed.sides().get(0).is_some_and(|side| side.state().get().is_ok());
        // Of its own it can do everything.
        let anew = Shared::<Board>::open("board").is_ok_and(|board| {
            board.dials.store_part(Dials::GEAR, 6).is_ok() && board.limits.get().is_ok()
        });
        u8::from(kinds == [ErrorKind::Forked; 4] && sees && anew)
    });
    assert_eq!(sys::code_of(child), 1, "what the child found");
    assert_eq!(board.hits.load(Relaxed), 5);
    assert_eq!(board.dials.load().expect("dials").gear, 6);
    peer.say("done");
}

#[cfg(unix)] // It forks.
#[test]
fn in_a_forked_child_atomics_work_and_cells_say_forked() {
    let world = World::new();
    world.child("forked").expect_next("done");
}

//! A peer writes anything anywhere into a live board, while others use all its cells. What follows is
//! an error or a wrong plain value; never a crash, a panic, or a wait beyond a deadline.

use std::path::Path;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};
use std::time::Duration;

use cohabit::untyped::Untyped;
use cohabit::{ErrorKind, Scope, Shared, SharedView, Version};

use super::board::{Board, Dials, Limits, State, new};
use crate::support::{Peer, World, raw};

const WAIT: Duration = Duration::from_millis(2);

/// Calls everything, again and again.
pub(crate) fn rusher(peer: &mut Peer) {
    let rounds: usize = peer.argument(0).parse().expect("a number");
    let board = Shared::<Board>::open_or_create("board", new).expect("a board");
    let view = Shared::<Board>::open_read_only("board").expect("a view");
    let object = Untyped::open("board", &Scope::User).expect("the same");
    peer.say("here");
    peer.hear();
    let (mut fine, mut bad) = (0_u64, 0_u64);
    for _ in 0..rounds {
        let mut count = |outcome: cohabit::Result<()>| match outcome.map_err(|error| error.kind()) {
            Ok(()) => fine += 1,
            Err(ErrorKind::BadBits | ErrorKind::Corrupt | ErrorKind::Busy) => bad += 1,
            Err(ErrorKind::TimedOut | ErrorKind::LivenessLost | ErrorKind::Ended) => bad += 1,
            Err(other) => panic!("unexpected: {other:?}"),
        };
        use_all(&board, &mut count);
        view_all(&view, &mut count);
        all_by_schema(&object, &mut count);
    }
    peer.say(format!("{fine} {bad}"));
}

fn use_all(board: &Board, count: &mut impl FnMut(cohabit::Result<()>)) {
    board.hits.fetch_add(1, Relaxed);
    board.stop.swap(true, AcqRel);
    count(board.limits.get().map(drop));
    count(board.limits.get_into(&mut Limits::default()));
    count(board.limits.get_boxed().map(drop));
    count(board.limits.get_part(Limits::EXACT).map(drop));
    count(board.dials.load().map(drop));
    count(board.dials.load_into(&mut Dials::default()));
    count(board.dials.load_part(Dials::LAMP).map(drop));
    count(board.dials.store(Dials::default()));
    count(board.dials.store_part(Dials::LAMP, true));
    for side in &board.sides {
        side.level.fetch_sub(1, Relaxed);
        count(side.state.get().map(drop));
        count(side.state.set_timeout(State::default(), WAIT).map(drop));
        count(side.state.update_timeout(|state| state.on ^= true, WAIT));
        let seen = side.state.version().unwrap_or(Version::NONE);
        count(side.state.wait_changed(seen, WAIT).map(drop));
    }
}

fn view_all(board: &SharedView<Board>, count: &mut impl FnMut(cohabit::Result<()>)) {
    let view = board.view();
    let _any = (view.hits().load(), view.stop().load());
    count(view.limits().get().map(drop));
    count(view.limits().get_part(Limits::EXACT).map(drop));
    count(view.dials().load().map(drop));
    count(view.dials().load_part(Dials::LAMP).map(drop));
    for side in view.sides().iter() {
        count(side.state().get().map(drop));
        count(side.state().get_part(State::ON).map(drop));
        count(side.state().wait_version(side.state().version(), WAIT).map(drop));
    }
}

fn all_by_schema(object: &Untyped, count: &mut impl FnMut(cohabit::Result<()>)) {
    for cell in object.cells() {
        count(cell.read().map(drop));
        if cell.path() != "limits" {
            count(cell.update(WAIT, |_| Ok::<(), ()>(())).map(drop));
        }
        if cell.has_versions() {
            count(cell.wait_version(Version::NONE, WAIT).map(drop));
        }
    }
}

/// Writes words into the object, until killed: noise, and what almost makes sense.
pub(crate) fn vandal(peer: &mut Peer) {
    let words = raw::words(Path::new(peer.argument(0)));
    let mut noise: u64 = peer.argument(1).parse().expect("a seed");
    let get = |at: usize| words[at / 8].load(Relaxed) as usize;
    let (object, size) = (get(88), get(96));
    peer.say("here");
    for round in 0_u64.. {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        let place = object + (noise >> 20) as usize % size;
        let word = match noise % 5 {
            0 => noise,
            1 => 0,
            2 => u64::MAX,
            3 => (((noise >> 9) % 5) << 32) | ((noise >> 17) % 9),
            _ => ((round % 500) << 8) | (((noise >> 9) % 20) << 1),
        };
        words[place / 8].store(word, Relaxed);
    }
}

#[test]
fn hostile_bytes_in_a_board_cost_nobody_more_than_an_error() {
    for seed in ["24301", "195939070"] {
        let world = World::new();
        let mut rushers = ["60", "60"].map(|rounds| world.child_with("rusher", &[rounds]));
        rushers.iter_mut().for_each(|rusher| drop(rusher.expect_next("here")));
        let path = world.path("board");
        let mut vandal = world.child_with("vandal", &[path.to_str().expect("a path"), seed]);
        vandal.expect_next("here");
        rushers.iter_mut().for_each(|rusher| rusher.say("go"));
        for mut rusher in rushers {
            let counted = rusher.hear();
            let (fine, bad) = counted.split_once(' ').expect("two numbers");
            assert!(fine != "0" && bad != "0", "it was not put to the test: {counted}");
            rusher.finish();
        }
        vandal.kill();
        world.assert_empty();
    }
}
